"""The bins that the steps and runs of one card share, on a linear or a symmetric logarithmic axis."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from ...storage.kinds.histogram import Histogram

BINS = 64
SYMLOG_DECADES = 3
"""A symmetric logarithmic axis is linear below the largest magnitude divided by ten to this power."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Scale:
    """``BINS`` bins, equally wide on the axis that is drawn.

    ``edges`` are values, ``positions`` the bins' middles on the axis. ``threshold`` is None on a linear
    axis; otherwise a value v is drawn at asinh(v / threshold).
    """

    edges: Floats
    positions: Floats
    threshold: float | None

    def forward(self, values: ArrayLike) -> Floats:
        """Where values are drawn on the axis."""
        values = np.asarray(values, np.float64)
        return values if self.threshold is None else np.arcsinh(values / self.threshold)

    def counts(self, histogram: Histogram) -> Floats:
        """How many finite values fall into each bin; see ``Histogram.between``."""
        return histogram.between(self.edges)

    @property
    def middles(self) -> Floats:
        """The value at the middle of each bin as drawn."""
        return self.positions if self.threshold is None else np.sinh(self.positions) * self.threshold

    @property
    def outline(self) -> list[float]:
        """Where a curve over the bins is drawn: the left end, every middle, the right end."""
        ends = self.forward(self.edges[[0, -1]])
        return [float(f"{x:.7g}") for x in (ends[0], *self.positions, ends[1])]

    @property
    def ticks(self) -> tuple[list[float], list[str]] | None:
        """Positions and labels of the axis' ticks; None where the axis labels itself."""
        if self.threshold is None:
            return None
        low, high = self.edges[0], self.edges[-1]
        top = math.floor(math.log10(max(abs(low), abs(high))))
        powers = [10.0**power for power in range(top - SYMLOG_DECADES + 1, top + 1)]
        values = [value for value in (*[-p for p in reversed(powers)], 0.0, *powers) if low <= value <= high]
        return [float(self.forward(value)) for value in values], [_tick_text(value) for value in values]


def scale_of(histograms: Sequence[Histogram], kind: str = "linear") -> Scale:
    """The bins that cover all finite values of ``histograms``, which hold at least one."""
    filled = [one for one in histograms if one.finite_count]
    low, high = min(one.minimum for one in filled), max(one.maximum for one in filled)
    if not low < high:
        margin = abs(low) / 10 or 0.5
        low, high = low - margin, high + margin
    threshold = max(abs(low), abs(high)) / 10**SYMLOG_DECADES if kind == "symlog" else None
    first, last = Scale(np.array([low, high]), np.empty(0), threshold).forward([low, high])
    drawn = np.linspace(first, last, BINS + 1)
    edges = drawn.copy() if threshold is None else np.sinh(drawn) * threshold
    edges[0], edges[-1] = low, high
    return Scale(edges, (drawn[:-1] + drawn[1:]) / 2, threshold)


def _tick_text(value: float) -> str:
    """``0.01``, ``−1e-5``: powers of ten as short as they are clear."""
    return f"{value:.0g}".replace("e-0", "e-").replace("e+0", "e").replace("-", "−", value < 0)
