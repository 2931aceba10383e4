"""Lines that are computed from several tags of a run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .cards.scalar import THINNED, Line, Wanted, read
from .formula import Formula

if TYPE_CHECKING:
    from ..storage import Store
    from ..storage.points import Axis

READ_WIDTH = 10_000
"""A tag of more than twice so many points in view is computed with means of so many stretches of it."""

Floats = NDArray[np.float64]


def derive(
    store: Store,
    run: str,
    formula: Formula,
    *,
    width: int,
    axis: Axis = "step",
    window: tuple[float, float] | None = None,
) -> Line:
    """The formula's line for rank 0 of a run, at most ``2 * width`` points.

    Its points lie at the steps of the tag with the fewest of them. There every other tag has the value of
    that step or else the last before it; steps before the first of any tag are left out.
    Raises ``RunNotFound`` and ``SeriesNotFound``.
    """
    lines = [
        read(store, Wanted(run, tag), width=max(width, READ_WIDTH), axis=axis, window=window)
        for tag in formula.tags
    ]
    step, wall, columns = _together(lines)
    value = formula(columns)
    exact = all(line.exact for line in lines)
    if exact and len(step) <= 2 * width:
        return Line(np.array([step, wall, value]), append=False, exact=True, total=len(step))
    return _thinned(np.array([step, wall, value]), width)


def _together(lines: Sequence[Line]) -> tuple[Floats, Floats, list[Floats]]:
    """Steps and wall times of the shortest line, and the values of all there."""
    shortest = min(lines, key=lambda line: line.columns.shape[1])
    step, wall = shortest.columns[:2]
    places = [np.searchsorted(np.maximum.accumulate(line.columns[0]), step, "right") - 1 for line in lines]
    known = np.logical_and.reduce([place >= 0 for place in places])
    columns = [line.columns[2][place[known]] for line, place in zip(lines, places, strict=True)]
    return step[known], wall[known], columns


def _thinned(columns: Floats, width: int) -> Line:
    """As ``THINNED`` says, ``width`` stretches of equally many points."""
    step, wall, value = columns
    count = len(step)
    starts = np.unique(np.linspace(0, count, min(width, max(count, 1)), endpoint=False).astype(np.int64))
    if count == 0:
        return Line(np.empty((len(THINNED), 0)), append=False, exact=False, total=0)
    ends = np.append(starts[1:], count) - 1
    finite = np.isfinite(value)
    number = np.add.reduceat(finite, starts, dtype=np.float64)
    total = np.add.reduceat(np.where(finite, value, 0.0), starts)
    with np.errstate(invalid="ignore"):
        mean = np.where(number > 0, total / number, np.nan)
    low, high = np.fmin.reduceat(value, starts), np.fmax.reduceat(value, starts)
    bad = np.diff(np.append(starts, count)) - number
    made = np.array([step[ends], wall[ends], mean, low, high, bad])
    return Line(made, append=False, exact=False, total=count)
