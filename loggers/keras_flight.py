"""The flight recorder of Keras models: norms of the gradients and weights that a step uses.

They are kept in a ring; only where they, or the model's output, are not finite, the step looks at every
output, gradient and weight that there is, and keeps what it saw until it is read.
"""

from __future__ import annotations

import math
import weakref
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import keras
from keras import ops

from .blame import first_bad_gradient, first_bad_owner
from .flight_recorder import FlightRecorder, Norms
from .guard import StopTraining
from .keras_backend import is_reachable, norms_of, outside_traces, relu_of, to_numpy, values_of
from .keras_forward import Forward
from .keras_layers import Layers
from .keras_slot import Made, Names, Seen, Slot


class KerasFlight:
    """Looks at every step that moves one of the models; ``poll`` tells ``recorder`` what was seen.

    It looks before the update. What the update made of the weights is seen in the next step, while that
    computes; of the last one from outside, at the end.
    """

    def __init__(self, recorder: FlightRecorder) -> None:
        self._recorder = recorder
        self._models: list[Layers] = []
        self._slots: weakref.WeakKeyDictionary[Any, dict[Names, Slot]] = weakref.WeakKeyDictionary()
        with outside_traces():
            self._batches = keras.Variable(0, dtype="int64", trainable=False)
            self._faults = keras.Variable(0, dtype="int32", trainable=False)
        self._polled = 0

    def add(self, layers: Layers) -> None:
        """Look after one more model."""
        self._models.append(layers)

    def count_batch(self) -> None:
        """To be called, or traced, in every forward pass."""
        self._batches.assign_add(1)

    def look(self, optimizer: Any, forward: Forward, given: Mapping[int, Any]) -> None:
        """Look, or trace a look, before a step uses the gradients ``given``, by the ids of variables."""
        weights = self._weights()
        moved = [(name, v) for name, v in weights if id(v) in given]
        others = [(name, v) for name, v in weights if id(v) not in given]
        outputs = [(name, tensor) for name, tensor in forward.outputs if is_reachable(tensor)]
        kept = [relu_of(tensor) for _, tensor in outputs]
        returned = [(name, values_of(g)) for name, g in forward.gradients if is_reachable(g)]
        slot = self._slot(optimizer, Names(*map(_names, (outputs, returned, moved, others))), forward.roots)
        gradients = [values_of(given[id(variable)]) for _, variable in moved]
        gradient_norms, weight_norms = _norms(gradients), _norms([variable for _, variable in moved])
        weights_fine = _fine_weights([variable for _, variable in moved], weight_norms)
        step, batch = _row(optimizer.iterations) + 1.0, _row(self._batches)
        row = ops.concatenate([step, batch, gradient_norms, weight_norms])
        heads_fine = [ops.all(tensor < math.inf) for name, tensor in outputs if name in slot.roots]
        good = partial(slot.keep_good, row)

        def look_closer() -> None:
            held = [ops.convert_to_tensor(variable) for _, variable in others]
            not_worse = [ops.all(tensor < math.inf) for tensor in kept]
            everything = [*kept, *(gradient for _, gradient in returned), *gradients, *held]
            flags = ops.stack([*not_worse, *(ops.all(ops.isfinite(one)) for one in everything)])
            fine = _all([flags[-len(gradients) - len(held) :], weights_fine, *heads_fine])
            flags = ops.concatenate([flags, weights_fine])
            ops.cond(fine, good, partial(slot.keep_fault, row, _norms(held), flags))

        ops.cond(_all([ops.isfinite(gradient_norms), weights_fine, *heads_fine]), good, look_closer)

    def poll(self) -> None:
        """Report what has been seen since the last time. ``StopTraining`` passes."""
        faults = int(to_numpy(self._faults))
        if faults == self._polled:
            return
        self._polled = faults
        seen = [(slot, fault) for slot in self._all_slots() if (fault := slot.fault()) is not None]
        for slot, fault in sorted(seen, key=lambda one: one[1].made.batch):
            self._report(slot, fault)

    def end(self) -> None:
        """Perhaps no step follows: look at what the last one made."""
        weights = self._weights() if self._slots else []
        if weights:
            names, variables = zip(*weights, strict=True)
            norms = _norms(variables)
            fine = dict(zip(names, to_numpy(_fine_weights(variables, norms)).tolist(), strict=True))
            with suppress(StopTraining):
                self._report_update(fine, dict(zip(names, to_numpy(norms).tolist(), strict=True)))

    def _weights(self) -> list[tuple[str, Any]]:
        return [named for layers in self._models for named in layers.variables()]

    def _all_slots(self) -> list[Slot]:
        return [slot for slots in self._slots.values() for slot in slots.values()]

    def _slot(self, optimizer: Any, names: Names, roots: set[str]) -> Slot:
        slots = self._slots.setdefault(optimizer, {})
        if names not in slots:
            owners = {
                name: layers.owners.get(id(variable), name)
                for layers in self._models
                for name, variable in layers.variables()
            }
            slots[names] = Slot(names, set(roots), owners, self._faults)
        return slots[names]

    def _report(self, slot: Slot, seen: Seen) -> None:
        names = slot.names.parameters + slot.names.others
        norms = dict(zip(names, seen.made.weights + seen.other_norms, strict=True))
        fine = dict(zip(names, seen.weights + seen.others, strict=True))
        if not self._report_update(fine, norms, before=seen.made.batch):
            self._tell(slot, seen.made, *_blame(slot, seen, fine), norms)

    def _report_update(
        self, fine: Mapping[str, bool], norms: Mapping[str, float], before: float = math.inf
    ) -> bool:
        """Blame, if there is one, the last step before a batch that moved what is not fine now."""
        bad = {name for name, is_fine in fine.items() if not is_fine}
        moved = [slot for slot in self._all_slots() if bad.intersection(slot.names.parameters)]
        made = [(one.batch, slot, one) for slot in moved for one in slot.good_steps() if one.batch < before]
        if made:
            _, slot, last = max(made, key=lambda one: one[0])
            layer = first_bad_owner(slot.names.outputs, slot.by_owner(fine))
            self._tell(slot, last, layer, "update", norms)
        return bool(made)

    def _tell(self, slot: Slot, made: Made, layer: str, phase: Any, weights: Mapping[str, float]) -> None:
        untold = [(good, one) for one in self._all_slots() for good in one.untold(made.batch)]
        for good, of in sorted(untold, key=lambda one: one[0].batch):
            self._recorder.good(good.step, _norms_of(of, good))
        norms = {**_norms_of(slot, made), "weights": (list(weights), list(weights.values()))}
        self._recorder.report(layer, phase, made.step, made.batch, norms=norms)


def _blame(slot: Slot, seen: Seen, weights: Mapping[str, bool]) -> tuple[str, Any]:
    names = slot.names
    order = list(dict.fromkeys(names.outputs))
    heads = zip(names.outputs, seen.not_worse, strict=True)
    heads_fine = all(is_fine for name, is_fine in heads if name in slot.roots)
    suspects = [
        name
        for fine in (seen.not_worse, seen.outputs)
        for name, is_fine in zip(names.outputs, fine, strict=True)
        if not is_fine
    ]
    if suspects and not (heads_fine and all(seen.gradients)):
        return suspects[0], "forward"
    if all(seen.gradients):  # weights that no step is known to have made
        return first_bad_owner(order, slot.by_owner(weights)), "update"
    returned: dict[str, bool] = {}
    for name, is_fine in zip(names.returned, seen.returned, strict=True):
        returned[name] = returned.get(name, True) and is_fine
    gradients = dict(zip(names.parameters, seen.gradients, strict=True))
    return first_bad_gradient(order, slot.roots, returned, slot.by_owner(gradients))


def _norms_of(slot: Slot, made: Made) -> Norms:
    parameters = slot.names.parameters
    return {"gradients": (parameters, made.gradients), "weights": (parameters, made.weights)}


def _names(named: Sequence[tuple[str, Any]]) -> tuple[str, ...]:
    return tuple(name for name, _ in named)


def _row(number: Any) -> Any:
    return ops.cast(ops.reshape(number, (1,)), "float64")


def _norms(tensors: Sequence[Any]) -> Any:
    """Euclidean norms, float64. They are infinite, too, for finite values beyond about 1e19."""
    return ops.cast(norms_of(tensors), "float64") if tensors else ops.zeros((0,), "float64")


def _fine_weights(variables: Sequence[Any], norms: Any) -> Any:
    """Of which variables all values are finite, of those whose norms are.

    The branch that reads them again waits for their norms alone. One that waited for gradients, too, would
    keep every update back until the last of these is known.
    """

    def look_closer() -> Any:
        return ops.stack([ops.all(ops.isfinite(variable)) for variable in variables])

    return ops.cond(ops.all(ops.isfinite(norms)), lambda: ops.isfinite(norms), look_closer)


def _all(conditions: Sequence[Any]) -> Any:
    return ops.all(ops.stack([ops.all(condition) for condition in conditions]))
