"""The points of a line of a window as a series: x and y of any JSON numbers, exactly, and back.

A series has whole steps and wall times. Where every x is a whole number it is the step, as a chart of
training expects, and the wall time is the time of arrival; else the step counts the points and x is kept in
the column of wall times.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from .chunks import Columns
from .series import Points, SeriesKey

EXACT = 2**53
"""Whole numbers below this are exact as float64."""

_NULL = np.array([0x7FF8_0000_0000_0B5D], np.uint64).view(np.float64)[0]
_NUMBERS = {int, float, type(None)}


@dataclass
class TraceSeries:
    """Where the points of a trace are: the tag of their series, how many, and which column holds x."""

    tag: str
    count: int = 0
    x: Literal["step", "wall"] = "step"

    @property
    def key(self) -> SeriesKey:
        return SeriesKey(0, "scalar", self.tag)


def as_numbers(values: Any) -> NDArray[np.float64] | None:
    """A JSON list as float64, null as a NaN of its own; None if it holds anything but numbers."""
    if not isinstance(values, list) or not set(map(type, values)) <= _NUMBERS:
        return None
    if any(type(value) is int and abs(value) >= EXACT for value in values):
        return None
    return np.array([_NULL if value is None else value for value in values], np.float64)


def as_json(values: NDArray[np.float64]) -> list[float | None]:
    """The list that ``as_numbers`` was given."""
    bits, null = values.view(np.uint64), np.float64(_NULL).view(np.uint64)
    listed: list[float | None] = values.tolist()
    for at in np.flatnonzero(bits == null):
        listed[at] = None
    return listed


def fits_steps(x: NDArray[np.float64]) -> bool:
    """Whether every x is a whole number that a step can be."""
    return bool(np.all((np.abs(x) < EXACT) & (x == np.trunc(x))))


def to_columns(series: TraceSeries, x: NDArray[np.float64], y: NDArray[np.float64]) -> Columns:
    """Points that follow those the series has."""
    if series.x == "step":
        return Columns(x.astype(np.int64), np.full(len(x), time.time()), y)
    steps = np.arange(series.count, series.count + len(x), dtype=np.int64)
    return Columns(steps, x, y)


def x_of(series: TraceSeries, points: Points) -> NDArray[np.float64]:
    """The x of points of the series."""
    return points.step.astype(np.float64) if series.x == "step" else points.wall_time
