"""``run.profile``: the frameworks' profilers on for a few steps, and their timelines kept as ``Trace``s."""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import TYPE_CHECKING, Protocol

from ..storage.kinds.trace import Trace
from .guard import Guard

if TYPE_CHECKING:
    from .run import Run


class Profiler(Protocol):
    """A framework's profiler, on from when it is made."""

    def stop(self, folder: Path) -> Path:
        """Switch it off, write into ``folder``, and return the file with a trace in Chrome's format."""
        ...


def checked_steps(steps: tuple[int, int]) -> tuple[int, int]:
    """``steps`` if it is a first and a last step, counted from 1. Raises ValueError otherwise."""
    try:
        first, last = steps
        fine = 1 <= first <= last
    except TypeError:
        fine = False
    if not fine:
        raise ValueError(f"steps must be the first and the last step to profile, from 1 on, not {steps!r}")
    return steps


class Profile:
    """A profile of one stretch of a program, logged as ``profile/<framework>`` when it ends.

    A program that has loaded both PyTorch and TensorFlow is seen by the profilers of both.

    With ``steps`` it begins and ends by itself as ``begin_step`` and ``end_step`` are called around the
    program's steps, which it counts; else as a context manager. What goes wrong is one warning.
    """

    def __init__(self, run: Run, steps: tuple[int, int] | None = None) -> None:
        self._run = run
        self._steps = checked_steps(steps) if steps is not None else None
        self._count = 0
        self._profilers: dict[str, Profiler] = {}
        self._guard = Guard()

    def begin_step(self) -> None:
        self._count += 1
        if self._steps is not None and self._count == self._steps[0]:
            self._start()

    def end_step(self) -> None:
        if self._steps is not None and self._count == self._steps[1]:
            self.close()

    def close(self) -> None:
        """End the profile, if it has begun, and log it."""
        while self._profilers:
            framework, profiler = self._profilers.popitem()
            with self._guard("logging a profile"), TemporaryDirectory(prefix="trainboard-") as folder:
                trace = Trace.from_bytes(profiler.stop(Path(folder)).read_bytes(), self._name())
                self._run.log_aside({f"profile/{framework}": trace})

    def __enter__(self) -> Profile:
        if self._steps is None:
            self._start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _name(self) -> str:
        return f"steps {self._steps[0]} to {self._steps[1]}" if self._steps is not None else ""

    def _start(self) -> None:
        loaded = [framework for framework in _PROFILERS if framework in sys.modules]
        with self._guard("starting a profiler"):
            if not loaded:
                raise RuntimeError("only programs that have imported torch or tensorflow can be profiled")
        for framework in loaded:
            with self._guard(f"starting the profiler of {framework}"):
                self._profilers[framework] = _PROFILERS[framework]()


def _torch() -> Profiler:
    from .torch_profile import TorchProfile

    return TorchProfile()


def _tensorflow() -> Profiler:
    from .tensorflow_profile import TensorFlowProfile

    return TensorFlowProfile()


_PROFILERS = {"torch": _torch, "tensorflow": _tensorflow}
