"""Tells every open page when the store changed: one poller for all of them, none when nobody waits."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from ..storage.errors import TrainboardError

if TYPE_CHECKING:
    from ..storage import Store
    from .spool_watch import Behind

POLL_SECONDS = 0.05
_REMEMBERED = 512


class Change(NamedTuple):
    """The store's version now, and the runs changed since the asker's; ``None`` if too long ago to tell.

    ``store`` grows when another store took the place of this one: nothing known of it is true then.
    ``behind`` says of spools that the store has not caught up with, ``read`` which part of TensorBoard's logs
    is read, while that takes long.
    """

    version: int
    runs: list[str] | None
    store: int
    behind: Behind | None
    read: float | None


class Changes:
    """Waits for ``store.version()`` to move on.

    The latency from a commit to the answer is at most ``POLL_SECONDS`` and one read of the version.
    ``logs_read`` is asked for which part of the logs is read. Use from one event loop.
    """

    def __init__(self, store: Store, logs_read: Callable[[], float | None] = lambda: None) -> None:
        self._store = store
        self._logs_read = logs_read
        self._version = -1
        self._opened = store.reopened
        self._revisions: dict[str, int] = {}
        self._history: deque[tuple[int, frozenset[str]]] = deque(maxlen=_REMEMBERED)
        self._looked_at = 0.0
        self._behind: Behind | None = None
        self._looking = asyncio.Lock()
        self._moved = asyncio.Event()
        self._waiters = 0
        self._poller: asyncio.Task[None] | None = None
        self._closed = False

    def close(self) -> None:
        """Answer everyone who waits, now and from now on at once: the server is about to stop."""
        self._closed = True
        self._moved.set()

    def tell(self, behind: Behind | None) -> None:
        """What everyone who waits is told from now on; at once, if spools fell behind or caught up."""
        news = (behind is None) != (self._behind is None)
        self._behind = behind
        if news:
            self._wake()

    async def wait(self, since: int, timeout: float) -> Change:
        """Answer as soon as the version differs from ``since``, at the latest after ``timeout`` seconds."""
        await self._look()
        if self._version == since and not self._closed:
            await self._wait_for_move(timeout)
        runs = self._changed_after(since)
        return Change(self._version, runs, self._opened, self._behind, self._logs_read())

    async def revisions(self) -> dict[str, int]:
        """Every run's revision, at most ``POLL_SECONDS`` old, and no older than what anyone was told."""
        if time.monotonic() - self._looked_at > POLL_SECONDS:
            await self._look()
        return self._revisions

    async def _wait_for_move(self, timeout: float) -> None:
        self._waiters += 1
        if self._poller is None or self._poller.done():
            self._poller = asyncio.create_task(self._poll())
        try:
            await asyncio.wait_for(self._moved.wait(), timeout)
        except TimeoutError:
            pass
        finally:
            self._waiters -= 1

    async def _poll(self) -> None:
        while self._waiters and not self._closed:
            await asyncio.sleep(POLL_SECONDS)
            try:
                await self._look()
            except TrainboardError:
                self._wake()  # who waits asks again, and is told
                return

    async def _look(self) -> None:
        async with self._looking:
            begun = time.monotonic()
            opened, version = self._store.reopened, await asyncio.to_thread(self._store.version)
            if (opened, version) != (self._opened, self._version):
                known = self._revisions if opened == self._opened else {}
                self._note(opened, version, await asyncio.to_thread(self._read_revisions, version, known))
            self._looked_at = begun

    def _note(self, opened: int, version: int, revisions: dict[str, int]) -> None:
        changed = {run for run, revision in revisions.items() if self._revisions.get(run) != revision}
        changed |= self._revisions.keys() - revisions.keys()
        if opened == self._opened:
            self._history.append((self._version, frozenset(changed)))
        else:
            self._history.clear()
        self._opened, self._version, self._revisions = opened, version, revisions
        self._wake()

    def _wake(self) -> None:
        self._moved.set()
        if not self._closed:
            self._moved = asyncio.Event()

    def _read_revisions(self, version: int, known: dict[str, int]) -> dict[str, int]:
        """The revision of every run; of those that run alone where these explain the version."""
        revisions = known | self._store.revisions("running")
        if len(revisions) + sum(revisions.values()) == version:
            return revisions
        return self._store.revisions()

    def _changed_after(self, since: int) -> list[str] | None:
        if since == self._version:
            return []
        changed: set[str] = set()
        for version, runs in reversed(self._history):
            changed |= runs
            if version == since:
                return sorted(changed)
        return None
