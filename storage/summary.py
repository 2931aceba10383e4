"""The summaries on the rows of series, kept up to date as points arrive.

The points of many series are told together: a call of numpy costs more than what it does for a few.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .chunks import Columns
from .series import SeriesKey


class _Told(NamedTuple):
    """What a batch of points of one series tells. Extremes are over all but NaN, the mean over the finite."""

    points: int
    min_step: int
    max_step: int
    min_wall: float
    max_wall: float
    minimum: float
    maximum: float
    mean: float
    finite_count: int
    nan_count: int
    pos_inf_count: int
    neg_inf_count: int


def empty_row(run_id: str, key: SeriesKey) -> dict[str, Any]:
    """The row of a series before its first point."""
    return {
        "run_id": run_id,
        "series_id": key.id,
        "rank": key.rank,
        "kind": key.kind,
        "tag": key.tag,
        **dict.fromkeys(
            ("count", "sealed", "finite_count", "nan_count", "pos_inf_count", "neg_inf_count"), 0
        ),
        **dict.fromkeys(("first_step", "last_step", "first_wall", "last_wall", "last")),
        **dict.fromkeys(("minimum", "maximum", "mean", "min_step", "max_step")),
    }


def add_times(row: dict[str, Any], steps: NDArray[np.int64], walls: NDArray[np.float64]) -> None:
    """Count records and widen the ranges of steps and wall times."""
    least, greatest = np.fmin.reduce(walls), np.fmax.reduce(walls)
    _widen(row, len(steps), int(steps.min()), int(steps.max()), least, greatest)


def add_points(rows: Sequence[dict[str, Any]], parts: Sequence[Columns]) -> None:
    """Update the row of each scalar series by its points, in arrival order, at least one."""
    for row, points, told in zip(rows, parts, _tell(parts), strict=True):
        _add_last(row, points, told)
        _add_extremes(row, points, told)
        _add_mean(row, told)
        for name in ("nan_count", "pos_inf_count", "neg_inf_count"):
            row[name] += getattr(told, name)
        _widen(row, told.points, told.min_step, told.max_step, told.min_wall, told.max_wall)


def number(value: np.float64 | float) -> float | None:
    """A float for a database column; None for NaN, which SQLite cannot hold."""
    return None if math.isnan(value) else float(value)


def _tell(parts: Sequence[Columns]) -> list[_Told]:
    steps, walls, values = Columns.concatenate(parts)
    counts = np.array([len(part.steps) for part in parts])
    starts = np.cumsum(counts) - counts
    finite = np.isfinite(values)
    finite_counts = np.add.reduceat(finite, starts, dtype=np.int64)
    special = [np.isnan(values), values == np.inf, values == -np.inf]
    # Divided before they are added: the sum of large values may overflow where their mean does not.
    shares = np.where(finite, values, 0.0) / np.repeat(np.maximum(finite_counts, 1), counts)
    columns = [
        counts,
        *(ends.reduceat(steps, starts) for ends in (np.minimum, np.maximum)),
        *(ends.reduceat(column, starts) for column in (walls, values) for ends in (np.fmin, np.fmax)),
        np.add.reduceat(shares, starts),
        finite_counts,
        *(np.add.reduceat(which, starts, dtype=np.int64) for which in special),
    ]
    return list(map(_Told._make, zip(*(column.tolist() for column in columns), strict=True)))


def _add_last(row: dict[str, Any], points: Columns, told: _Told) -> None:
    """The value at the greatest step, of several the last to arrive."""
    if row["last_step"] is not None and told.max_step < row["last_step"]:
        return
    newest = -1
    if points.steps[-1] != told.max_step:
        newest = -1 - int(points.steps[::-1].argmax())
    row["last"] = number(points.values[newest])


def _add_extremes(row: dict[str, Any], points: Columns, told: _Told) -> None:
    if math.isnan(told.minimum):
        return
    if row["minimum"] is None or told.minimum < row["minimum"]:
        row["minimum"] = told.minimum
        row["min_step"] = int(points.steps[(points.values == told.minimum).argmax()])
    if row["maximum"] is None or told.maximum > row["maximum"]:
        row["maximum"] = told.maximum
        row["max_step"] = int(points.steps[(points.values == told.maximum).argmax()])


def _add_mean(row: dict[str, Any], told: _Told) -> None:
    if not told.finite_count:
        return
    total = row["finite_count"] + told.finite_count
    before = (row["mean"] or 0.0) * (row["finite_count"] / total)
    row["mean"] = before + told.mean * (told.finite_count / total)
    row["finite_count"] = total


def _widen(
    row: dict[str, Any], count: int, min_step: int, max_step: int, min_wall: float, max_wall: float
) -> None:
    row["count"] += count
    row["first_step"] = _least(row["first_step"], min_step)
    row["last_step"] = _greatest(row["last_step"], max_step)
    row["first_wall"] = _least(row["first_wall"], number(min_wall))
    row["last_wall"] = _greatest(row["last_wall"], number(max_wall))


def _least(a: Any, b: Any) -> Any:
    return b if a is None else a if b is None else min(a, b)


def _greatest(a: Any, b: Any) -> Any:
    return b if a is None else a if b is None else max(a, b)
