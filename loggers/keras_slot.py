"""What the steps of a Keras optimizer leave in variables, and how that is read back.

A traced step can call no Python, but it may assign variables.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from .flight_recorder import KEPT_STEPS
from .keras_backend import outside_traces, to_numpy


class Made(NamedTuple):
    """A step that was made, with the norms of the gradients and of the weights that it used."""

    step: int
    batch: int
    gradients: list[float]
    weights: list[float]


class Seen(NamedTuple):
    """What a closer look saw: which outputs held nothing worse than -Inf, and what was all finite."""

    made: Made
    other_norms: list[float]
    not_worse: list[bool]
    outputs: list[bool]
    returned: list[bool]
    gradients: list[bool]
    others: list[bool]
    weights: list[bool]


class Names(NamedTuple):
    """Of what is looked at, in its order. ``others`` are weights that these steps do not move."""

    outputs: tuple[str, ...]
    returned: tuple[str, ...]
    parameters: tuple[str, ...]
    others: tuple[str, ...]


class Slot:
    """What steps of one layout leave: those of one optimizer, with the same ``names``.

    ``roots`` are the outermost layers, ``owners`` the layers of weights; ``faults`` counts for all slots.
    """

    def __init__(self, names: Names, roots: set[str], owners: Mapping[str, str], faults: Any) -> None:
        self.names = names
        self.roots = roots
        self._owners = owners
        self._faults = faults
        self._last_told = 0
        outputs, returned, parameters, others = map(len, names)
        self._sizes = [others, outputs, outputs, returned, parameters, others, parameters]
        row = 2 + 2 * parameters
        make = partial(keras.Variable, initializer="zeros", trainable=False)
        with outside_traces():
            self._ring = make(shape=(KEPT_STEPS, row), dtype="float64")
            self._fault = make(shape=(row + sum(self._sizes),), dtype="float64")
            self._goods = make(shape=(), dtype="int32")
            self._broken, self._free = make(shape=(), dtype="int32"), make(shape=(), dtype="int32")
            self._free.assign(1)

    def keep_good(self, row: Any) -> None:
        """``row`` is float64: step, batch, norms of gradients and of weights."""
        at = ops.reshape(self._goods % KEPT_STEPS, (1, 1))
        self._ring.assign(ops.scatter_update(self._ring, at, row[None]))
        self._goods.assign_add(1)
        self._broken.assign(0)

    def keep_fault(self, row: Any, other_norms: Any, flags: Any) -> None:
        """Unless the step before was bad, too, or a fault has not been read yet."""

        def keep() -> None:
            self._fault.assign(ops.concatenate([row, other_norms, ops.cast(flags, "float64")]))
            self._faults.assign_add(1)
            self._free.assign(0)
            self._broken.assign(1)

        is_new = ops.logical_and(ops.equal(self._broken, 0), ops.equal(self._free, 1))
        ops.cond(is_new, keep, _nothing)

    def fault(self) -> Seen | None:
        """What the first bad step left, if it has not been read yet."""
        if int(to_numpy(self._free)):
            return None
        numbers = to_numpy(self._fault)
        self._free.assign(1)
        row, found = np.split(numbers, [len(numbers) - sum(self._sizes)])
        norms, *flags = np.split(found, np.cumsum(self._sizes)[:-1])
        return Seen(_made(row), norms.tolist(), *((part != 0).tolist() for part in flags))

    def good_steps(self) -> list[Made]:
        """Those that are still known, in their order. What the last one made has not been looked at."""
        made = [_made(row) for row in to_numpy(self._ring)]
        return sorted(one for one in made if one.step)

    def untold(self, before: int) -> list[Made]:
        """Good steps of batches before the batch ``before``, each given once."""
        made = [one for one in self.good_steps() if self._last_told < one.batch < before]
        self._last_told = max([self._last_told, *(one.batch for one in made)])
        return made

    def by_owner(self, fine: Mapping[str, bool]) -> dict[str, dict[str, bool]]:
        """Which variables of each layer are fine, by their names in it.

        What could not be seen in a loop, as an RNN's cell, belongs to the layer around it.
        """
        owners: dict[str, dict[str, bool]] = {}
        for name, is_fine in fine.items():
            owner = self._owners[name]
            seen = owner
            while seen and seen not in self.names.outputs:
                seen = seen.rpartition("/")[0]
            owners.setdefault(seen or owner, {})[name.rpartition("/")[2]] = is_fine
        return owners


def _made(row: np.ndarray) -> Made:
    gradients, weights = np.split(row[2:], 2)
    return Made(int(row[0]), int(row[1]), gradients.tolist(), weights.tolist())


def _nothing() -> None:
    """In place of what a condition leaves out."""
