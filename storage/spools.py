"""Spools on disk, and what becomes of those whose owner died.

A spool is a folder ``<spool root>/<spool id>`` with segments ``000000.seg``, ``000001.seg`` … and a
file ``lock`` that its owner keeps locked for as long as it lives.
"""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
import weakref
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import TrainboardError
from .location import spool_root

if TYPE_CHECKING:
    from .sinks import Sink, SpoolSink

__all__ = ["SpoolLock", "adopt_orphans", "feed_piece", "lock", "lock_new", "spool_root"]

_PIECE = 1 << 20
"""Bytes fed at once: enough that what is behind is mostly packed once, and written soon all the same."""

log = logging.getLogger(__name__)


class SpoolLock:
    """A lock that this process holds until ``release`` or its death.

    A forked child does not inherit it: a copy of the descriptor would keep the lock when its owner dies.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        _held.add(self)

    def release(self) -> None:
        """Let go, even where a process forked by other means still has a copy of the descriptor."""
        if self._descriptor >= 0:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)
        self._close()

    def _close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


_held: weakref.WeakSet[SpoolLock] = weakref.WeakSet()


def _leave_to_parent() -> None:
    for held in list(_held):
        held._close()


os.register_at_fork(after_in_child=_leave_to_parent)


def lock_new(path: Path) -> SpoolLock:
    """Lock the spool that is being made in this empty folder.

    The file is locked before it has its name, so that nobody takes the spool for an orphan meanwhile.
    """
    unnamed = path / "lock.new"
    descriptor = os.open(unnamed, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    unnamed.rename(path / "lock")
    return SpoolLock(descriptor)


def lock(path: Path) -> SpoolLock | None:
    """Lock the spool in this folder; None if it has no lock, or somebody else holds it or removed it."""
    file = path / "lock"
    try:
        descriptor = os.open(file, os.O_RDWR | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Whoever adopted the spool may have deleted it between our open and our lock.
        if os.fstat(descriptor).st_ino == file.stat().st_ino:
            return SpoolLock(descriptor)
    except (BlockingIOError, FileNotFoundError):
        pass
    os.close(descriptor)
    return None


def adopt_orphans(store: Sink, root: Path | None = None) -> list[str]:
    """Drain and delete every spool below ``root`` whose owner died; returns their ids.

    Without ``root`` these are the spools that this machine keeps for the store.
    A run whose spool ends without a FINISH was killed. Raises ``StoreUnavailable``; what was not
    drained then stays as it is for the next time.
    """
    adopted: list[str] = []
    for path in found_in(root or spool_root(store.url)):
        held = lock(path)
        if held is None:
            continue
        try:
            drain(store.ingest(path.name), path)
            shutil.rmtree(path)
            adopted.append(path.name)
        except TrainboardError:
            raise  # some are OSErrors too; those of the store are for the caller
        except OSError as error:
            log.warning("spool %s cannot be read: %s", path, error)
        finally:
            held.release()
    return adopted


def found_in(root: Path) -> list[Path]:
    """The spools below a folder, which need not exist."""
    return sorted(file.parent for file in root.glob("*/lock"))


def drain(ingest: SpoolSink, path: Path) -> None:
    """Feed all that is left of a dead program's spool, and say that the program is dead."""
    stored = ingest.stored()
    for segment in sorted(path.glob("*.seg")):
        number, end = int(segment.stem), segment.stat().st_size
        if number < stored.segment:
            continue
        at, offset = -1, stored.known_to if number == stored.segment else 0
        while at < offset < end:
            at, offset = offset, feed_piece(ingest, segment, number, offset, end)
    ingest.abandon()


def feed_piece(ingest: SpoolSink, path: Path, segment: int, start: int, end: int) -> int:
    """Feed some of a segment's file between two bytes, at least one whole message if there is one.

    Returns where to feed on: ``start`` if nothing up to ``end`` is whole.
    """
    size = _PIECE
    with path.open("rb") as file:
        while True:
            file.seek(start)
            data = file.read(min(size, end - start))
            offset = ingest.feed(segment, data, start)
            if offset > start or len(data) < size:
                return offset
            size *= 4
