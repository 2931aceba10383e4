"""Bootstrap intervals of a mean or a median over runs, place by place."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

DRAWS = 500
LEVEL = 0.95
_SEED = 20_260_101
_MOST_AT_ONCE = 4_000_000


def interval(
    table: NDArray[np.float64], statistic: Literal["mean", "median"]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The central 95 % of the statistic over ``DRAWS`` resamples of the rows: the percentile interval of
    Efron, "Bootstrap methods: another look at the jackknife", 1979.

    ``table`` has a row a run and a column a place, NaN where a run has no value. Whole runs are drawn, the
    same for all places, by a generator of a fixed seed: what is drawn twice looks the same. NaN where
    fewer than two runs have a value.
    """
    rows, columns = table.shape
    draws = np.random.default_rng(_SEED).integers(0, rows, (DRAWS, rows))
    bounds = np.full((2, columns), np.nan)
    several = np.flatnonzero(np.isfinite(table).sum(axis=0) > 1)
    width = max(1, _MOST_AT_ONCE // (DRAWS * rows))
    for at in range(0, len(several), width):
        some = several[at : at + width]
        resampled = _means(table[:, some], draws) if statistic == "mean" else _medians(table[:, some], draws)
        bounds[:, some] = np.nanquantile(resampled, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    return bounds[0], bounds[1]


def _means(table: NDArray[np.float64], draws: NDArray[np.int64]) -> NDArray[np.float64]:
    """A row a draw; NaN where none of the runs drawn has a value."""
    weights = np.apply_along_axis(np.bincount, 1, draws, minlength=len(table)).astype(np.float64)
    known = np.isfinite(table)
    counted = weights @ known
    totals = weights @ np.where(known, table, 0.0)
    return np.divide(totals, counted, out=np.full_like(totals, np.nan), where=counted > 0)


def _medians(table: NDArray[np.float64], draws: NDArray[np.int64]) -> NDArray[np.float64]:
    ordered = np.sort(table[draws], axis=1)  # NaN goes last
    counted = np.isfinite(ordered).sum(axis=1)
    low, high = np.maximum(counted - 1, 0) // 2, counted // 2
    pick = np.arange(ordered.shape[2])
    each = np.arange(len(ordered))[:, None]
    high = np.minimum(high, ordered.shape[1] - 1)
    medians = (ordered[each, low, pick] + ordered[each, high, pick]) / 2
    return np.where(counted > 0, medians, np.nan)
