"""Histograms as TensorBoard has them, of intervals with counts, in our buckets."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..storage.kinds.histogram import EDGES, Histogram

_MOST_PARTS = 64


def from_intervals(
    left: NDArray[np.float64], right: NDArray[np.float64], count: NDArray[np.float64]
) -> Histogram:
    """A histogram of ``count[i]`` values that lie evenly between ``left[i]`` and ``right[i]``.

    All three have the same length. Values are shared out over up to 64 points an interval, so where
    intervals are wider than buckets the counts of single buckets are estimates, as are sums; the
    total is exact, and so are minimum and maximum as far as the intervals tell them.
    """
    whole = np.rint(count).astype(np.int64)
    held = whole > 0
    if not held.any():
        return Histogram()
    left, right = left[held].astype(np.float64), right[held].astype(np.float64)
    points, weights = _spread(left, right, whole[held])
    zeros = int(weights[points == 0].sum())
    buckets = np.sign(points) * np.searchsorted(EDGES, np.abs(points), side="right")
    numbers, where = np.unique(buckets[points != 0].astype(np.int32), return_inverse=True)
    counts = np.zeros(len(numbers), np.int64)
    np.add.at(counts, where, weights[points != 0])
    return Histogram(
        numbers,
        counts,
        zeros,
        minimum=float(left.min()),
        maximum=float(right.max()),
        sum=float(points @ weights),
        sum_squares=float((points * points) @ weights),
    )


def _spread(
    left: NDArray[np.float64], right: NDArray[np.float64], count: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Points evenly inside the intervals, and how many values each stands for."""
    parts = np.where(right > left, np.minimum(count, _MOST_PARTS), 1)
    interval = np.repeat(np.arange(len(count)), parts)
    index = np.arange(len(interval)) - np.repeat(np.cumsum(parts) - parts, parts)
    share = (index + 0.5) / parts[interval]
    points = left[interval] + share * (right - left)[interval]
    ends = (index + 1) * count[interval] // parts[interval]
    return points, ends - index * count[interval] // parts[interval]
