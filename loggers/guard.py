"""Keeps what hooks do inside a training step from ever stopping it."""

from __future__ import annotations

from types import TracebackType

from .warn import Warner


class StopTraining(Exception):
    """Raised by a program's own callback to end training: the one exception that hooks let pass."""


class Guard:
    """Turns exceptions into one warning for each type of them: ``with guard("reading fc.weight"): …``."""

    def __init__(self) -> None:
        self._warn = Warner()

    def __call__(self, doing: str) -> _Guarded:
        return _Guarded(self._warn, doing)


class _Guarded:
    def __init__(self, warner: Warner, doing: str) -> None:
        self._warn = warner
        self._doing = doing

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if not isinstance(error, Exception) or isinstance(error, StopTraining):
            return False
        cause = type(error).__name__
        self._warn(cause, f"{self._doing} failed ({cause}: {error}); training goes on")
        return True
