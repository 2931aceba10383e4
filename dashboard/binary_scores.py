"""What the counts of a PR curve tell beside it: the ROC curve, calibration, and how exact each number is.

The counts at K thresholds are those of K - 1 equal intervals of predictions, and of predictions of exactly
1. Points of the curves are exact at the thresholds. What depends on where predictions lie within an
interval is not known: areas are those of a curve that is straight there, and a bound of the error is told
beside each; a mean prediction is taken to be the middle of the interval, so it is off by at most half of
1 / (K - 1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from ..storage.kinds.pr_curve import PRCurve

BINS = 10
"""Bars of a reliability diagram."""

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Calibration:
    """A reliability diagram: for each bin the mean prediction, the share of positives and the count.

    ``confidence`` and ``share`` are NaN where ``count`` is 0. ``error`` is the expected calibration error
    (Guo et al., "On calibration of modern neural networks", 2017) over these bins, the mean of
    |share - confidence| weighted by count; NaN without any count.
    """

    edges: Array
    confidence: Array
    share: Array
    count: Array
    error: float


@dataclass(frozen=True)
class Scores:
    """Of one curve, each array of the K thresholds: ``fpr`` is NaN without negatives, ``f1`` where it is 0/0.

    ``auc`` and ``average_precision`` lie within ``auc_bound`` and are NaN where a class is missing.
    """

    f1: Array
    fpr: Array
    auc: float
    auc_bound: float
    average_precision: float
    calibration: Calibration


def check(curve: PRCurve) -> str:
    """Why a curve cannot be drawn, or nothing."""
    if len({len(row) for row in curve.rows}) != 1 or len(curve.precision) < 2:
        return "Its six rows have different lengths, or fewer than two thresholds."
    counts = np.stack(curve.rows[:4])
    if not np.isfinite(counts).all() or (counts < 0).any():
        return "Some of its counts are not finite, or below zero."
    if not counts.sum():
        return "It is empty: nothing was counted."
    return ""


def score(curve: PRCurve) -> Scores:
    """The scores of a curve that ``check`` finds nothing wrong with."""
    tp, fp, tn, fn = curve.rows[:4]
    with np.errstate(divide="ignore", invalid="ignore"):
        f1 = 2 * tp / (2 * tp + fp + fn)
        fpr = fp / (fp + tn)
        tpr = tp / (tp + fn)
    auc, bound = _area(tpr, fpr, tp, fp)
    has_both = np.isfinite(auc)
    precision = curve.average_precision if has_both else np.nan
    return Scores(f1, fpr, auc, bound, precision, calibrate(tp, fp))


def calibrate(tp: Array, fp: Array, bins: int = BINS) -> Calibration:
    """The reliability diagram of counts at or above each of K thresholds."""
    intervals = len(tp) - 1
    positives, negatives = (-np.diff(row, append=0.0) for row in (tp, fp))
    middles = np.append((np.arange(intervals) + 0.5) / intervals, 1.0)
    counts = positives + negatives
    starts = np.unique(np.arange(bins) * intervals // bins)
    count, positive, weight = (np.add.reduceat(row, starts) for row in (counts, positives, counts * middles))
    with np.errstate(divide="ignore", invalid="ignore"):
        share, confidence = positive / count, weight / count
    total = count.sum()
    gaps = np.where(count > 0, np.abs(share - confidence), 0.0)
    error = float((gaps * count).sum() / total) if total > 0 else np.nan
    return Calibration(np.append(starts / intervals, 1.0), confidence, share, count, error)


def _area(tpr: Array, fpr: Array, tp: Array, fp: Array) -> tuple[float, float]:
    """The area under the ROC curve from (0, 0) on, and how far it may be off.

    Two predictions within one interval count as tied; were they ordered well or badly, the area would be
    greater or smaller by half of the share of such pairs of a positive and a negative.
    """
    positives, negatives = tp[0], fp[0]
    if not (positives > 0 and negatives > 0):
        return np.nan, np.nan
    rising, falling = np.append(tpr, 0.0)[::-1], np.append(fpr, 0.0)[::-1]
    area = float(np.sum(np.diff(falling) * (rising[1:] + rising[:-1]) / 2))
    tied = np.abs(np.diff(tp, append=0.0) * np.diff(fp, append=0.0)).sum()
    return area, float(tied / (2 * positives * negatives))
