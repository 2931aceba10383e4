"""Smoothing of a curve. The page computes the same in ``assets/js/smoothing.js``; a test holds them equal.

``weight`` in [0, 1] says how much: 0 changes nothing. The two averages weigh the past by it; the others look
at ``reach = round(weight / (1 - weight))`` points on either side, which is how far an average of that weight
looks back. NaN and infinities stay as they are and do not count, and a curve of one constant value is
returned as it is.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

Kind = Literal["average", "distance", "mean", "median", "gaussian"]
KINDS: tuple[Kind, ...] = get_args(Kind)
MAX_WEIGHT = 0.999
_SIGMAS = 3
Floats = NDArray[np.float64]


def smooth(values: ArrayLike, weight: float, kind: Kind = "average", x: ArrayLike | None = None) -> Floats:
    """Smooth ``values`` (float64, in order along ``x``, which only "distance" looks at).

    - "average": the exponential moving average with its bias taken out, as TensorBoard's charts show it.
      For the n-th finite value ``last = last * weight + (1 - weight) * value``, and the result is
      ``last / (1 - weight ** n)``, or ``last`` where the weight is 1.
    - "distance": the same along x: between two points the weight is ``weight ** (distance / mean distance)``,
      so that gaps and unequal spacing count. On equal spacing it is the average above.
    - "mean", "median": over the points within reach on either side, fewer at the ends.
    - "gaussian": weighed by ``exp(-(i / reach) ** 2 / 2)``, cut off at three times the reach.

    Raises ``ValueError`` for a weight out of range and an unknown kind.
    """
    if not 0 <= weight <= 1:
        raise ValueError(f"weight must be in [0, 1] (got {weight!r})")
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)} (got {kind!r})")
    values = np.array(values, np.float64)
    finite = np.isfinite(values)
    counted = values[finite]
    if weight == 0 or counted.size == 0 or np.all(counted == counted[0]):
        return values
    if kind == "average":
        values[finite] = _averages(counted, np.full(len(counted), weight))
    elif kind == "distance":
        places = np.arange(len(values), dtype=np.float64) if x is None else np.asarray(x, np.float64)
        values[finite] = _averages(counted, _weights(places[finite], weight))
    else:
        values[finite] = _around(counted, min(weight, MAX_WEIGHT), kind)
    return values


def _averages(values: Floats, weights: Floats) -> list[float]:
    last, remaining, averages = 0.0, 1.0, []
    for value, weight in zip(values.tolist(), weights.tolist(), strict=True):
        last = last * weight + (1 - weight) * value
        remaining *= weight
        averages.append(last if remaining == 1 else last / (1 - remaining))
    return averages


def _weights(x: Floats, weight: float) -> Floats:
    mean = (x[-1] - x[0]) / (len(x) - 1) if len(x) > 1 else 0.0
    if not mean > 0:
        return np.full(len(x), weight)
    return weight ** np.concatenate(([1.0], np.diff(x) / mean))


def _around(values: Floats, weight: float, kind: Kind) -> list[float]:
    reach = math.floor(weight / (1 - weight) + 0.5)
    if reach == 0:
        return values.tolist()
    look: dict[str, Callable[[Floats, int, int], float]] = {
        "mean": lambda part, first, at: float(part.mean()),
        "median": lambda part, first, at: float(np.median(part)),
        "gaussian": lambda part, first, at: float(
            np.average(part, weights=np.exp(-(((np.arange(len(part)) + first - at) / reach) ** 2) / 2))
        ),
    }
    wide = reach * (_SIGMAS if kind == "gaussian" else 1)
    first = [max(0, at - wide) for at in range(len(values))]
    return [look[kind](values[low : at + wide + 1], low, at) for at, low in enumerate(first)]
