"""Tells every open page when the store changed: one poller for all of them, none when nobody waits."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from ..storage import Store

POLL_SECONDS = 0.05
_REMEMBERED = 512


class Change(NamedTuple):
    """The store's version now, and the runs changed since the asker's; ``None`` if too long ago to tell."""

    version: int
    runs: list[str] | None


class Changes:
    """Waits for ``store.version()`` to move on.

    The latency from a commit to the answer is at most ``POLL_SECONDS`` and one read of the version.
    Use from one event loop.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._version = -1
        self._revisions: dict[str, int] = {}
        self._history: deque[tuple[int, frozenset[str]]] = deque(maxlen=_REMEMBERED)
        self._looking = asyncio.Lock()
        self._moved = asyncio.Event()
        self._waiters = 0
        self._poller: asyncio.Task[None] | None = None
        self._closed = False

    def close(self) -> None:
        """Answer everyone who waits, now and from now on at once: the server is about to stop."""
        self._closed = True
        self._moved.set()

    async def wait(self, since: int, timeout: float) -> Change:
        """Answer as soon as the version differs from ``since``, at the latest after ``timeout`` seconds."""
        await self._look()
        if self._version == since and not self._closed:
            await self._wait_for_move(timeout)
        return Change(self._version, self._changed_after(since))

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
            await self._look()

    async def _look(self) -> None:
        async with self._looking:
            version = await asyncio.to_thread(self._store.version)
            if version == self._version:
                return
            revisions = await asyncio.to_thread(self._read_revisions, version)
            changed = {run for run, revision in revisions.items() if self._revisions.get(run) != revision}
            changed |= self._revisions.keys() - revisions.keys()
            self._history.append((self._version, frozenset(changed)))
            self._version, self._revisions = version, revisions
            self._moved.set()
            if not self._closed:
                self._moved = asyncio.Event()

    def _read_revisions(self, version: int) -> dict[str, int]:
        """The revision of every run; of those that run alone where these explain the version."""
        revisions = self._revisions | self._store.revisions("running")
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
