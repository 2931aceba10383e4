"""What scalars and controls did just before a step: losses, learning rates, loss scales, knobs."""

from __future__ import annotations

import math
import re
from dataclasses import asdict, dataclass
from statistics import median
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from ...storage import SeriesRecord, Store

What = Literal["loss", "learning rate", "loss scale", "knob", "gradient norm"]
KINDS: tuple[tuple[What, re.Pattern[str]], ...] = (
    ("knob", re.compile(r"^knobs/")),
    ("loss scale", re.compile(r"(loss|grad)[_/. ]?scale|(^|[/_.])scale$", re.IGNORECASE)),
    ("learning rate", re.compile(r"(^|[/_. -])(lr|learning[_ ]?rate)([/_. -]|$)", re.IGNORECASE)),
    ("gradient norm", re.compile(r"grad\w*[_/. ]norm", re.IGNORECASE)),
    ("loss", re.compile(r"loss|cost|nll|perplexity", re.IGNORECASE)),
)
"""What a tag tells of, by its name; the first that matches."""

MAX_SIGNALS = 12
POINTS = 400
LOOKED_BACK = 200
"""Steps before a fault in which it is looked for causes."""


@dataclass(frozen=True)
class Signal:
    """A scalar before a step: its ``last`` value and its ``usual`` one, the median of those before.

    ``last`` is None if it is not finite, as at every step from ``bad_since`` on. It last changed by a factor
    of two or more at ``jump_step``, by ``jump``.
    """

    tag: str
    what: What
    last: float | None
    last_step: int
    usual: float
    jump: float | None
    jump_step: int | None
    bad_since: int | None

    def plain(self) -> dict[str, Any]:
        return asdict(self)


def signals_before(store: Store, run_id: str, rank: int, step: int) -> list[Signal]:
    """At most ``MAX_SIGNALS`` of one rank, read up to the step itself."""
    found: list[Signal] = []
    for series in store.series(run_id, "scalar"):
        what = _what(series) if series.rank == rank else None
        if what is None or len(found) >= MAX_SIGNALS:
            continue
        signal = _signal(store, series, what, step)
        if signal is not None:
            found.append(signal)
    return found


def _what(series: SeriesRecord) -> What | None:
    if series.tag.startswith(("system/", "steps/", "val/", "validation/")):
        return None
    return next((what for what, pattern in KINDS if pattern.search(series.tag)), None)


def _signal(store: Store, series: SeriesRecord, what: What, step: int) -> Signal | None:
    window = (step - LOOKED_BACK, step)
    points = store.points(series.run_id, series.tag, rank=series.rank, window=window, width=POINTS)
    if not len(points.step):
        return None
    values = points.value.astype(np.float64)
    before = [float(value) for value in values[:-1] if math.isfinite(value)]
    last = float(values[-1])
    usual = median(before) if before else (last if math.isfinite(last) else math.nan)
    jump, where = _jump(points.step, values)
    return Signal(
        series.tag,
        what,
        last if math.isfinite(last) else None,
        int(points.step[-1]),
        usual if math.isfinite(usual) else 0.0,
        jump,
        where,
        _bad_since(points.step, values),
    )


def _bad_since(steps: np.ndarray, values: np.ndarray) -> int | None:
    """The step from which on no value is finite; None if the last one is."""
    finite = np.flatnonzero(np.isfinite(values))
    first = int(finite[-1]) + 1 if len(finite) else 0
    return int(steps[first]) if first < len(steps) else None


def _jump(steps: np.ndarray, values: np.ndarray) -> tuple[float | None, int | None]:
    """The last change from one point to the next by a factor of two or more, up or down."""
    with np.errstate(divide="ignore", invalid="ignore"):
        factors = values[1:] / values[:-1]
        jumps = np.flatnonzero(np.isfinite(factors) & (factors > 0) & ((factors >= 2) | (factors <= 0.5)))
    if not len(jumps):
        return None, None
    return float(factors[jumps[-1]]), int(steps[jumps[-1] + 1])
