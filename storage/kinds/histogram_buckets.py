"""Histograms made of counts in buckets of any other kind, such as TensorBoard's."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .histogram import EDGES, Histogram

_MOST_PARTS = 64


def from_limits(
    limits: ArrayLike,
    counts: ArrayLike,
    minimum: float,
    maximum: float,
    sum: float,
    sum_squares: float,
) -> Histogram:
    """The histogram of ``counts`` of values up to each of ``limits`` (ascending) and above the one before.

    Values are taken to lie evenly in their bucket, and cut to the minimum and maximum, which stay exact as
    the sums do; so does the number of values, rounded to a whole one. Raises ``ValueError``.
    """
    ends, held = np.asarray(limits, np.float64), np.asarray(counts, np.float64)
    if ends.shape != held.shape or ends.ndim != 1:
        raise ValueError(f"there must be as many limits as counts (got {ends.shape} and {held.shape})")
    if (held < 0).any() or (np.diff(ends) < 0).any():
        raise ValueError("limits must ascend, and counts must not be negative")
    total = round(float(held.sum()))
    if not total:
        return Histogram()
    if minimum == maximum:
        one = Histogram.from_values([minimum])
        return Histogram(
            one.buckets,
            one.counts * total,
            one.zeros * total,
            minimum=minimum,
            maximum=maximum,
            sum=sum,
            sum_squares=sum_squares,
        )
    places = np.concatenate(([minimum], np.clip(ends, minimum, maximum)))
    buckets, shared = _share_out(places, np.concatenate(([0.0], held.cumsum())))
    return Histogram(buckets, shared, minimum=minimum, maximum=maximum, sum=sum, sum_squares=sum_squares)


def _share_out(
    places: NDArray[np.float64], below: NDArray[np.float64]
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Our buckets and their counts, given how many values lie ``below`` each of ``places``."""
    edges = np.concatenate((-EDGES[:0:-1], EDGES))
    edges[0], edges[-1] = min(edges[1], places[0]), max(edges[-2], places[-1])
    cumulated = np.round(np.interp(edges, places, below)).astype(np.int64)
    cumulated[0], cumulated[-1] = 0, round(float(below[-1]))
    counts = np.diff(cumulated)
    numbers = np.concatenate((np.arange(-len(EDGES) + 1, 0), np.arange(1, len(EDGES))))
    inside = counts > 0
    return numbers[inside].astype(np.int32), counts[inside]


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
