"""Warnings from inside a training loop: one per cause, never an exception."""

from __future__ import annotations

import sys
import threading
import warnings


class TrainboardWarning(UserWarning):
    """Something could not be logged or stored; training goes on."""


class Warner:
    """Warns once per cause and counts the rest. Safe in any thread."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self._lock = threading.Lock()

    def __call__(self, cause: str, message: str) -> None:
        with self._lock:
            self.counts[cause] = self.counts.get(cause, 0) + 1
            if self.counts[cause] > 1:
                return
        warn(message)


def warn(message: str) -> None:
    """Warn at the line of the program that called in, even where warnings are made errors."""
    try:
        warnings.warn(f"trainboard: {message}", TrainboardWarning, stacklevel=_program_level())
    except Warning as warning:
        print(warning, file=sys.stderr)


def _program_level() -> int:
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("trainboard."):
        level, frame = level + 1, frame.f_back
    return level
