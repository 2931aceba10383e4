"""How often each true class was taken for each other one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .base import Encoded, Kind
from .parts import pack_arrays, unpack_arrays

MAX_CLASSES = 2_048
"""A matrix of more would be larger than all else a program logs, and nobody could read it."""


@dataclass(frozen=True, eq=False)
class ConfusionMatrix:
    """``matrix`` is K x K, float64: a row for each true class, a column for each predicted one."""

    matrix: NDArray[np.float64]
    classes: list[str]

    @classmethod
    def from_matrix(cls, matrix: ArrayLike, classes: Sequence[Any] | None = None) -> ConfusionMatrix:
        """Make one of counts or shares. Raises ``ValueError`` unless it is square and fits the names."""
        counts = np.asarray(matrix, np.float64)
        if counts.ndim != 2 or counts.shape[0] != counts.shape[1] or not counts.size:
            raise ValueError(f"a confusion matrix is K x K (got shape {counts.shape})")
        _check_count(len(counts))
        names = [str(name) for name in (range(len(counts)) if classes is None else classes)]
        if len(names) != len(counts):
            raise ValueError(f"{len(names)} class names for {len(counts)} classes")
        return cls(counts, names)

    @classmethod
    def from_predictions(
        cls, labels: ArrayLike, predictions: ArrayLike, classes: Sequence[Any] | None = None
    ) -> ConfusionMatrix:
        """Count pairs of classes, given as numbers from 0 on, in two arrays of one shape.

        Without ``classes`` there are as many as the greatest number asks for. Raises ``ValueError``.
        """
        truth, predicted = np.asarray(labels).reshape(-1), np.asarray(predictions).reshape(-1)
        if truth.shape != predicted.shape:
            raise ValueError(f"{truth.size} labels and {predicted.size} predictions")
        both = np.concatenate((truth, predicted))
        if both.size and (both.dtype.kind not in "iub" or both.min() < 0):
            raise ValueError("labels and predictions are numbers of classes, whole and from 0 on")
        greatest = int(both.max(initial=0))
        count = greatest + 1 if classes is None else len(classes)
        if greatest >= count:
            raise ValueError(f"class {greatest} has no name: there are {count}, numbered from 0")
        _check_count(count)
        pairs = truth.astype(np.int64) * count + predicted.astype(np.int64)
        return cls.from_matrix(np.bincount(pairs, minlength=count**2).reshape(count, count), classes)


def _check_count(classes: int) -> None:
    if classes > MAX_CLASSES:
        raise ValueError(
            f"a confusion matrix has at most {MAX_CLASSES:,} classes (got {classes:,}): group them"
        )


def encode(value: ConfusionMatrix) -> Encoded:
    arrays, body = pack_arrays([value.matrix])
    return Encoded({"arrays": arrays, "classes": value.classes}, body)


def decode(encoded: Encoded) -> ConfusionMatrix:
    (matrix,), _ = unpack_arrays(encoded.header["arrays"], encoded.body)
    return ConfusionMatrix(matrix, encoded.header["classes"])


KIND = Kind("confusion_matrix", ConfusionMatrix, "records", encode, decode, blob=True)
