"""The drain: a thread that carries a spool into its store while the program trains.

It alone knows that stores can be slow, locked or gone. Whatever fails, the spool keeps what was logged
and the drain tries again; the store keeps the spool's offset with the data, so nothing is added twice.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..storage.errors import SpoolGap, StoreGone
from ..storage.forks import NO_FORK
from ..storage.location import sqlite_path
from ..storage.sinks import Sink, open_sink
from ..storage.spools import feed_piece
from .spool import Spool, SpoolClosed, SpoolFull
from .warn import Warner

if TYPE_CHECKING:
    from .controls import Controls

INTERVAL = 0.2
HEARTBEAT = 1.5
HEARING = 0.4
LONGEST_PAUSE = 5.0


class Drain:
    """Drains ``spool`` into the store or server at ``url`` until stopped.

    ``announce`` appends what a store must know of the run, for when it lost what it had and begins anew;
    ``errand`` is done once, after a first pass.
    """

    def __init__(
        self,
        spool: Spool,
        url: str,
        warn: Warner,
        *,
        announce: Callable[[], None],
        errand: Callable[[Sink], object],
    ) -> None:
        self._spool = spool
        self._url = url
        self._unforked = NO_FORK if sqlite_path(url) else contextlib.nullcontext()
        self._warn = warn
        self._announce = announce
        self._errand: Callable[[Sink], object] | None = errand
        self._store: Sink | None = None
        self._segment = 0
        self._offset = 0
        self._given = (0, 0)
        self._beat = 0.0
        self._heard = 0.0
        self._hears: tuple[str, Controls] | None = None
        self._deadline: float | None = None
        self._wake = threading.Event()
        self._progress = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="trainboard-drain", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def hear(self, run_id: str, controls: Controls) -> None:
        """From now on, bring ``controls`` what people ask of the run."""
        self._hears = run_id, controls

    def flush(self, timeout: float | None = None) -> bool:
        """Wait until all that was appended before this call is in the store; False if it is not by then."""
        self._spool.deferred.settle()
        goal = self._spool.position()
        self._wake.set()
        with self._progress:
            self._progress.wait_for(lambda: self._is_at(goal) or not self._thread.is_alive(), timeout)
        return self._is_at(goal)

    def stop(self, timeout: float) -> bool:
        """Drain what a closed spool holds, for at most about ``timeout`` seconds. True if nothing is left."""
        self._deadline = time.monotonic() + timeout
        self._wake.set()
        self._thread.join(timeout + INTERVAL)
        return self._is_at(self._spool.position())

    def _is_at(self, goal: tuple[int, int]) -> bool:
        return (self._segment, self._offset) >= goal

    def _run(self) -> None:
        pause = INTERVAL
        while not self._is_done():
            self._wake.wait(pause)
            self._wake.clear()
            try:
                self._spool.deferred.poll()
                with self._unforked:
                    self._pass()
                pause = INTERVAL
            except SpoolGap:
                # The server was restarted and has yet to learn this segment's series.
                self._close_store()
            except Exception as error:
                self._lose_store(error)
                pause = min(2 * pause, LONGEST_PAUSE) if self._deadline is None else INTERVAL
            with self._progress:
                self._progress.notify_all()
        self._close_store()

    def _is_done(self) -> bool:
        if self._deadline is None:
            return False
        return self._is_at(self._spool.position()) or time.monotonic() > self._deadline

    def _pass(self) -> None:
        """Bring the store up to date with the spool, and tell it that the run is alive."""
        if self._store is None:
            self._open_store()
        while self._advance():
            self._beat = time.monotonic()  # what is brought says as well that the run lives
            with self._progress:
                self._progress.notify_all()
        if time.monotonic() - self._beat > HEARTBEAT:
            self._ingest.heartbeat()
            self._beat = time.monotonic()
        if self._errand is not None and self._deadline is None:
            self._do_errand()
        if self._hears is not None and time.monotonic() - self._heard > HEARING:
            self._hear(*self._hears)

    def _open_store(self) -> None:
        self._store = open_sink(self._url, create=True)
        self._ingest = self._store.ingest(self._spool.directory.name)
        stored = self._ingest.stored()
        # A new reader learns the segment's series from its beginning; what the store has, it skips.
        self._offset = stored.known_to if stored.segment == self._segment else 0
        if (stored.segment, stored.position) < self._given:
            self._begin_anew()

    def _advance(self) -> bool:
        """Move one piece of the spool into the store; False when there is nothing more to move."""
        end, final = self._spool.extent(self._segment)
        if self._offset < end:
            return self._feed(end, final)
        if final:
            self._spool.path(self._segment).unlink(missing_ok=True)
            self._segment, self._offset = self._segment + 1, 0
        return final

    def _feed(self, end: int, final: bool) -> bool:
        start, path = self._offset, self._spool.path(self._segment)
        self._offset = feed_piece(self._ingest, path, self._segment, start, end)
        if self._offset > start:
            self._given = max(self._given, (self._segment, self._offset))
        elif final:
            self._warn("unreadable", f"{end - start} bytes of {self._spool.directory} could not be read")
            self._offset = end
        return self._offset > start

    def _hear(self, run_id: str, controls: Controls) -> None:
        assert self._store is not None
        controls.receive(self._store.requests(run_id, controls.last_request))
        self._heard = time.monotonic()

    def _do_errand(self) -> None:
        errand, self._errand = self._errand, None
        assert errand is not None and self._store is not None
        try:
            errand(self._store)
        except Exception as error:
            self._warn("errand", str(error))

    def _lose_store(self, error: Exception) -> None:
        self._warn("store", f"the store does not take points now ({error}); they are kept until it does")
        self._close_store()
        if isinstance(error, StoreGone):
            self._begin_anew()

    def _begin_anew(self) -> None:
        self._given = (0, 0)
        with contextlib.suppress(SpoolClosed, SpoolFull):
            self._announce()

    def _close_store(self) -> None:
        store, self._store = self._store, None
        if store is not None:
            store.close()
