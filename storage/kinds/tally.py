"""Counts values by their own bits, chunk after chunk: the pass behind histograms and statistics."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .moments import Moments

MANTISSA_BITS = 3
SHIFT = 23 - MANTISSA_BITS
PATTERNS = 1 << (32 - SHIFT)
"""How many patterns a sign, an exponent and ``MANTISSA_BITS`` bits of a mantissa make."""
NEGATIVE = PATTERNS // 2
"""The first pattern of the negative numbers: that of -0.0."""
SMALLEST_SQUARED, GREATEST_SQUARED = 1e-12, 1e15
"""Where the greatest magnitude of some values lies between these, sums of their squares fit float32."""
_CHUNK = 1 << 15  # values whose bits and indices stay in the processor's cache
_FLOAT32_MAX = float(np.finfo(np.float32).max)
_FLOAT32_MIN = float(np.finfo(np.float32).smallest_subnormal)


class Tally:
    """The moments of values and, unless ``patterns`` is False, ``counts`` by their patterns.

    ``counts`` (int64, ``PATTERNS`` of them) are of finite values but zeros, by the highest bits of their
    float32 representation. Float64 values beyond float32's range count as its greatest and smallest.
    """

    def __init__(self, patterns: bool = True) -> None:
        self.counts = np.zeros(PATTERNS, np.int64)
        self._patterns = patterns
        self._count = 0
        self._indices = np.empty(_CHUNK, np.intp)
        self._zeros = self._nans = self._pos_infs = self._neg_infs = 0
        self._minimum, self._maximum = math.inf, -math.inf
        self._sum = self._sum_squares = 0.0

    @classmethod
    def of(cls, values: ArrayLike, patterns: bool = True) -> Tally:
        """Count an array of real numbers, of any shape. Raises ``TypeError`` for others."""
        array = np.asarray(values)
        if not np.can_cast(array.dtype, np.float64, "same_kind"):
            raise TypeError(f"a histogram is made of real numbers (got {array.dtype})")
        precision = np.float32 if np.can_cast(array.dtype, np.float32) else np.float64
        flat = array.reshape(-1)
        tally = cls(patterns)
        for at in range(0, flat.size, _CHUNK):
            tally._add(flat[at : at + _CHUNK].astype(precision, copy=False))
        return tally

    @property
    def moments(self) -> Moments:
        seen = self._minimum <= self._maximum
        return Moments(
            self._count,
            self._zeros,
            self._nans,
            self._pos_infs,
            self._neg_infs,
            self._minimum + 0.0 if seen else math.nan,  # + 0.0: there is one zero, not two
            self._maximum + 0.0 if seen else math.nan,
            self._sum,
            self._sum_squares,
        )

    def _add(self, values: NDArray[Any]) -> None:
        """Count at most ``_CHUNK`` values, float32 or float64."""
        self._count += values.size
        least, greatest = float(values.min()), float(values.max())
        if not (math.isfinite(least) and math.isfinite(greatest)):
            values = self._without_non_finite(values)
            if not values.size:
                return
            least, greatest = float(values.min()), float(values.max())
        self._minimum, self._maximum = min(self._minimum, least), max(self._maximum, greatest)
        self._add_sums(values, max(-least, greatest))
        if not self._patterns:
            self._zeros += values.size - int(np.count_nonzero(values))
            return
        before = self.counts[0] + self.counts[NEGATIVE]
        self._add_counts(_as_float32(values))
        if self.counts[0] + self.counts[NEGATIVE] > before:
            self._set_zeros_apart(values)

    def _without_non_finite(self, values: NDArray[Any]) -> NDArray[Any]:
        self._nans += int(np.count_nonzero(np.isnan(values)))
        self._pos_infs += int(np.count_nonzero(values == np.inf))
        self._neg_infs += int(np.count_nonzero(values == -np.inf))
        return values[np.isfinite(values)]

    def _add_sums(self, values: NDArray[Any], magnitude: float) -> None:
        if values.dtype != np.float32 or not SMALLEST_SQUARED < magnitude < GREATEST_SQUARED:
            values = values.astype(np.float64)
        with np.errstate(over="ignore", invalid="ignore"):
            self._sum += float(values.sum())
            self._sum_squares += float(np.dot(values, values))

    def _add_counts(self, values: NDArray[np.float32]) -> None:
        indices = self._indices[: values.size]
        np.right_shift(values.view(np.uint32), SHIFT, out=indices, casting="unsafe")
        # Not bincount: that also looks for the least and the greatest index, which takes as long again.
        np.add.at(self.counts, indices, 1)

    def _set_zeros_apart(self, values: NDArray[Any]) -> None:
        zero = values == 0
        negative = int(np.count_nonzero(zero & np.signbit(values)))
        positive = int(np.count_nonzero(zero)) - negative
        self.counts[0] -= positive
        self.counts[NEGATIVE] -= negative
        self._zeros += positive + negative


def _as_float32(values: NDArray[Any]) -> NDArray[np.float32]:
    """Finite values as contiguous float32, none of which becomes zero or infinite on the way."""
    if values.dtype.kind == "f" and values.dtype.itemsize > 4:
        magnitudes = np.clip(np.abs(values), _FLOAT32_MIN, _FLOAT32_MAX)
        values = np.where(values == 0, values, np.copysign(magnitudes, values))
    return np.ascontiguousarray(values, np.float32)
