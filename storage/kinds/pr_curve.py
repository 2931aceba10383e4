"""Precision and recall of a classifier at evenly spaced thresholds, in TensorBoard's layout."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .base import Encoded, Kind
from .parts import pack_arrays, unpack_arrays

_LEAST_COUNT = 1e-7
_ROWS = ("true_positives", "false_positives", "true_negatives", "false_negatives", "precision", "recall")


@dataclass(frozen=True, eq=False)
class PRCurve:
    """Six float64 arrays of one length K; the k-th belongs to the threshold ``k / (K - 1)``."""

    true_positives: NDArray[np.float64]
    false_positives: NDArray[np.float64]
    true_negatives: NDArray[np.float64]
    false_negatives: NDArray[np.float64]
    precision: NDArray[np.float64]
    recall: NDArray[np.float64]

    @classmethod
    def from_predictions(
        cls, labels: ArrayLike, predictions: ArrayLike, num_thresholds: int = 127, weights: Any = None
    ) -> PRCurve:
        """Make one of binary labels, and predictions from 0 to 1, of any one shape.

        Counts are as TensorBoard's ``pr_curve`` summary computes them: a prediction p falls into bucket
        ``floor(p * (num_thresholds - 1))``, and counts as positive at that bucket's threshold and at all
        below it. ``weights``, a number or an array of that shape, multiplies counts. Raises ``ValueError``.
        """
        truth, predicted = np.asarray(labels, np.float64), np.asarray(predictions)
        if truth.shape != predicted.shape:
            raise ValueError(f"labels {truth.shape} and predictions {predicted.shape} differ in shape")
        if num_thresholds < 2:
            raise ValueError(f"num_thresholds must be at least 2 (got {num_thresholds})")
        if not ((truth >= 0) & (truth <= 1)).all():
            raise ValueError("labels must be 0 or 1, or True or False")
        if not ((predicted >= 0) & (predicted <= 1)).all():
            raise ValueError("predictions must be from 0 to 1, and not NaN")
        weight = np.broadcast_to(1.0 if weights is None else np.asarray(weights, np.float64), truth.shape)
        buckets = np.floor(predicted * (num_thresholds - 1)).astype(np.int64).reshape(-1)
        tp, fp = (
            np.bincount(buckets, share.reshape(-1), num_thresholds)[::-1].cumsum()[::-1]
            for share in (truth * weight, (1 - truth) * weight)
        )
        tn, fn = fp[0] - fp, tp[0] - tp
        precision = tp / np.maximum(_LEAST_COUNT, tp + fp)
        return cls(tp, fp, tn, fn, precision, tp / np.maximum(_LEAST_COUNT, tp + fn))

    @classmethod
    def from_counts(cls, *rows: ArrayLike) -> PRCurve:
        """Make one of its six rows in their order. Raises ``ValueError`` if their lengths differ."""
        arrays = [np.asarray(row, np.float64).reshape(-1) for row in rows]
        if len(arrays) != len(_ROWS) or len({len(array) for array in arrays}) != 1 or not len(arrays[0]):
            raise ValueError(f"a PR curve is six rows of one length: {', '.join(_ROWS)}")
        return cls(*arrays)

    @property
    def thresholds(self) -> NDArray[np.float64]:
        return np.linspace(0, 1, len(self.precision))

    @property
    def rows(self) -> list[NDArray[np.float64]]:
        """The six arrays, in the order of TensorBoard's tensor."""
        return [getattr(self, name) for name in _ROWS]

    @property
    def average_precision(self) -> float:
        """The sum of precision times the step in recall, from the highest threshold down."""
        steps = np.diff(self.recall[::-1], prepend=0.0)
        return float(np.sum(steps * self.precision[::-1]))


def encode(value: PRCurve) -> Encoded:
    arrays, body = pack_arrays(value.rows)
    return Encoded({"arrays": arrays}, body)


def decode(encoded: Encoded) -> PRCurve:
    return PRCurve(*unpack_arrays(encoded.header["arrays"], encoded.body)[0])


KIND = Kind("pr_curve", PRCurve, "records", encode, decode, blob=True)
