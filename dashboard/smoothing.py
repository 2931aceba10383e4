"""Smoothing of a curve. The page computes the same in ``assets/js/smoothing.js``; a test holds them equal."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def smooth(values: ArrayLike, weight: float) -> NDArray[np.float64]:
    """The exponential moving average with its bias taken out, as TensorBoard's charts show it.

    For finite values: ``n += 1``, ``last = last * weight + (1 - weight) * value``, and the result is
    ``last / (1 - weight ** n)``. NaN and infinities pass through and are not counted. A curve of one
    constant value is returned as it is. ``weight`` is in [0, 1]; 0 changes nothing, and with 1 the divisor
    is 1.
    """
    values = np.asarray(values, np.float64)
    finite = np.isfinite(values)
    counted = values[finite]
    if weight == 0 or counted.size == 0 or np.all(counted == counted[0]):
        return values.copy()
    smoothed = values.copy()
    smoothed[finite] = _averages(counted.tolist(), weight)
    return smoothed


def _averages(values: list[float], weight: float) -> list[float]:
    last, remaining, averages = 0.0, 1.0, []
    for value in values:
        last = last * weight + (1 - weight) * value
        remaining *= weight
        averages.append(last if weight == 1 else last / (1 - remaining))
    return averages
