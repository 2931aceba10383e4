"""One memory-mapped file of a spool.

An append is a copy into the map: no system call, no wait. The file is allocated in full beforehand, which
makes a full disk an error then, where it can be reported, instead of a bus error while writing.
"""

from __future__ import annotations

import contextlib
import mmap
import os
from pathlib import Path

from ..storage.frames import Frames

SMALLEST_SEGMENT = 1 << 20
LARGEST_SEGMENT = 16 << 20
CLOSING_ROOM = 32 << 10


class Segment:
    """One file of a spool, mapped while it is written. Starts with its OPEN message.

    ``end`` is where the next frame goes; ``declared`` counts the series declared so far, ``numbers`` has
    them by (kind, tag), and ``scalars`` those of scalars by tag alone. The last part of a segment is kept
    for the closing message, so that a run can say how it ended even when the disk is full.
    """

    def __init__(self, path: Path, index: int, size: int, opening: Frames) -> None:
        self.path = path
        self.index = index
        self.end = 0
        self.declared = 0
        self.numbers: dict[tuple[str, str], int] = {}
        self.scalars: dict[str, int] = {}
        self._map = _allocate(path, size)
        self._size = size
        self._room = size - CLOSING_ROOM
        self.append(opening)

    def append(self, frames: Frames, *, closing: bool = False) -> bool:
        """Add frames, or return False where they do not fit. The caller holds the spool's lock."""
        data, mark = frames
        size = len(data)
        limit = self._size if closing else self._room
        # The place is claimed before it is written, without a call in between: a signal handler or a
        # finaliser that logs while this runs gets the place after.
        start = self.end
        end = start + size
        if end > limit:
            return False
        self.end = end
        commit = start + mark
        self._map[start:commit] = data[:mark]
        if commit + 4 < end:
            self._map[commit + 4 : end] = data[mark + 4 :]
        self._map[commit : commit + 4] = data[mark : mark + 4]
        return True

    def seal(self) -> None:
        """Take no more frames, and give back the space that was not used."""
        self._size = self._room = 0
        self._map.close()
        with contextlib.suppress(OSError):
            os.truncate(self.path, self.end)

    def abandon(self) -> None:
        """Unmap in a forked child, leaving the parent's file as it is."""
        self._size = self._room = 0
        self._map.close()


def _allocate(path: Path, size: int) -> mmap.mmap:
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file, 0, size)
        else:
            for _ in range(0, size, SMALLEST_SEGMENT):
                os.write(file, bytes(SMALLEST_SEGMENT))
        return mmap.mmap(file, size)
    except OSError:
        path.unlink()
        raise
    finally:
        os.close(file)
