"""How far two histograms are apart: by how much values must move to turn one into the other."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .histogram import Histogram

_Floats = NDArray[np.float64]


class Distance(NamedTuple):
    """A distance in the unit of the values. That of the values themselves differs by at most ``bound``."""

    value: float
    bound: float


def wasserstein(one: Histogram, other: Histogram) -> Distance:
    """The Wasserstein distance of order 1 between the finite values; NaN if either has none.

    It is the area between the two cumulative distributions (Vallender 1974), values taken to lie evenly
    in their bucket. Values that lie anywhere in a bucket of width w can be moved to lie evenly in it by at
    most w / 2 on average. So by the triangle inequality the bound is half the mean width of the buckets
    that hold the values, of both histograms together: never more than a sixteenth of the two means of
    the magnitudes, and 0 where all values are equal or zero.
    """
    if not (one.finite_count and other.finite_count):
        return Distance(math.nan, math.nan)
    first, second = one.intervals(), other.intervals()
    places = np.unique(np.concatenate((first[0], first[1], second[0], second[1])))
    with np.errstate(over="ignore", invalid="ignore"):
        after = _share(first, places, "right") - _share(second, places, "right")
        before = _share(first, places, "left") - _share(second, places, "left")
        area = float(_between(after[:-1], before[1:]) @ np.diff(places))
    return Distance(area, _mean_width(first) / 2 + _mean_width(second) / 2)


def _share(intervals: tuple[_Floats, _Floats, NDArray[np.int64]], places: _Floats, side: str) -> _Floats:
    """The share of the values below each place and, with side "right", of those at it."""
    low, high, counts = intervals
    share = counts / counts.sum()
    wide = high > low
    ends = np.stack((low[wide], high[wide]), axis=1).reshape(-1)
    reached = np.cumsum(share[wide])
    levels = np.stack((reached - share[wide], reached), axis=1).reshape(-1)
    lying = np.interp(places, ends, levels) if len(ends) else np.zeros(len(places))
    points = np.searchsorted(low[~wide], places, side="right" if side == "right" else "left")
    return lying + np.concatenate(([0.0], np.cumsum(share[~wide])))[points]


def _between(start: _Floats, end: _Floats) -> _Floats:
    """The mean of |y| over stretches on which y runs straight from ``start`` to ``end``."""
    size = np.abs(start) + np.abs(end)
    crossing = (start < 0) != (end < 0)
    squares = np.divide(start**2 + end**2, 2 * size, out=np.zeros_like(size), where=size > 0)
    return np.where(crossing, squares, size / 2)


def _mean_width(intervals: tuple[_Floats, _Floats, NDArray[np.int64]]) -> float:
    low, high, counts = intervals
    return float((high - low) @ counts / counts.sum())
