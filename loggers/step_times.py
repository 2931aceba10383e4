"""Logs the time of steps, and what holds them up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from .guard import Guard
from .interval import checked_interval
from .step_clock import Phase, StepClock, Verdict

if TYPE_CHECKING:
    from .run import Run


class StepTimes:
    """The means of every ``every`` steps, given to ``log``; the verdict goes to the run's summary.

    The first step, and others that set things up, are not timed.
    """

    def __init__(self, run: Run, log: Callable[[dict[str, float]], None], every: int = 10) -> None:
        self.clock = StepClock()
        self._run = run
        self._log = log
        self._every = checked_interval(every)
        self._guard = Guard()
        self._count: int | None = None
        self._samples = 0
        self._verdict: Verdict | None = None

    def end_step(self, batch: Any, then: Phase = "data", *, sets_up: bool = False) -> None:
        """A step that used ``batch`` is over, and the phase ``then`` begins."""
        if self._count is None or sets_up:
            self._count = self._count or 0
            self.clock.begin(then)
            return
        self._count += 1
        with self._guard("counting the samples of a batch"):
            self._samples += _size(batch)
        self.clock.end_step()
        if self._count % self._every == 0:
            with self._guard("logging the time of steps"), self.clock.during("logging"):
                self._tell()
        self.clock.enter(then)

    def _tell(self) -> None:
        means = self.clock.mean(self._every)
        total = sum(means.values())
        values = {f"steps/{phase}": seconds for phase, seconds in means.items()}
        values |= {"steps/total": total, "steps/per_second": 1 / total}
        if self._samples:
            values["steps/samples_per_second"] = self._samples / self._every / total
        self._samples = 0
        self._log(values)
        verdict = self.clock.verdict()
        if verdict != self._verdict:
            self._verdict = verdict
            self._run.summary["bottleneck"] = verdict


def _size(batch: Any) -> int:
    """How many samples are in ``batch``: the first dimension of the first array in it, or 0."""
    while isinstance(batch, Mapping | list | tuple) and batch:
        batch = next(iter(batch.values() if isinstance(batch, Mapping) else batch))
    shape = getattr(batch, "shape", None)
    return int(shape[0]) if shape is not None and len(shape) else 0
