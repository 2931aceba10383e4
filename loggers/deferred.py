"""Work that waits for values on their way from a device, so that no caller has to."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Protocol

from .guard import Guard


class Arriving(Protocol):
    """Values on their way. ``ready`` never waits; after ``wait`` they are here."""

    def ready(self) -> bool: ...

    def wait(self) -> None: ...


class Deferred:
    """Does work in the order it was added, each piece once its values are here. Safe in any thread.

    Work that fails, or whose values never come because the device failed, is one warning.
    """

    def __init__(self) -> None:
        self._guard = Guard()
        self._queue: deque[tuple[Arriving, Callable[[], None]]] = deque()
        # Not taken by ``add``: work may take the locks under which work is added.
        self._working = threading.RLock()

    def add(self, values: Arriving, work: Callable[[], None]) -> None:
        self._queue.append((values, work))

    def poll(self) -> None:
        """Do the oldest work, as far as its values are here."""
        if self._queue:
            self._work(wait=False)

    def settle(self) -> None:
        """Wait for all values and do all work."""
        if self._queue:
            self._work(wait=True)

    def _work(self, wait: bool) -> None:
        with self._working:
            while self._queue:
                values, work = self._queue[0]
                with self._guard("reading values from a device"):
                    if not wait and not values.ready():
                        return
                    values.wait()
                    work()
                self._queue.popleft()
