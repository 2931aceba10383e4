"""The levels above the points of a series: buckets of 16, buckets of 16 of those, and so on.

A level is kept in chunks of ``LEVEL_CHUNK`` buckets, of which only the last may be short. A level is
made from what is *sealed* of the level below it: of level 0 the full chunks of points, of any other its
full chunks. So the number of sealed points of a series tells how long each level is, and every point is
told by exactly one of: a bucket of the top level, a bucket beyond what is sealed of a lower level, or
the points beyond what is sealed of level 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from sqlalchemy import Connection, and_, delete, insert, select, tuple_

from . import buckets as codec
from .buckets import Buckets, concatenate, merge, of_points, unknown
from .chunks import CHUNK_POINTS, Columns
from .engine import in_groups
from .schema import chunks
from .summary import number

FAN_OUT = 16
"""How many points or buckets make one bucket of the next level."""
LEVEL_CHUNK = 1024
"""How many buckets seal a chunk of a level."""

_SLAB_POINTS = 16 * CHUNK_POINTS
_CHUNK_KEY = tuple_(chunks.c.series_id, chunks.c.start)


class Risen(NamedTuple):
    """New buckets of a level, and the number of the first of them in that level."""

    start: int
    buckets: Buckets


def level_lengths(sealed: int) -> list[int]:
    """How many buckets level 1, 2, … of a series hold of which ``sealed`` points are sealed."""
    lengths: list[int] = []
    below = sealed
    while below:
        lengths.append(below // FAN_OUT)
        below = sealed_part(lengths[-1])
    return lengths


def sealed_part(length: int) -> int:
    """How many buckets of a level of this length are in full chunks."""
    return length - length % LEVEL_CHUNK


def raise_levels(connection: Connection, run_id: str, risen: Mapping[int, Risen]) -> None:
    """Add new buckets of level 1, by series id, to the levels of their series.

    They must follow those there are. Reads and rewrites one open chunk a level.
    """
    level = 1
    while risen:
        risen = _extend_level(connection, run_id, level, risen)
        level += 1


def first_level(points: Columns) -> Buckets:
    """The buckets of points, a multiple of ``FAN_OUT`` in number."""
    slabs = range(0, len(points.steps), _SLAB_POINTS)
    return concatenate([by_fan_out(of_points(points.take(slice(at, at + _SLAB_POINTS)))) for at in slabs])


def by_fan_out(buckets: Buckets) -> Buckets:
    """The buckets of the next level."""
    return merge(buckets, np.arange(0, len(buckets), FAN_OUT))


def level_chunk(run_id: str, series_id: int, level: int, start: int, part: Buckets) -> dict[str, Any]:
    """The row of a chunk of a level."""
    return {
        "run_id": run_id,
        "series_id": series_id,
        "level": level,
        "start": start,
        "count": len(part),
        "min_step": int(part.ints("min_step").min()),
        "max_step": int(part.ints("max_step").max()),
        "min_wall": number(part.floats("min_wall").min()),
        "max_wall": number(part.floats("max_wall").max()),
        "data": codec.encode(part),
    }


def _extend_level(
    connection: Connection, run_id: str, level: int, risen: Mapping[int, Risen]
) -> dict[int, Risen]:
    """Write new buckets to a level; returns what they make in the level above."""
    opened = _take_out(connection, run_id, level, risen)
    made: list[dict[str, Any]] = []
    above: dict[int, Risen] = {}
    for series_id, new in risen.items():
        whole = concatenate([*opened.get(series_id, ()), new.buckets])
        base = sealed_part(new.start)
        for at in range(0, len(whole), LEVEL_CHUNK):
            part = whole.take(slice(at, at + LEVEL_CHUNK))
            made.append(level_chunk(run_id, series_id, level, base + at, part))
        if full := sealed_part(len(whole)):
            above[series_id] = Risen(base // FAN_OUT, by_fan_out(whole.take(slice(0, full))))
    connection.execute(insert(chunks), made)
    return above


def _take_out(
    connection: Connection, run_id: str, level: int, risen: Mapping[int, Risen]
) -> dict[int, tuple[Buckets]]:
    """Delete the open chunk of the level of each series that has one, and return what was in it.

    The buckets of a damaged one are unknown.
    """
    lengths = {series_id: new.start - sealed_part(new.start) for series_id, new in risen.items()}
    keys = [(series_id, sealed_part(risen[series_id].start)) for series_id, long in lengths.items() if long]
    found = {series_id: (unknown(lengths[series_id], FAN_OUT**level),) for series_id, _ in keys}
    for group in in_groups(keys):
        these = and_(chunks.c.run_id == run_id, chunks.c.level == level, _CHUNK_KEY.in_(group))
        for series_id, data in connection.execute(select(chunks.c.series_id, chunks.c.data).where(these)):
            try:
                found[series_id] = (codec.decode(data, lengths[series_id], FAN_OUT**level),)
            except ValueError:
                continue
        connection.execute(delete(chunks).where(these))
    return found
