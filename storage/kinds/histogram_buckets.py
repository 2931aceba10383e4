"""Histograms made of counts in buckets of any other kind, such as TensorBoard's."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .histogram import EDGES, Histogram


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
