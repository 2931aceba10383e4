"""How often hooks look at a model."""

from __future__ import annotations


def checked_interval(every: int, name: str = "every") -> int:
    """``every`` if it is a whole number of at least 1. Raises ValueError otherwise."""
    if isinstance(every, bool) or not isinstance(every, int) or every < 1:
        raise ValueError(f"{name} must be a whole number of steps, at least 1, not {every!r}")
    return every


class Schedule:
    """The first step asked about is due, and so is every ``every``-th from there."""

    def __init__(self, every: int) -> None:
        self._every = checked_interval(every)
        self._first: int | None = None

    def due(self, step: int, count: int = 1) -> bool:
        """Whether any of the ``count`` steps from ``step`` on is due."""
        if self._first is None:
            self._first = step
        return (self._first - step) % self._every < count
