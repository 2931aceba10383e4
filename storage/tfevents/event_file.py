"""An event file while it is written."""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import BinaryIO

from .checksums import masked
from .event import beginning

_LENGTH, _CHECKSUM = struct.Struct("<Q"), struct.Struct("<I")
_PARTIAL = ".partial"  # a name without "tfevents", so that nobody reads half a file


class EventFile:
    """Events appended to a file, which takes the place of what has its name when it is first published.

    It is open from the first event after a ``publish`` to the next, so that there can be many. Methods
    raise ``OSError``.
    """

    def __init__(self, path: Path, wall: float) -> None:
        self._path = path
        self._wall = wall
        self._is_new = True
        self._opened: BinaryIO | None = None

    def add(self, event: bytes) -> None:
        length = _LENGTH.pack(len(event))
        self.add_records(length + _CHECKSUM.pack(masked(length)) + event + _CHECKSUM.pack(masked(event)))

    def add_records(self, framed: bytes) -> None:
        """Append whole records, checksums included."""
        if self._opened is not None:
            self._opened.write(framed)
        elif self._is_new:
            self._opened = self._partial.open("wb")
            self.add(beginning(self._wall))
            self.add_records(framed)
        else:
            self._opened = self._path.open("ab")
            self._opened.write(framed)

    def publish(self) -> None:
        """Let readers see all that was added."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None
            if self._is_new:
                os.replace(self._partial, self._path)
                self._is_new = False

    def discard(self) -> None:
        """Close the file; of one that was never published nothing is left."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None
            if self._is_new:
                self._partial.unlink()

    @property
    def _partial(self) -> Path:
        return self._path.with_name(_PARTIAL)
