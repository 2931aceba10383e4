"""The summary on a series' row, kept up to date as its points arrive."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .chunks import Columns
from .series import SeriesKey


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
    """Count records or points and widen the ranges of steps and wall times."""
    row["count"] += len(steps)
    row["first_step"] = _least(row["first_step"], int(steps.min()))
    row["last_step"] = _greatest(row["last_step"], int(steps.max()))
    row["first_wall"] = _least(row["first_wall"], number(np.fmin.reduce(walls)))
    row["last_wall"] = _greatest(row["last_wall"], number(np.fmax.reduce(walls)))


def add_points(row: dict[str, Any], points: Columns) -> None:
    """Update the row of a scalar series by a batch of points, in arrival order, at least one."""
    steps, walls, values = points
    newest = len(steps) - 1 - int(steps[::-1].argmax())
    if row["last_step"] is None or steps[newest] >= row["last_step"]:
        row["last"] = number(values[newest])
    _add_extremes(row, steps, values)
    _add_counts(row, values)
    add_times(row, steps, walls)


def number(value: np.float64 | float) -> float | None:
    """A float for a database column; None for NaN, which SQLite cannot hold."""
    return None if math.isnan(value) else float(value)


def _add_extremes(row: dict[str, Any], steps: NDArray[np.int64], values: NDArray[np.float64]) -> None:
    least, greatest = float(np.fmin.reduce(values)), float(np.fmax.reduce(values))
    if math.isnan(least):
        return
    if row["minimum"] is None or least < row["minimum"]:
        row["minimum"], row["min_step"] = least, int(steps[(values == least).argmax()])
    if row["maximum"] is None or greatest > row["maximum"]:
        row["maximum"], row["max_step"] = greatest, int(steps[(values == greatest).argmax()])


def _add_counts(row: dict[str, Any], values: NDArray[np.float64]) -> None:
    finite = np.isfinite(values)
    count = int(np.count_nonzero(finite))
    if count:
        total = row["finite_count"] + count
        # Divided before they are added: the sum of large values may overflow where their mean does not.
        part = float(np.sum(values[finite] / total))
        row["mean"] = (row["mean"] or 0.0) * (row["finite_count"] / total) + part
        row["finite_count"] = total
    if count < len(values):
        row["nan_count"] += int(np.count_nonzero(np.isnan(values)))
        row["pos_inf_count"] += int(np.count_nonzero(np.isposinf(values)))
        row["neg_inf_count"] += int(np.count_nonzero(np.isneginf(values)))


def _least(a: Any, b: Any) -> Any:
    return b if a is None else a if b is None else min(a, b)


def _greatest(a: Any, b: Any) -> Any:
    return b if a is None else a if b is None else max(a, b)
