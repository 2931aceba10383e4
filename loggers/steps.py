"""``run.steps(loader)``: the loop over batches, and where its time goes."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from .guard import Guard
from .interval import checked_interval
from .step_clock import StepClock, Verdict

if TYPE_CHECKING:
    from .run import Run


T = TypeVar("T")


class Marker(Protocol):
    """Hooks in a framework that tell the clock when a phase begins."""

    def to_device(self, batch: Any) -> Any: ...

    def close(self) -> None: ...


class Steps(Generic[T]):
    """The batches of ``loader``, timed. Made by ``Run.steps``, and may be gone through once per epoch.

    Every ``every`` steps it logs the mean seconds of a step as ``steps/total`` and of each phase as
    ``steps/data`` and so on, ``steps/per_second``, and, where the first dimension of a batch tells its
    size, ``steps/samples_per_second``. What holds training up is kept as ``bottleneck`` in the summary.
    The first step, which sets things up, is not timed.
    """

    def __init__(self, run: Run, loader: Iterable[T], device: Any = None, every: int = 10) -> None:
        self._run = run
        self._loader = loader
        self._device = device
        self._every = checked_interval(every)
        self._guard = Guard()
        self._clock = StepClock()
        self._count: int | None = None
        self._samples = 0
        self._verdict: Verdict | None = None

    def __len__(self) -> int:
        return len(self._loader)  # type: ignore[arg-type]

    def __iter__(self) -> Iterator[T]:
        clock = self._clock
        marker = self._mark_phases(clock)
        try:
            with _timed_log(self._run, clock):
                clock.begin("data")
                for batch in self._loader:
                    if self._device is not None and marker is not None:
                        clock.enter("copy")
                        batch = marker.to_device(batch)
                    clock.enter("other")
                    if self._run.profiled is not None:
                        self._run.profiled.begin_step()
                    yield batch
                    if self._run.profiled is not None:
                        self._run.profiled.end_step()
                    self._end_step(clock, batch)
        finally:
            if marker is not None:
                marker.close()

    def _mark_phases(self, clock: StepClock) -> Marker | None:
        """Hooks in PyTorch, if the program uses it; without them a step is data, logging and the rest."""
        if "torch" not in sys.modules:
            return None
        with self._guard("timing forward, backward and the optimizer"):
            from .torch_phases import TorchPhases

            return TorchPhases(clock, self._device)

    def _end_step(self, clock: StepClock, batch: Any) -> None:
        if self._count is None:
            self._count = 0
            clock.begin("data")
            return
        self._count += 1
        with self._guard("counting the samples of a batch"):
            self._samples += _size(batch)
        clock.end_step()
        if self._count % self._every == 0:
            with self._guard("logging the time of steps"), clock.during("logging"):
                self._log(clock)
        clock.enter("data")

    def _log(self, clock: StepClock) -> None:
        means = clock.mean(self._every)
        total = sum(means.values())
        values = {f"steps/{phase}": seconds for phase, seconds in means.items()}
        values |= {"steps/total": total, "steps/per_second": 1 / total}
        if self._samples:
            values["steps/samples_per_second"] = self._samples / self._every / total
        self._samples = 0
        self._run.log_aside(values)
        verdict = clock.verdict()
        if verdict != self._verdict:
            self._verdict = verdict
            self._run.summary["bottleneck"] = verdict


@contextmanager
def _timed_log(run: Run, clock: StepClock) -> Iterator[None]:
    """Tell ``clock`` when ``run.log`` is at work; a run that is not timed pays nothing for it."""
    log = run.log

    def timed_log(*args: Any, **kwargs: Any) -> None:
        with clock.during("logging"):
            log(*args, **kwargs)

    run.log = timed_log
    try:
        yield
    finally:
        run.log = log


def _size(batch: Any) -> int:
    """How many samples are in ``batch``: the first dimension of the first array in it, or 0."""
    while isinstance(batch, Mapping | list | tuple) and batch:
        batch = next(iter(batch.values() if isinstance(batch, Mapping) else batch))
    shape = getattr(batch, "shape", None)
    return int(shape[0]) if shape is not None and len(shape) else 0
