"""The chunks of one series as a reader finds them: by level and by where they start."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Select, and_, bindparam, case, or_, select

from .engine import in_groups
from .pyramid import FAN_OUT
from .schema import chunks

Window = tuple[float, float]
Numbers = NDArray[np.int64]

# Built once: building a query takes longer than SQLite takes to answer it.
_IN_SERIES = and_(chunks.c.run_id == bindparam("run"), chunks.c.series_id == bindparam("series"))
_OF_SERIES = select(chunks.c.start, chunks.c.count, chunks.c.data).where(_IN_SERIES)
_AT_STARTS = _OF_SERIES.where(
    chunks.c.level == bindparam("level"), chunks.c.start.in_(bindparam("starts", expanding=True))
)
_OPEN = _OF_SERIES.where(chunks.c.level == 0, chunks.c.start >= bindparam("sealed")).order_by(chunks.c.start)
_OPEN_BY_STEP = _OPEN.where(chunks.c.max_step >= bindparam("low"), chunks.c.min_step <= bindparam("high"))
_OPEN_BY_WALL = _OPEN.where(chunks.c.max_wall >= bindparam("low"), chunks.c.min_wall <= bindparam("high"))


@cache
def _tails(levels: int, window: Literal["step", "wall"] | None) -> Select[Any, Any, Any]:
    """One chunk of each level, the bytes left out where none of its points can be in the window."""
    # Spelled out, because SQLite finds no row by its key in a list of pairs.
    places = [
        and_(chunks.c.level == level, chunks.c.start == bindparam(f"start_{level}"))
        for level in range(1, levels + 1)
    ]
    data: Any = chunks.c.data
    if window is not None:
        low, high = chunks.c[f"min_{window}"], chunks.c[f"max_{window}"]
        data = case((or_(high < bindparam("low"), low > bindparam("high")), None), else_=data)
    these = or_(*(and_(_IN_SERIES, place) for place in places))
    return select(chunks.c.level, chunks.c.count, data).where(these)


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
    query = _OPEN if window is None else _OPEN_BY_STEP if by_step else _OPEN_BY_WALL
    asked = _series_of(source) | {"sealed": source.sealed} | _bounds(window)
    return source.connection.execute(query, asked).all()


def tail_chunks(
    source: Source, starts: Sequence[int], window: Window | None, by_step: bool
) -> dict[int, tuple[bytes | None, int]]:
    """Of level 1, 2, … the chunk that begins at its one of ``starts``: bytes and count, by level.

    Without the bytes where none of it can be in the window.
    """
    if not starts:
        return {}
    query = _tails(len(starts), None if window is None else "step" if by_step else "wall")
    places = {f"start_{level}": start for level, start in enumerate(starts, 1)}
    rows = source.connection.execute(query, _series_of(source) | places | _bounds(window))
    return {level: (data, count) for level, count, data in rows}


def stored_chunks(source: Source, level: int, starts: Sequence[int]) -> dict[int, tuple[bytes, int]]:
    """Bytes and count of the chunks of a level that begin at ``starts``."""
    found: dict[int, tuple[bytes, int]] = {}
    for group in in_groups(starts):
        asked = _series_of(source) | {"level": level, "starts": group}
        rows = source.connection.execute(_AT_STARTS, asked)
        found |= {start: (data, count) for start, count, data in rows}
    return found


def _series_of(source: Source) -> dict[str, Any]:
    return {"run": source.run_id, "series": source.series_id}


def _bounds(window: Window | None) -> dict[str, float]:
    return {} if window is None else {"low": window[0], "high": window[1]}


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
