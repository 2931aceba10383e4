"""What the time of training steps is spent on: a clock that is always in exactly one phase."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Literal

Phase = Literal["data", "copy", "forward", "backward", "optimizer", "compute", "logging", "other"]
Verdict = Literal["input-bound", "logging-bound", "compute-bound"]

INPUT_BOUND = 0.25
LOGGING_BOUND = 0.10
_REMEMBERED_STEPS = 200


class StepClock:
    """Adds up the seconds of each phase, step by step, and says what holds training up.

    The times are the host's. A GPU works while the host goes on, so its work shows in the phase in which
    the host waits for it. For the training thread; ``enter`` may be called by autograd's threads too,
    for which the training thread waits.
    """

    def __init__(self) -> None:
        self._steps: deque[dict[Phase, float]] = deque(maxlen=_REMEMBERED_STEPS)
        self.begin("other")

    def begin(self, phase: Phase) -> None:
        """Begin a step; what was measured of one that has not ended is forgotten."""
        self._phase: Phase = phase
        self._since = perf_counter()
        self._seconds: dict[Phase, float] = {}

    def enter(self, phase: Phase) -> Phase:
        """End the current phase and begin another; returns the one that ended."""
        now = perf_counter()
        ended = self._phase
        self._seconds[ended] = self._seconds.get(ended, 0.0) + now - self._since
        self._since, self._phase = now, phase
        return ended

    @contextmanager
    def during(self, phase: Phase) -> Iterator[None]:
        """Be in ``phase`` for a while, then in what was interrupted."""
        interrupted = self.enter(phase)
        try:
            yield
        finally:
            self.enter(interrupted)

    def end_step(self) -> None:
        """The next step begins with what the clock is in now."""
        self.enter(self._phase)
        self._steps.append(self._seconds)
        self._seconds = {}

    def mean(self, count: int) -> dict[Phase, float]:
        """The seconds a step spent in each phase, on average over the last ``count`` steps."""
        steps = list(self._steps)[-count:]
        totals: dict[Phase, float] = {}
        for step in steps:
            for phase, seconds in step.items():
                totals[phase] = totals.get(phase, 0.0) + seconds
        return {phase: seconds / len(steps) for phase, seconds in totals.items()}

    def verdict(self) -> Verdict:
        """What the last 200 steps waited for.

        Input-bound if at least a quarter of their time went to waiting for data and copying it, logging-bound
        if at least a tenth went to logging, and compute-bound otherwise, as it should be.
        """
        means = self.mean(_REMEMBERED_STEPS)
        total = sum(means.values())
        if means.get("data", 0.0) + means.get("copy", 0.0) >= INPUT_BOUND * total:
            return "input-bound"
        return "logging-bound" if means.get("logging", 0.0) >= LOGGING_BOUND * total else "compute-bound"
