"""Which spools the store has not caught up with, so that a page can say that it shows less than there is."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from ..storage.spool_lag import LATE_SECONDS, Lag, Place, lagging

if TYPE_CHECKING:
    from ..storage import Store


class Behind(NamedTuple):
    """How many spools are behind, and the seconds by which the worst of them is."""

    spools: int
    seconds: int


class SpoolWatch:
    """Compares spools with the store, look by look; safe to use from many threads.

    A spool is behind when the store has not reached what was in it ``LATE_SECONDS`` ago. That does
    not depend on the clocks of programs, nor on the times they log for.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._goals: dict[str, tuple[Place, float]] = {}
        self._lock = threading.Lock()

    def look(self) -> list[dict[str, Any]]:
        """The spools that hold more than the store, each with the seconds it has been ``behind``."""
        with self._lock:
            now, before, self._goals = time.monotonic(), self._goals, {}
            return [self._told(lag, now, before) for lag in lagging(self._store)]

    def behind(self) -> Behind | None:
        """What to tell people; None if nothing is worth it."""
        late = [seen["behind"] for seen in self.look() if seen["behind"] >= LATE_SECONDS]
        return Behind(len(late), round(max(late))) if late else None

    def _told(self, lag: Lag, now: float, before: dict[str, tuple[Place, float]]) -> dict[str, Any]:
        goal, since = before.get(lag.spool, (lag.end, now))
        if lag.stored >= goal:
            goal, since = lag.end, now
        self._goals[lag.spool] = goal, since
        return lag.as_json() | {"behind": now - since}
