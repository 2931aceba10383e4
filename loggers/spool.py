"""The spool: what a process logged, appended to files that the kernel keeps when the process dies.

A spool is a directory of segments in the format of ``storage.frames``, one written at a time.
"""

from __future__ import annotations

import contextlib
import json
import mmap
import os
import threading
import time
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..storage.frames import MAX_BATCH, Frames, FrameType, message, scalar_batch
from .convert import to_float
from .deferred import Deferred
from .segment import CLOSING_ROOM, LARGEST_SEGMENT, SMALLEST_SEGMENT, Segment

_SERIES_ROOM = 16 << 10
_FINISHED = "this run is finished"
_RETRY_SECONDS = 1.0


class SpoolFull(OSError):
    """The spool cannot grow: no space, no permission, a size limit. What was logged is dropped."""


class SpoolClosed(Exception):
    """Nothing can be appended any more; the text says why."""


class Spool:
    """Appends frames, thread-safe. ``opening`` is the document of every segment's OPEN message.

    Creating one makes ``directory``, takes its lock and allocates a first segment; OSError if it cannot.
    Appending raises ``SpoolFull`` and ``SpoolClosed``. ``dropped`` counts what the run could not append
    for lack of space. What is appended once it is here waits in ``deferred``. A forked child inherits a
    closed spool.
    """

    def __init__(self, directory: Path, opening: dict[str, Any]) -> None:
        from ..storage.spools import lock_new

        directory.mkdir(parents=True)
        self.directory = directory
        self.dropped = 0
        self.deferred = Deferred()
        self._opening = message(FrameType.OPEN, _json(opening))
        self._owner = lock_new(directory)
        self._closed: str | None = None
        self._sealed: dict[int, int] = {}
        self._last_index = 0
        self._retry_at = 0.0
        # Reentrant, because a signal handler or a finaliser may log while its own thread is logging.
        self.lock = threading.RLock()
        self._segment = self._new_segment(0, SMALLEST_SEGMENT)
        _open_spools.add(self)

    def scalars(
        self, step: int, wall_time: float, values: Sequence[tuple[str, Any]], *, declare: bool = False
    ) -> None:
        """Append 1 to ``MAX_BATCH`` numbers logged together, or none of them.

        Raises KeyError for a tag this segment does not know yet, unless ``declare``; ValueError for a
        value that is not a number; struct.error for a step that is not an int64.
        """
        if not 0 < len(values) <= MAX_BATCH:
            raise ValueError(f"expected 1 to {MAX_BATCH} numbers, got {len(values)}")
        with self.lock:
            while True:
                segment = self._segment
                if declare:
                    segment = self._declare("scalar", [tag for tag, _ in values])
                numbers = segment.scalars
                fields: list[Any] = []
                mark = int(FrameType.SCALAR)
                for tag, value in values:
                    if type(value) is not float:
                        value = to_float(value)
                    fields += step, wall_time, value, numbers[tag], mark
                    mark += 256
                if self._append(segment, scalar_batch(fields)):
                    return

    def record(self, tag: str, kind: str, step: int, wall_time: float, payload: bytes) -> None:
        """Append one record of any kind but scalar."""
        with self.lock:
            while True:
                segment = self._declare(kind, [tag])
                number = segment.numbers[kind, tag]
                frames = message(FrameType.RECORD, payload, number, step, wall_time)
                if self._append(segment, frames):
                    return

    def message(self, kind: FrameType, document: dict[str, Any]) -> None:
        """Append a message about the run as a whole."""
        frames = message(kind, _json(document))
        with self.lock:
            while not self._append(self._segment, frames):
                pass

    def close(self, document: dict[str, Any]) -> bool:
        """Append the FINISH message, once, and nothing after it. False in a forked child, which may not."""
        if self._closed is None:
            self.deferred.settle()
        with self.lock:
            if self._closed is None:
                frames = message(FrameType.FINISH, _json({**document, "dropped": self.dropped}))
                segment = self._segment
                segment.append(frames, closing=True)
                self._closed = _FINISHED
                self._sealed[segment.index] = segment.end
                segment.seal()
                _open_spools.discard(self)
            return self._closed is _FINISHED

    def release(self) -> None:
        """Let others read what is left here, or remove the directory if nothing is."""
        with contextlib.suppress(OSError):
            if not any(self.directory.glob("*.seg")):
                (self.directory / "lock").unlink(missing_ok=True)
                self.directory.rmdir()
        self._owner.release()

    def extent(self, index: int) -> tuple[int, bool]:
        """Where the frames of a segment end, in bytes, and whether that is final. Takes no lock."""
        segment = self._segment
        final = self._sealed.get(index)
        if final is not None:
            return final, True
        return (segment.end, False) if segment.index == index else (0, False)

    def position(self) -> tuple[int, int]:
        """The segment and byte offset up to which frames have been appended."""
        segment = self._segment
        return segment.index, segment.end

    def path(self, index: int) -> Path:
        return self.directory / f"{index:06}.seg"

    def _declare(self, kind: str, tags: Sequence[str]) -> Segment:
        """The segment in which all of these series have a number."""
        segment = self._segment
        numbers = segment.numbers
        for tag in tags:
            if (kind, tag) in numbers:
                continue
            number = segment.declared
            segment.declared = number + 1
            declaration = message(FrameType.SERIES, _json({"tag": tag, "kind": kind}), number)
            if not self._append(segment, declaration):
                return self._declare(kind, tags)
            numbers[kind, tag] = number
            if kind == "scalar":
                segment.scalars[tag] = number
        return segment

    def _append(self, segment: Segment, frames: Frames) -> bool:
        """Append to ``segment``; False where it was full and another has taken its place."""
        if self._closed is not None:
            raise SpoolClosed(self._closed)
        if segment.append(frames):
            return True
        if segment is self._segment:
            self._rotate(len(frames.data))
        return False

    def _rotate(self, needed: int) -> None:
        full = self._segment
        if time.monotonic() < self._retry_at:
            raise SpoolFull(f"the spool {self.directory} cannot grow at this moment")
        # An index is used once, even if this is interrupted; a signal handler that logs meanwhile is refused.
        self._last_index = index = self._last_index + 1
        self._sealed[index] = 0
        self._retry_at = time.monotonic() + _RETRY_SECONDS
        try:
            segment = self._new_segment(index, needed)
        except OSError as error:
            raise SpoolFull(f"the spool {self.directory} cannot grow: {error.strerror}") from error
        except BaseException:
            self._retry_at = 0.0
            raise
        del self._sealed[index]
        self._segment = segment
        self._sealed[full.index] = full.end
        self._retry_at = 0.0
        full.seal()

    def _new_segment(self, index: int, needed: int) -> Segment:
        """A segment larger than the one before, or if there is no space for that, of the smallest size."""
        needed = _whole_pages(needed + len(self._opening.data) + _SERIES_ROOM + CLOSING_ROOM)
        smallest = max(needed, SMALLEST_SEGMENT)
        size = max(needed, min(SMALLEST_SEGMENT << 2 * index, LARGEST_SEGMENT))
        try:
            return Segment(self.path(index), index, size, self._opening)
        except OSError:
            if size == smallest:
                raise
            return Segment(self.path(index), index, smallest, self._opening)

    def _leave_to_parent(self) -> None:
        """In a forked child: let go of everything without touching what the parent still writes."""
        self.lock = threading.RLock()
        self.deferred = Deferred()
        self._closed = "a forked process does not log to the run of its parent; call init() in it"
        self._segment.abandon()


_open_spools: weakref.WeakSet[Spool] = weakref.WeakSet()


def _close_in_child() -> None:
    for spool in list(_open_spools):
        spool._leave_to_parent()
    _open_spools.clear()


os.register_at_fork(after_in_child=_close_in_child)


def _json(document: dict[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"), default=str).encode()


def _whole_pages(size: int) -> int:
    return -(-size // mmap.PAGESIZE) * mmap.PAGESIZE
