"""Where records stand in an event file: kept as they came, and shown by rising steps, once a step."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Placed(NamedTuple):
    """A record, by its number in the order of arrival: whether it is kept at this place, and shown at it."""

    number: int
    is_kept: bool
    is_shown: bool


def as_they_came(count: int) -> list[Placed]:
    """All kept and shown, in whatever order: values of plugins that nobody knows."""
    return [Placed(index, True, True) for index in range(count)]


def by_step(steps: NDArray[np.int64], last_step: float) -> list[Placed]:
    """All kept in the order of arrival, the last of each step that is greater than ``last_step`` shown.

    A record is shown where it is kept if that is its place among those that are shown, else by a copy.
    """
    wanted = _last_of_each(steps)
    wanted = wanted[steps[wanted] > last_step]
    told = steps[wanted]
    in_place = np.ones(len(told), bool)
    in_place[1:] = told[1:] > np.maximum.accumulate(told)[:-1]
    in_place[:-1] &= told[:-1] < np.minimum.accumulate(told[::-1])[::-1][1:]
    shown = dict(zip(wanted.tolist(), in_place.tolist(), strict=True))
    placed: list[Placed] = []
    moved: list[int] = []
    for index in range(len(steps)):
        if shown.get(index):
            placed += _copies(moved, steps)
            moved.clear()
        elif index in shown:
            moved.append(index)
        placed.append(Placed(index, True, shown.get(index, False)))
    return placed + _copies(moved, steps)


def _last_of_each(steps: NDArray[np.int64]) -> NDArray[np.intp]:
    """The indices of the last of each step, rising."""
    _, from_end = np.unique(steps[::-1], return_index=True)
    return np.sort(len(steps) - 1 - from_end)


def _copies(moved: list[int], steps: NDArray[np.int64]) -> list[Placed]:
    return [Placed(index, False, True) for index in sorted(moved, key=lambda index: steps[index])]
