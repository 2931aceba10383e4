"""Histograms whose buckets are cut from the bits of the values, so that any two can be added.

A bucket holds the values that share their sign, their exponent and the first three bits of their
mantissa as float32: eight buckets for every power of two, so that a bucket is at most 1/8 as wide as
the smallest magnitude in it. Two bits would save a third of the bytes and double the error, four cost
a third more to halve it: measured on 1,000 normal values, the worst of 99 quantiles errs by 16, 8 and
4 % with 2, 3 and 4 bits, stored in 380, 520 and 670 bytes (under 2 % for a million values).
"""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .base import Encoded, Kind
from .moments import Moments
from .tally import MANTISSA_BITS, NEGATIVE, SHIFT, Tally

_NOT_FINITE = 255 << MANTISSA_BITS
_NUMBERS = ("zeros", "nans", "pos_infs", "neg_infs", "minimum", "maximum", "sum", "sum_squares")


def _make_edges() -> NDArray[np.float64]:
    bits = np.arange(_NOT_FINITE, dtype=np.uint32) << SHIFT
    edges = np.append(bits.view(np.float32).astype(np.float64), np.inf)
    edges.setflags(write=False)
    return edges


EDGES = _make_edges()
"""The magnitudes at which buckets begin and end, float64."""


@dataclass(frozen=True, eq=False)
class Histogram:
    """How values were distributed.

    ``buckets`` (int32, ascending) are the numbers of the buckets that hold values, ``counts`` (int64) how
    many each holds. Bucket ``b > 0`` holds magnitudes from ``EDGES[b - 1]`` up to ``EDGES[b]``, bucket ``-b``
    their negatives. Zeros, NaN and infinities are counted apart and exactly. ``minimum``,
    ``maximum``, ``sum`` and ``sum_squares`` are over finite values; the first two are NaN if there is
    none. Float64 values beyond float32's range count in its outermost and innermost buckets.
    ``source`` is what TensorBoard's log had that this was made of, see ``tfevents.shown``.
    """

    buckets: NDArray[np.int32] = field(default_factory=lambda: np.empty(0, np.int32), repr=False)
    counts: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64), repr=False)
    zeros: int = 0
    nans: int = 0
    pos_infs: int = 0
    neg_infs: int = 0
    minimum: float = math.nan
    maximum: float = math.nan
    sum: float = 0.0
    sum_squares: float = 0.0
    source: bytes = field(default=b"", repr=False)

    @classmethod
    def from_values(cls, values: ArrayLike) -> Histogram:
        """Count the values of an array of real numbers, of any shape. Raises ``TypeError`` for others."""
        tally = Tally.of(values)
        return cls.of_counts(tally.counts, tally.moments)

    @classmethod
    def of_counts(cls, counts: NDArray[np.int64], moments: Moments) -> Histogram:
        """Make one of what a ``Tally``, or its like on a device, has counted."""
        signed = np.concatenate((counts[: NEGATIVE - 1 : -1], counts[:NEGATIVE]))
        held = np.flatnonzero(signed)
        buckets = np.where(held < NEGATIVE, held - NEGATIVE, held - NEGATIVE + 1)
        return cls(buckets.astype(np.int32), signed[held], *moments[1:])

    @property
    def moments(self) -> Moments:
        return Moments(self.count, *(getattr(self, name) for name in _NUMBERS))

    @property
    def count(self) -> int:
        """How many values were counted, NaN and infinities included."""
        return self.finite_count + self.nans + self.pos_infs + self.neg_infs

    @property
    def finite_count(self) -> int:
        return int(self.counts.sum()) + self.zeros

    def merge(self, other: Histogram) -> Histogram:
        """The histogram of both sets of values together."""
        buckets, where = np.unique(np.concatenate((self.buckets, other.buckets)), return_inverse=True)
        counts = np.zeros(len(buckets), np.int64)
        np.add.at(counts, where, np.concatenate((self.counts, other.counts)))
        return Histogram(
            buckets,
            counts,
            self.zeros + other.zeros,
            self.nans + other.nans,
            self.pos_infs + other.pos_infs,
            self.neg_infs + other.neg_infs,
            float(np.fmin(self.minimum, other.minimum)),
            float(np.fmax(self.maximum, other.maximum)),
            self.sum + other.sum,
            self.sum_squares + other.sum_squares,
        )

    def quantile(self, q: float) -> float:
        """A value as large as a share ``q`` (0 to 1) of the values but NaN; NaN if there is none.

        It lies in the bucket of the exact quantile (the value of rank ``ceil(q * n)``), so that it errs
        by less than 1/8 of it, and for magnitudes below 2**-126 by less than 2**-129; zeros,
        infinities, the minimum and the maximum are exact.
        """
        if not 0 <= q <= 1:
            raise ValueError(f"q must be between 0 and 1 (got {q})")
        low, high, counts = self._masses()
        total = int(counts.sum())
        if total == 0:
            return math.nan
        rank = max(math.ceil(q * total), 1)
        if rank == 1 or rank == total:
            return float(low[0] if rank == 1 else high[-1])
        ends = np.cumsum(counts)
        at = int(np.searchsorted(ends, rank))
        if low[at] == high[at]:
            return float(low[at])
        share = (rank - 0.5 - (ends[at] - counts[at])) / counts[at]
        return float(low[at] + (high[at] - low[at]) * share)

    def linear(
        self, bins: int = 30, range: tuple[float, float] | None = None
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The same in ``bins`` equal bins over ``range``, by default from the minimum to the maximum.

        Returns (edges, counts), both float64, ``bins + 1`` and ``bins`` of them. Values are taken to lie
        evenly in their bucket, so counts are not whole numbers. They add up to the finite values in the
        range; what lies on the range's upper end counts.
        """
        if range is None:
            range = (self.minimum, self.maximum) if self.finite_count else (0.0, 1.0)
        first, last = range
        if first == last:
            margin = abs(first) / 2 or 0.5
            first, last = first - margin, last + margin
        edges = np.linspace(first, last, bins + 1)
        return edges, self.between(edges)

    def between(self, edges: NDArray[np.float64]) -> NDArray[np.float64]:
        """Finite values between each two neighbours of ``edges`` (ascending), shared out as by ``linear``."""
        return _spread(*self.intervals(), edges)

    def intervals(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
        """Ascending intervals that hold finite values, and how many: low, high, counts."""
        below, above = self.buckets[self.buckets < 0], self.buckets[self.buckets > 0]
        low = np.concatenate((-EDGES[-below], [0.0], EDGES[above - 1]))
        high = np.concatenate((-EDGES[-below - 1], [0.0], EDGES[above]))
        counts = np.concatenate((self.counts[: len(below)], [self.zeros], self.counts[len(below) :]))
        held = counts > 0
        low, high = np.clip(low, self.minimum, None), np.clip(high, None, self.maximum)
        return low[held], high[held], counts[held]

    def _masses(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
        """``intervals``, and before and after them the infinities."""
        low, high, counts = self.intervals()
        counts = np.concatenate(([self.neg_infs], counts, [self.pos_infs]))
        held = counts > 0
        low = np.concatenate(([-np.inf], low, [np.inf]))
        high = np.concatenate(([-np.inf], high, [np.inf]))
        return low[held], high[held], counts[held]


def _spread(
    low: NDArray[np.float64],
    high: NDArray[np.float64],
    counts: NDArray[np.int64],
    edges: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Share out each interval's count among bins, by overlap; an interval of one value goes to its bin."""
    wide = high > low
    width = (high - low)[wide, np.newaxis]
    with np.errstate(over="ignore"):
        below = np.clip((edges - low[wide, np.newaxis]) / width, 0.0, 1.0)
    bins: NDArray[np.float64] = counts[wide] @ np.diff(below, axis=1)
    at = np.searchsorted(edges, low[~wide], side="right") - 1
    at[low[~wide] == edges[-1]] = len(bins) - 1
    inside = (at >= 0) & (at < len(bins))
    np.add.at(bins, at[inside], counts[~wide][inside])
    return bins


def encode(value: Histogram) -> Encoded:
    counts = value.counts.astype(np.min_scalar_type(int(value.counts.max(initial=0))))
    header = {name: getattr(value, name) for name in _NUMBERS}
    body = value.buckets.astype("<i2").tobytes() + counts.astype(counts.dtype.newbyteorder("<")).tobytes()
    header |= {"buckets": len(counts), "width": counts.itemsize}
    return Encoded(header, zlib.compress(body + value.source, 1))


def decode(encoded: Encoded) -> Histogram:
    header = dict(encoded.header)
    count, width = header.pop("buckets"), header.pop("width")
    body = zlib.decompress(encoded.body)
    buckets = np.frombuffer(body, "<i2", count).astype(np.int32)
    counts = np.frombuffer(body, f"<u{width}", count, offset=2 * count).astype(np.int64)
    return Histogram(buckets, counts, **header, source=body[(2 + width) * count :])


KIND = Kind("histogram", Histogram, "records", encode, decode)
