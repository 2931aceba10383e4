"""Programs that write to one SQLite store take turns.

SQLite has one lock for writers and no queue for it: who waits looks at it again and again, which takes time
from the one that writes, and may be overtaken for seconds. So writers queue in the kernel, which wakes
them one by one, in their order. The queue is courtesy; what keeps the store whole is still SQLite's lock.
"""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .forks import NO_FORK
from .spools import SpoolLock


@contextmanager
def turn(path: Path, patience: float) -> Iterator[None]:
    """Hold the turn to write to the store at ``path`` for this block, without it after ``patience`` seconds.

    The file that is locked is SQLite's log of what was written: it is there while the store is used, and
    SQLite itself locks other files.
    """
    try:
        descriptor = os.open(f"{path}-wal", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:  # the first to write
        yield
        return
    held = SpoolLock(descriptor)
    try:
        _wait(descriptor, patience)
        yield
    finally:
        held.release()


def _wait(descriptor: int, patience: float) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        # No call waits for a lock for a while only. This one ends where the file is closed meanwhile.
        came = threading.Event()
        threading.Thread(target=_wait_forever, args=(descriptor, came), daemon=True).start()
        with NO_FORK:  # in whose wait the process may fork
            NO_FORK.wait_for(came.is_set, patience)
    except OSError:
        pass  # a file system without such locks


def _wait_forever(descriptor: int, came: threading.Event) -> None:
    with suppress(OSError):
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    came.set()
    with NO_FORK:
        NO_FORK.notify_all()
