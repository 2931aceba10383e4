"""``run.steps(loader)``: the loop over batches, and where its time goes."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from .guard import Guard
from .step_clock import StepClock
from .step_times import StepTimes

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
        self._guard = Guard()
        self._times = StepTimes(run, run.log_aside, every)

    def __len__(self) -> int:
        return len(self._loader)  # type: ignore[arg-type]

    def __iter__(self) -> Iterator[T]:
        clock = self._times.clock
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
                    self._times.end_step(batch)
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
