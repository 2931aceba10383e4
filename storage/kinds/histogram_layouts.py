"""Histograms in the two layouts of TensorBoard's files. Both hold finite values only."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .histogram import Histogram

BUCKETS = 30


class Legacy(NamedTuple):
    """The fields of a ``HistogramProto``: ``bucket[i]`` values lie above ``bucket_limit[i - 1]``, up to
    ``bucket_limit[i]``."""

    min: float
    max: float
    num: float
    sum: float
    sum_squares: float
    bucket_limit: list[float]
    bucket: list[float]


def to_buckets(histogram: Histogram, buckets: int = BUCKETS) -> NDArray[np.float64]:
    """Rows of left edge, right edge and count, ``buckets`` of them, as the ``histograms`` plugin reads.

    They are equally wide from the minimum to the maximum. Of values that are all equal the last row
    tells, which then has no width; without any finite value all is zero.
    """
    rows = np.zeros((buckets, 3))
    if not histogram.finite_count:
        return rows
    if histogram.minimum == histogram.maximum:
        rows[:, :2] = histogram.minimum
        rows[-1, 2] = histogram.finite_count
        return rows
    edges, counts = histogram.linear(buckets)
    return np.stack([edges[:-1], edges[1:], counts], axis=1)


def to_legacy(histogram: Histogram) -> Legacy:
    """The histogram's own buckets, where they hold values or lie between two that do; counts are exact."""
    low, high, counts = histogram.intervals()
    limits: list[float] = []
    bucket: list[float] = []
    for left, right, count in zip(low.tolist(), high.tolist(), counts.tolist(), strict=True):
        if not limits or limits[-1] < left:
            limits.append(left)
            bucket.append(0.0)
        if limits[-1] == right:  # a single value, at the end of the bucket before it
            bucket[-1] += count
        else:
            limits.append(right)
            bucket.append(float(count))
    total = float(histogram.finite_count)
    least, most = (histogram.minimum, histogram.maximum) if total else (0.0, 0.0)
    return Legacy(least, most, total, histogram.sum, histogram.sum_squares, limits or [0.0], bucket or [0.0])
