"""The chunks of one series as a reader finds them: by level and by where they start."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, bindparam, select

from .engine import in_groups
from .pyramid import FAN_OUT
from .schema import chunks

Window = tuple[float, float]
Numbers = NDArray[np.int64]

# Built once: building a query takes longer than SQLite takes to answer it.
_OF_LEVEL = select(chunks.c.start, chunks.c.count, chunks.c.data).where(
    chunks.c.run_id == bindparam("run"),
    chunks.c.series_id == bindparam("series"),
    chunks.c.level == bindparam("level"),
)
_AT_STARTS = _OF_LEVEL.where(chunks.c.start.in_(bindparam("starts", expanding=True)))
_OPEN = _OF_LEVEL.where(chunks.c.start >= bindparam("sealed")).order_by(chunks.c.start)
_OPEN_BY_STEP = _OPEN.where(chunks.c.max_step >= bindparam("low"), chunks.c.min_step <= bindparam("high"))
_OPEN_BY_WALL = _OPEN.where(chunks.c.max_wall >= bindparam("low"), chunks.c.min_wall <= bindparam("high"))


class Source(NamedTuple):
    """A series in a store, and how many of its points are sealed."""

    connection: Connection
    run_id: str
    series_id: int
    sealed: int


def open_chunks(source: Source, window: Window | None, by_step: bool) -> Sequence[Any]:
    """Start, count and bytes of the chunks of points that are not sealed and may hold some of a window.

    The window is in steps, or else in wall times.
    """
    bounds: dict[str, Any] = _series_of(source, 0) | {"sealed": source.sealed}
    if window is None:
        return source.connection.execute(_OPEN, bounds).all()
    query = _OPEN_BY_STEP if by_step else _OPEN_BY_WALL
    bounds |= {"low": window[0], "high": window[1]}
    return source.connection.execute(query, bounds).all()


def stored_chunks(source: Source, level: int, starts: Numbers) -> dict[int, tuple[bytes, int]]:
    """Bytes and count of the chunks of a level that begin at ``starts`` (sorted, with repeats)."""
    found: dict[int, tuple[bytes, int]] = {}
    for group in in_groups(distinct(starts).tolist()):
        rows = source.connection.execute(_AT_STARTS, _series_of(source, level) | {"starts": group})
        found |= {start: (data, count) for start, count, data in rows}
    return found


def _series_of(source: Source, level: int) -> dict[str, Any]:
    return {"run": source.run_id, "series": source.series_id, "level": level}


def distinct(numbers: Numbers) -> Numbers:
    """The different ones of sorted numbers."""
    fresh = np.ones(len(numbers), bool)
    np.not_equal(numbers[1:], numbers[:-1], out=fresh[1:])
    return numbers[fresh]


def by_chunk(numbers: Numbers, size: int) -> Iterator[tuple[int, Numbers]]:
    """Sorted numbers by the chunk they are in: where it starts, and the numbers."""
    starts = numbers - numbers % size
    for start in distinct(starts).tolist():
        low, high = np.searchsorted(numbers, (start, start + size))
        yield start, numbers[low:high]


def sixteen_of(parents: Numbers) -> Numbers:
    """The numbers, in the level below, of what each bucket is made of."""
    return (parents[:, None] * FAN_OUT + np.arange(FAN_OUT)).ravel()
