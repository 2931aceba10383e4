"""Is A better yet? A sequential t-test that stays valid however often one looks.

With pairs of runs and their differences ``d`` of mean ``m`` and sample standard deviation ``s``, ``n`` of
them so far and ``t = m / (s / sqrt(n))``, the evidence against "no difference" is the likelihood ratio

    E = k ** -0.5 * ((1 + t²/(n - 1)) / (1 + t²/(k (n - 1)))) ** (n/2),    k = 1 + n g

of a Gaussian prior of variance ``g`` on the effect ``mean / standard deviation``, the scale being given the
right Haar prior. Without a difference, ``E`` is a nonnegative martingale of mean 1, so that it *ever* reaches
``1 / ALPHA`` has a probability of at most ``ALPHA`` (Ville's inequality). The interval is the confidence
sequence of all differences that are not so refuted.

T. L. Lai, "On confidence sequences", Annals of Statistics, 1976; H. Wang and A. Ramdas, "Anytime-valid
t-tests and confidence sequences for Gaussian means with unknown variance", Sequential Analysis, 2025.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ALPHA = 0.05
PRIOR_VARIANCE = 1.0
MOST_MORE = 1_000
"""A verdict that needs more pairs than these is not worth waiting for."""


@dataclass(frozen=True)
class Verdict:
    """What the pairs say of A less B.

    ``decided`` is 1 if A has the larger values, -1 if B has, 0 if that is not known yet; ``difference`` is
    the mean of the differences, NaN without pairs, between ``low`` and ``high`` (infinite for few pairs);
    ``evidence`` is E, and ``more`` about how many more pairs it takes if they go on as now, None if decided
    or more than ``MOST_MORE``.
    """

    pairs: int
    difference: float
    low: float
    high: float
    evidence: float
    decided: int
    more: int | None


def judge(differences: Sequence[float] | NDArray[np.float64]) -> Verdict:
    """The verdict on the differences of pairs, all finite."""
    d = np.asarray(differences, np.float64)
    n = len(d)
    mean = float(d.mean()) if n else math.nan
    deviation = float(d.std(ddof=1)) if n > 1 else math.nan
    evidence = _evidence(n, _t(mean, deviation, n)) if n > 1 else 1.0
    half = deviation / math.sqrt(n) * _bound(n) if n > 1 else math.inf
    decided = int(np.sign(mean)) if evidence >= 1 / ALPHA else 0
    more = None if decided else _more(n, mean, deviation)
    return Verdict(n, mean, mean - half, mean + half, evidence, decided, more)


def pair(
    a: Sequence[tuple[str | None, float]], b: Sequence[tuple[str | None, float]]
) -> tuple[list[float], bool]:
    """Differences of two groups of (seed or None, value), each in the order in which its runs ended.

    Runs of the same seed are paired, and True is returned, where at least half of the smaller group has
    such a partner; otherwise runs are paired as they come.
    """
    partners = _by_seed(b)
    differences = []
    for seed, value in a:
        if seed is not None and partners.get(seed):
            differences.append(value - partners[seed].pop(0))
    if differences and len(differences) >= min(len(a), len(b)) / 2:
        return differences, True
    return [one - other for (_, one), (_, other) in zip(a, b, strict=False)], False


def _by_seed(values: Sequence[tuple[str | None, float]]) -> Mapping[str, list[float]]:
    found: dict[str, list[float]] = {}
    for seed, value in values:
        if seed is not None:
            found.setdefault(seed, []).append(value)
    return found


def _t(mean: float, deviation: float, n: int) -> float:
    if deviation == 0:
        return math.copysign(math.inf, mean) if mean else 0.0
    return mean / deviation * math.sqrt(n)


def _evidence(n: int, t: float) -> float:
    k = 1 + n * PRIOR_VARIANCE
    ratio = k if math.isinf(t) else (1 + t * t / (n - 1)) / (1 + t * t / (k * (n - 1)))
    return float(math.exp(min(-0.5 * math.log(k) + 0.5 * n * math.log(ratio), 700.0)))


def _bound(n: int) -> float:
    """The smallest |t| that is refuted with n pairs; infinite where none is."""
    k = 1 + n * PRIOR_VARIANCE
    ratio = math.exp(2 / n * (math.log(1 / ALPHA) + 0.5 * math.log(k)))
    return math.sqrt((n - 1) * (ratio - 1) / (1 - ratio / k)) if ratio < k else math.inf


def _more(n: int, mean: float, deviation: float) -> int | None:
    """By bisection: a constant effect, once found, stays found."""

    def is_found(more: int) -> bool:
        return _evidence(n + more, _t(mean, deviation, n + more)) >= 1 / ALPHA

    if n < 2 or not is_found(MOST_MORE):
        return None
    return bisect_left(range(MOST_MORE), True, lo=1, key=is_found)
