"""What one pass over a tensor's values tells without sorting or keeping them."""

from __future__ import annotations

import math
from typing import NamedTuple


class Moments(NamedTuple):
    """Counts and sums of a set of real values.

    ``count`` is of all values. ``minimum``, ``maximum``, ``sum`` and ``sum_squares`` are over the finite
    ones; the first two are NaN if there is none.
    """

    count: int = 0  # pyright: ignore[reportIncompatibleMethodOverride] a tuple's method, which nobody calls
    zeros: int = 0
    nans: int = 0
    pos_infs: int = 0
    neg_infs: int = 0
    minimum: float = math.nan
    maximum: float = math.nan
    sum: float = 0.0
    sum_squares: float = 0.0

    @property
    def infs(self) -> int:
        return self.pos_infs + self.neg_infs

    @property
    def finite(self) -> int:
        return self.count - self.nans - self.infs

    @property
    def norm(self) -> float:
        """The Euclidean norm of the finite values."""
        return math.sqrt(self.sum_squares)

    @property
    def mean(self) -> float:
        return self.sum / self.finite if self.finite else math.nan

    @property
    def std(self) -> float:
        """The population's standard deviation. It loses digits where the mean is 1,000 times larger."""
        if not self.finite:
            return math.nan
        return math.sqrt(max(self.sum_squares / self.finite - self.mean * self.mean, 0.0))

    @property
    def zero_fraction(self) -> float:
        return self.zeros / self.count if self.count else math.nan

    def times(self, factor: float) -> Moments:
        """Those of the same values multiplied by a positive number."""
        return self._replace(
            minimum=self.minimum * factor,
            maximum=self.maximum * factor,
            sum=self.sum * factor,
            sum_squares=self.sum_squares * factor * factor,
        )
