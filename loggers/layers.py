"""What a watch of any framework does alike: its options, and the records that a due step makes.

A framework's watch decides when a step is due (``WatchOptions``), measures the
tensors of each source (with ``storage.kinds.tally.Tally``, or its like on a device) and hands them to
``log_layers``. What it notices of values that are not finite goes to ``flight_recorder.FlightRecorder``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..storage.kinds.histogram import Histogram
from ..storage.kinds.layer_stats import LayerStats
from ..storage.kinds.moments import Moments
from ..storage.kinds.tally import Tally
from .interval import checked_interval

if TYPE_CHECKING:
    from .flight_recorder import Fault
    from .run import Run

Source = Literal["weights", "gradients", "raw_gradients", "updates", "activations"]
"""Where values come from. ``gradients`` are those that the optimizer used, ``raw_gradients`` those before
it or the program clipped them, ``updates`` what a step added to the weights."""


@dataclass(frozen=True)
class WatchOptions:
    """The options of every ``watch``.

    Each ``every``-th step from the first is due: statistics of each source that is on are logged under
    ``layers/<source>``, and histograms under ``<source>/<name>``. ``histograms`` says how often these are
    made: True at every due step, a number at every so many of all steps, False never.
    ``flight_recorder`` looks at every step for values that are not finite; ``on_nonfinite`` is called
    with the ``Fault`` it finds, and may raise ``trainboard.StopTraining``.
    Raises ValueError for an interval that is not a positive whole number.
    """

    every: int = 1000
    histograms: bool | int = True
    weights: bool = True
    gradients: bool = True
    activations: bool = True
    updates: bool = True
    flight_recorder: bool = True
    on_nonfinite: Callable[[Fault], Any] | None = None

    def __post_init__(self) -> None:
        checked_interval(self.every)
        if not isinstance(self.histograms, bool):
            checked_interval(self.histograms, "histograms")

    @property
    def histograms_every(self) -> int:
        """Steps between histograms; 0 for none."""
        return self.every * self.histograms if isinstance(self.histograms, bool) else self.histograms


class Due:
    """Tells of the step after so many whether it is due: by the options, or because it was asked for."""

    def __init__(self, options: WatchOptions) -> None:
        self._every = options.every
        self._histograms_every = options.histograms_every
        self._asked = False

    def ask(self) -> None:
        """Whatever step is next, it is due."""
        self._asked = True

    def taken(self) -> None:
        """A step that was due was looked at."""
        self._asked = False

    def __call__(self, steps: int) -> bool:
        return self.statistics(steps) or self.histograms(steps)

    def statistics(self, steps: int) -> bool:
        return self._asked or steps % self._every == 0

    def histograms(self, steps: int) -> bool:
        return bool(self._histograms_every) and (self._asked or steps % self._histograms_every == 0)


class Measure(NamedTuple):
    """What was measured of one tensor: its moments and, for a histogram, its ``Tally.counts``."""

    moments: Moments
    counts: NDArray[np.int64] | None = None

    @classmethod
    def of(cls, values: ArrayLike, histogram: bool) -> Measure:
        """Measure an array of real numbers, of any shape."""
        tally = Tally.of(values, histogram)
        return cls(tally.moments, tally.counts if histogram else None)


def log_layers(
    run: Run,
    step: int,
    source: Source,
    measures: Mapping[str, Measure],
    *,
    statistics: bool = True,
    ratios: Mapping[str, float] | None = None,
) -> None:
    """Log what was measured of one source at one step: by parameter, for ``activations`` by module.

    ``ratios`` are the norms of updates over those of the weights before them.
    """
    records: dict[str, Any] = {
        f"{source}/{name}": Histogram.of_counts(measure.counts, measure.moments)
        for name, measure in measures.items()
        if measure.counts is not None
    }
    if statistics and measures:
        moments = {name: measure.moments for name, measure in measures.items()}
        records[f"layers/{source}"] = LayerStats.of(moments, ratios)
    if records:
        run.log(records, step, commit=False)


def update_ratios(updates: Mapping[str, Measure], before: Mapping[str, float]) -> dict[str, float]:
    """Norms of updates over those of the weights ``before``; infinite where these were all zero."""
    ratios = {}
    for name, update in updates.items():
        norm, changed = before[name], update.moments.norm
        ratios[name] = changed / norm if norm else float("inf") if changed else 0.0
    return ratios
