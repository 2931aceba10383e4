"""Regular expressions that people type: an error names the place, and a match that takes long is given up."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import regex

LONGEST = 1_000
_deadline = threading.local()


class BadPattern(ValueError):
    """A regular expression that is none, or that takes too long; ``position`` is where, if known."""

    def __init__(self, message: str, position: int | None = None) -> None:
        super().__init__(message)
        self.position = position


@lru_cache(maxsize=256)
def compile_pattern(pattern: str) -> Any:
    """The expression, ready to be searched. Raises ``BadPattern``."""
    if len(pattern) > LONGEST:
        raise BadPattern(f"A regular expression has at most {LONGEST} characters (this has {len(pattern)}).")
    try:
        return regex.compile(pattern)
    except regex.error as error:
        told: Any = error
        raise BadPattern(f"This is no regular expression: {told.msg}.", told.pos) from error


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """All searches of this thread within the block may take so long together."""
    _deadline.at = time.monotonic() + seconds
    try:
        yield
    finally:
        del _deadline.at


def is_over() -> bool:
    """Whether the time that the block around this allowed has passed."""
    return time.monotonic() >= _deadline.at


def search(pattern: str, text: str) -> Any:
    """The first match in a text, or None, within a ``time_limit``. Raises ``BadPattern``."""
    left = _deadline.at - time.monotonic()
    try:
        if left > 0:
            return compile_pattern(pattern).search(text, timeout=left)
    except TimeoutError:
        pass
    raise BadPattern("This regular expression takes too long.")
