"""Spools that hold more than the store does: whose, how much, and since when."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from sqlalchemy import select

from . import spools
from .frame_reader import FRAME, read_frames
from .frames import FRAME_SIZE, FrameType
from .schema import spools as rows

if TYPE_CHECKING:
    from .store import Store

LATE_SECONDS = 3.0
_HEAD = 64 << 10
_BLOCK = 1 << 20

Place = tuple[int, int]
"""A segment's number and a byte in it."""


class Lag(NamedTuple):
    """A spool whose frames from ``stored`` to ``end`` are not in the store yet.

    ``size`` is their bytes, and ``oldest`` when the first of them was logged, in seconds since the epoch,
    if it says so. ``alive`` tells whether its program still holds it.
    """

    spool: str
    run: str
    rank: int
    alive: bool
    stored: Place
    end: Place
    size: int
    oldest: float | None

    @property
    def is_late(self) -> bool:
        """Whether this is more than the moments by which a store is always behind."""
        return self.oldest is not None and time.time() - self.oldest > LATE_SECONDS

    def as_json(self) -> dict[str, object]:
        """What is told of it: ``age`` in seconds, None where it is not known."""
        age = None if self.oldest is None else max(time.time() - self.oldest, 0.0)
        told = {"spool": self.spool, "run": self.run, "rank": self.rank}
        return told | {"bytes": self.size, "age": age, "alive": self.alive}


def lagging(store: Store) -> list[Lag]:
    """The spools of this machine that are not in the store as far as they are written."""
    folders = spools.found_in(spools.spool_root(store.url))
    if not folders:
        return []
    with store.reading() as connection:
        query = select(rows.c.spool_id, rows.c.segment, rows.c.position)
        found = connection.execute(query.where(rows.c.spool_id.in_([path.name for path in folders])))
        stored: Mapping[str, Place] = {row.spool_id: (row.segment, row.position) for row in found}
    lags = []
    for path in folders:
        try:
            lag = _lag(path, stored.get(path.name, (0, 0)))
        except (OSError, ValueError):
            continue  # adopted and removed meanwhile
        if lag is not None:
            lags.append(lag)
    return lags


def _lag(path: Path, stored: Place) -> Lag | None:
    segments = {int(file.stem): file for file in sorted(path.glob("*.seg")) if int(file.stem) >= stored[0]}
    if not segments:
        return None
    ends = {number: file.stat().st_size for number, file in segments.items()}
    last = max(segments)
    ends[last] = _written(segments[last], stored[1] if last == stored[0] else 0)
    first = min(segments)
    start = stored[1] if first == stored[0] else 0
    size = sum(ends.values()) - start
    if size <= 0:
        return None
    run, rank = _owner(segments[first])
    oldest = _oldest(segments[first], start, path / "lock")
    return Lag(path.name, run, rank, _is_alive(path), stored, (last, ends[last]), size, oldest)


def _written(file: Path, start: int) -> int:
    """Where the frames of a segment end; ``start`` if none begins there. What follows is zeros."""
    with file.open("rb") as segment:
        segment.seek(start)
        if not any(segment.read(FRAME_SIZE)):
            return start
        end = segment.seek(0, 2)
        while end > start:
            begin = max(end - _BLOCK, start)
            segment.seek(begin)
            written = np.flatnonzero(np.frombuffer(segment.read(end - begin), np.uint8))
            if len(written):
                return begin + -(-(int(written[-1]) + 1) // FRAME_SIZE) * FRAME_SIZE
            end = begin
    return start


def _owner(segment: Path) -> tuple[str, int]:
    """The run and the rank that a segment's first message names."""
    with segment.open("rb") as file:
        messages = read_frames(file.read(_HEAD)).messages
    if not messages or messages[0].type is not FrameType.OPEN:
        return "", 0
    opened = json.loads(messages[0].payload)
    return str(opened["run"]), int(opened.get("rank", 0))


def _oldest(segment: Path, start: int, lock: Path) -> float | None:
    """When the first frame from ``start`` on was logged: whatever it says, not before the spool was made."""
    with segment.open("rb") as file:
        file.seek(start)
        data = file.read(_HEAD)
    content = read_frames(data[: len(data) // FRAME.itemsize * FRAME.itemsize])
    walls = [float(wall) for wall in content.scalars["wall"][:1]]
    walls += [message.wall for message in content.messages if message.wall > 0][:1]
    return max(min(walls), lock.stat().st_ctime) if walls else None


def _is_alive(path: Path) -> bool:
    held = spools.lock(path)
    if held is None:
        return True
    held.release()
    return False
