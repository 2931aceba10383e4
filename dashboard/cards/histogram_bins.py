"""The bins that the steps and runs of a card share, on a linear, logarithmic or symmetric log axis."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from ...storage.kinds.histogram import Histogram

BINS = 64
LOG_DECADES = 12
"""A logarithmic axis reaches at most this many powers of ten below its greatest value."""
SYMLOG_DECADES = 3
"""A symmetric logarithmic axis is linear below the largest magnitude divided by ten to this power."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Scale:
    """``BINS`` bins, equally wide on the axis that is drawn.

    ``edges`` are values, ``positions`` the bins' middles on the axis. On an axis of the kind "symlog" a value
    v is drawn at asinh(v / threshold), on "log" at log10(v); ``threshold`` is 0 on the others.
    """

    edges: Floats
    positions: Floats
    kind: str = "linear"
    threshold: float = 0.0

    def forward(self, values: ArrayLike) -> Floats:
        """Where values are drawn on the axis; NaN for those that have no place on it."""
        values = np.asarray(values, np.float64)
        if self.kind == "symlog":
            return np.arcsinh(values / self.threshold)
        if self.kind == "log":
            return np.log10(values, out=np.full(values.shape, np.nan), where=values > 0)
        return values

    def backward(self, positions: Floats) -> Floats:
        """The values that are drawn at these places."""
        if self.kind == "symlog":
            return np.sinh(positions) * self.threshold
        return 10.0**positions if self.kind == "log" else positions.copy()

    def counts(self, histogram: Histogram) -> Floats:
        """How many finite values fall into each bin; see ``Histogram.between``."""
        return histogram.between(self.edges)

    @property
    def middles(self) -> Floats:
        """The value at the middle of each bin as drawn."""
        return self.backward(self.positions)

    @property
    def outline(self) -> list[float]:
        """Where a curve over the bins is drawn: the left end, every middle, the right end."""
        ends = self.forward(self.edges[[0, -1]])
        return [float(f"{x:.7g}") for x in (ends[0], *self.positions, ends[1])]

    @property
    def ticks(self) -> tuple[list[float], list[str]] | None:
        """Positions and labels of the axis' ticks; None where the axis labels itself."""
        if self.kind == "linear":
            return None
        low, high = self.edges[0], self.edges[-1]
        top = math.floor(math.log10(max(abs(low), abs(high))))
        if self.kind == "log":
            values = [10.0**power for power in _few(math.ceil(math.log10(low) - 1e-9), top)]
        else:
            powers = [10.0**power for power in range(top - SYMLOG_DECADES + 1, top + 1)]
            both = (*[-power for power in reversed(powers)], 0.0, *powers)
            values = [value for value in both if low <= value <= high]
        return [float(self.forward(value)) for value in values], [_tick_text(value) for value in values]


def _few(first: int, last: int) -> range:
    return range(first, last + 1, max((last - first) // 5, 1))


def scale_of(histograms: Sequence[Histogram], kind: str = "linear") -> Scale:
    """The bins that cover all finite values of ``histograms``, which hold at least one.

    A logarithmic axis covers the positive ones; where there are none, it is a symmetric one, as is one whose
    length no number can tell.
    """
    filled = [one for one in histograms if one.finite_count]
    low, high = min(one.minimum for one in filled), max(one.maximum for one in filled)
    if kind == "log" and high > 0:
        return _spaced(max(_least_positive(filled), high / 10**LOG_DECADES), high, Scale(_NONE, _NONE, "log"))
    if not low < high:
        margin = abs(low) / 10 or 0.5
        low, high = low - margin, high + margin
    if kind == "linear" and math.isfinite(high - low):
        return _spaced(low, high, Scale(_NONE, _NONE))
    threshold = max(abs(low), abs(high)) / 10**SYMLOG_DECADES
    return _spaced(low, high, Scale(_NONE, _NONE, "symlog", threshold))


_NONE: Floats = np.empty(0)


def _spaced(low: float, high: float, scale: Scale) -> Scale:
    """``scale`` with its bins from ``low`` to ``high``."""
    if not low < high:
        low, high = low / 2, high * 2
    first, last = scale.forward([low, high])
    drawn = np.linspace(first, last, BINS + 1)
    edges = scale.backward(drawn)
    edges[0], edges[-1] = low, high
    return replace(scale, edges=edges, positions=(drawn[:-1] + drawn[1:]) / 2)


def _least_positive(histograms: Sequence[Histogram]) -> float:
    """The beginning of the first bucket above zero, or the minimum."""
    found = []
    for one in histograms:
        low, high, _ = one.intervals()
        above = np.where(low > 0, low, high)[high > 0]
        found += above[:1].tolist()
    return min(found)


def _tick_text(value: float) -> str:
    """``0.01``, ``−1e-5``: powers of ten as short as they are clear."""
    return f"{value:.0g}".replace("e-0", "e-").replace("e+0", "e").replace("-", "−", value < 0)
