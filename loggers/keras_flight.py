"""The flight recorder of a Keras model: a few numbers that every step leaves in variables.

A traced step can call no Python, but it may assign variables. Norms of all gradients and weights are
taken at every step and kept in a ring; only where they, or the model's output, are not finite, the step
looks at every output and gradient that it still has, and keeps what it saw until it is read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import keras
import numpy as np
from keras import ops

from .blame import first_bad_gradient, first_bad_owner
from .flight_recorder import KEPT_STEPS, FlightRecorder, Norms
from .keras_backend import is_reachable, norms_of, outside_traces, relu_of, to_numpy, values_of
from .keras_forward import Forward
from .keras_layers import Layers

_INFINITY = float("inf")


@dataclass
class _Slot:
    """What steps of one layout leave: names first, then variables."""

    outputs: list[str]
    roots: set[str]
    returned: list[str]
    parameters: list[str]
    owners: list[str]
    last_good: int = 0
    taken: int = 0
    ring: Any = field(init=False)
    fault: Any = field(init=False)
    goods: Any = field(init=False)
    faults: Any = field(init=False)
    free: Any = field(init=False)
    broken: Any = field(init=False)

    def __post_init__(self) -> None:
        norms = 2 * len(self.parameters)
        flags = 2 * len(self.outputs) + len(self.returned) + norms
        make = partial(keras.Variable, initializer="zeros", trainable=False)
        with outside_traces():
            self.ring = make(shape=(KEPT_STEPS, 1 + norms), dtype="float64")
            self.fault = make(shape=(2 + norms + flags,), dtype="float64")
            self.goods, self.faults = make(shape=(), dtype="int32"), make(shape=(), dtype="int32")
            self.broken, self.free = make(shape=(), dtype="int32"), make(shape=(), dtype="int32")
            self.free.assign(1)

    def keep_good(self, step: Any, norms: Any) -> None:
        row = ops.concatenate([step, norms])
        at = ops.reshape(self.goods % KEPT_STEPS, (1, 1))
        self.ring.assign(ops.scatter_update(self.ring, at, row[None]))
        self.goods.assign_add(1)
        self.broken.assign(0)

    def keep_fault(self, step: Any, batch: Any, norms: Any, flags: Any) -> None:
        """Unless the step before was bad, too, or a fault has not been read yet."""

        def keep() -> None:
            self.fault.assign(ops.concatenate([step, batch, norms, ops.cast(flags, "float64")]))
            self.faults.assign_add(1)
            self.free.assign(0)
            self.broken.assign(1)

        is_new = ops.logical_and(ops.equal(self.broken, 0), ops.equal(self.free, 1))
        ops.cond(is_new, keep, _nothing)


class KerasFlight:
    """Looks after every step of an optimizer; what it sees goes to ``recorder`` when ``poll`` is called."""

    def __init__(self, recorder: FlightRecorder, layers: Layers, forward: Forward) -> None:
        self._recorder = recorder
        self._layers = layers
        self._forward = forward
        self._slots: dict[tuple[Any, ...], _Slot] = {}
        with outside_traces():
            self._batches = keras.Variable(0, dtype="int64", trainable=False)

    def count_batch(self) -> None:
        """To be called, or traced, in every forward pass."""
        self._batches.assign_add(1)

    def look(self, optimizer: Any, given: Mapping[int, Any]) -> None:
        """Look, or trace a look, at a step that used the gradients ``given``, by the ids of variables."""
        moved = [(name, v) for name, v in self._layers.variables() if id(v) in given]
        outputs = [(name, tensor) for name, tensor in self._forward.outputs if is_reachable(tensor)]
        kept = [relu_of(tensor) for _, tensor in outputs]
        returned = [(n, values_of(g)) for n, g in self._forward.gradients if is_reachable(g)]
        slot = self._slot(
            optimizer,
            _names(outputs),
            _names(returned),
            [name for name, _ in moved],
            [self._layers.owners.get(id(v), name) for name, v in moved],
        )
        gradients = [values_of(given[id(variable)]) for _, variable in moved]
        weights = [ops.convert_to_tensor(variable) for _, variable in moved]
        norms = _norms([*gradients, *weights])
        heads = [tensor for name, tensor in outputs if name in slot.roots]
        step, batch = _row(optimizer.iterations), _row(self._batches)
        heads_fine = [ops.all(head < _INFINITY) for head in heads]
        good = partial(slot.keep_good, step, norms)

        def look_closer() -> None:
            not_worse = [ops.all(tensor < _INFINITY) for tensor in kept]
            everything = [*kept, *(gradient for _, gradient in returned), *gradients, *weights]
            flags = ops.stack([*not_worse, *(ops.all(ops.isfinite(one)) for one in everything)])
            fine = _all([flags[-2 * len(moved) :], *heads_fine])
            ops.cond(fine, good, partial(slot.keep_fault, step, batch, norms, flags))

        ops.cond(_all([ops.isfinite(norms), *heads_fine]), good, look_closer)

    def poll(self) -> None:
        """Report a fault that has been seen since the last time. ``StopTraining`` passes."""
        for slot in self._slots.values():
            if int(to_numpy(slot.faults)) > slot.taken:
                slot.taken += 1
                self._tell_good_steps(slot)
                fault = to_numpy(slot.fault)
                slot.free.assign(1)
                self._report(slot, fault)

    def _slot(
        self,
        optimizer: Any,
        outputs: list[str],
        returned: list[str],
        parameters: list[str],
        owners: list[str],
    ) -> _Slot:
        key = (id(optimizer), *map(tuple, (outputs, returned, parameters)))
        if key not in self._slots:
            self._slots[key] = _Slot(outputs, set(self._forward.roots), returned, parameters, owners)
        return self._slots[key]

    def _tell_good_steps(self, slot: _Slot) -> None:
        rows = to_numpy(slot.ring)
        for row in sorted(rows.tolist()):
            if row[0] > slot.last_good:
                slot.last_good = int(row[0])
                self._recorder.good(slot.last_good, _named_norms(slot, row[1:]))

    def _report(self, slot: _Slot, fault: np.ndarray) -> None:
        step, batch = int(fault[0]), int(fault[1])
        count, kept = len(slot.parameters), len(slot.outputs)
        norms = fault[2 : 2 + 2 * count].tolist()
        sizes = np.cumsum([kept, kept, len(slot.returned), count])
        flags = [part.tolist() for part in np.split(fault[2 + 2 * count :] != 0, sizes)]
        layer, phase = _blame(slot, *flags)
        self._recorder.report(layer, phase, step, batch, norms=_named_norms(slot, norms))


def _blame(slot: _Slot, *flags: Sequence[bool]) -> tuple[str, Any]:
    not_worse, finite, returned, gradients, weights = flags
    order = list(dict.fromkeys(slot.outputs))
    heads_fine = all(ok for name, ok in zip(slot.outputs, not_worse, strict=True) if name in slot.roots)
    suspects = [
        name for ok in (not_worse, finite) for name, is_ok in zip(slot.outputs, ok, strict=True) if not is_ok
    ]
    if suspects and not (heads_fine and all(gradients)):
        return suspects[0], "forward"
    if all(gradients):
        return first_bad_owner(order, _by_owner(slot, weights)), "update"
    fine: dict[str, bool] = {}
    for name, ok in zip(slot.returned, returned, strict=True):
        fine[name] = fine.get(name, True) and bool(ok)
    return first_bad_gradient(order, slot.roots, fine, _by_owner(slot, gradients))


def _by_owner(slot: _Slot, fine: Sequence[bool]) -> dict[str, dict[str, bool]]:
    """What could not be seen in a loop, as an RNN's cell, belongs to the layer around it."""
    owners: dict[str, dict[str, bool]] = {}
    for owner, name, is_fine in zip(slot.owners, slot.parameters, fine, strict=True):
        seen = owner
        while seen and seen not in slot.outputs:
            seen = seen.rpartition("/")[0]
        owners.setdefault(seen or owner, {})[name.rpartition("/")[2]] = bool(is_fine)
    return owners


def _named_norms(slot: _Slot, norms: Sequence[float]) -> Norms:
    count = len(slot.parameters)
    return {"gradients": (slot.parameters, norms[:count]), "weights": (slot.parameters, norms[count:])}


def _names(named: Sequence[tuple[str, Any]]) -> list[str]:
    return [name for name, _ in named]


def _row(number: Any) -> Any:
    return ops.cast(ops.reshape(number, (1,)), "float64")


def _norms(tensors: Sequence[Any]) -> Any:
    """Euclidean norms, float64. They are infinite, too, for finite values beyond about 1e19."""
    return ops.cast(norms_of(tensors), "float64")


def _all(conditions: Sequence[Any]) -> Any:
    return ops.all(ops.stack([ops.all(condition) for condition in conditions]))


def _nothing() -> None:
    """In place of what a condition leaves out."""
