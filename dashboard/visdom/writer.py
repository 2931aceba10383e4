"""Writes what clients ask for: all that came meanwhile in one transaction, answered once it is committed."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ...storage.transactions import write
from .commands import Transaction

if TYPE_CHECKING:
    from ...storage import Store

Work = Callable[[Transaction], Any]
Job = tuple[Work, "asyncio.Future[Any]"]
Outcome = tuple["asyncio.Future[Any]", Any, Exception | None]
MAX_JOBS = 256
"""How many requests one transaction holds at most."""


class Writer:
    """One thread that writes, started by the first request. Use from one event loop."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def do(self, work: Work) -> Any:
        """The outcome of ``work``, once it is in the store. It may be done again from the beginning."""
        self._loop = asyncio.get_running_loop()
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="trainboard-visdom", daemon=True)
            self._thread.start()
        done = self._loop.create_future()
        self._jobs.put((work, done))
        return await done

    def close(self) -> None:
        """End the thread after what was asked for before."""
        self._jobs.put(None)

    def _run(self) -> None:
        while (first := self._jobs.get()) is not None:
            jobs = [first]
            while len(jobs) < MAX_JOBS and not self._jobs.empty():
                following = self._jobs.get()
                if following is None:
                    self._jobs.put(None)
                    break
                jobs.append(following)
            outcomes = self._do_together(jobs)
            assert self._loop is not None
            self._loop.call_soon_threadsafe(_answer, outcomes)

    def _do_together(self, jobs: list[Job]) -> list[Outcome]:
        try:
            results = self._commit([work for work, _ in jobs])
        except Exception:
            # One of them cannot be done: each alone, so that it takes no other with it.
            return [self._do_alone(*job) for job in jobs]
        return [(done, result, None) for (_, done), result in zip(jobs, results, strict=True)]

    def _do_alone(self, work: Work, done: asyncio.Future[Any]) -> Outcome:
        try:
            return done, self._commit([work])[0], None
        except Exception as error:
            return done, None, error

    def _commit(self, works: list[Work]) -> list[Any]:
        def do(connection: Any) -> list[Any]:
            transaction = Transaction(connection)
            results = [work(transaction) for work in works]
            transaction.save()
            return results

        return write(self._store, do)


def _answer(outcomes: list[Outcome]) -> None:
    for done, result, error in outcomes:
        if done.cancelled():
            continue
        if error is None:
            done.set_result(result)
        else:
            done.set_exception(error)
