"""Many histograms added up at once: what zooming out of a series of them needs."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from .histogram import EDGES, Histogram

_CENTRE = len(EDGES)


def total(histograms: Iterable[Histogram]) -> Histogram:
    """The histogram of all values together; of none, an empty one. ``Histogram.merge`` adds just two."""
    counts = np.zeros(2 * _CENTRE + 1, np.int64)
    zeros = nans = pos_infs = neg_infs = 0
    lowest, highest = np.inf, -np.inf
    sum = sum_squares = 0.0
    for one in histograms:
        counts[one.buckets + _CENTRE] += one.counts
        zeros, nans = zeros + one.zeros, nans + one.nans
        pos_infs, neg_infs = pos_infs + one.pos_infs, neg_infs + one.neg_infs
        if one.minimum <= one.maximum:
            lowest, highest = min(lowest, one.minimum), max(highest, one.maximum)
        sum, sum_squares = sum + one.sum, sum_squares + one.sum_squares
    held = np.flatnonzero(counts)
    extremes = (float(lowest), float(highest)) if lowest <= highest else (np.nan, np.nan)
    buckets = (held - _CENTRE).astype(np.int32)
    return Histogram(buckets, counts[held], zeros, nans, pos_infs, neg_infs, *extremes, sum, sum_squares)
