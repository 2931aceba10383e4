"""Levels above the points of a series, built from the points there are. No table changes.

Chunks may now also be packed in a way that version 0001 cannot read, which is why it must not try.
"""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa
from alembic import op

from trainboard.storage import chunks as points_codec
from trainboard.storage.buckets import Buckets, concatenate, unknown
from trainboard.storage.chunks import CHUNK_POINTS
from trainboard.storage.pyramid import FAN_OUT, LEVEL_CHUNK, by_fan_out, first_level, level_chunk

revision = "0002"
down_revision = "0001"

_SERIES = sa.table("series", *map(sa.column, ("run_id", "series_id", "kind", "sealed")))
_CHUNKS = sa.table(
    "chunks",
    *map(sa.column, ("run_id", "series_id", "level", "start", "count")),
    *map(sa.column, ("min_step", "max_step", "min_wall", "max_wall", "data")),
)
_CHUNKS_AT_ONCE = 16


def upgrade() -> None:
    sealed = _SERIES.c.sealed > 0
    for run_id, series_id, count in (
        op.get_bind()
        .execute(sa.select(_SERIES.c.run_id, _SERIES.c.series_id, _SERIES.c.sealed).where(sealed))
        .all()
    ):
        _build(run_id, series_id, count)


def _build(run_id: str, series_id: int, sealed: int) -> None:
    """Make the levels of one series, holding one open chunk of each level and a few of points."""
    opened: list[Buckets] = []
    written: list[int] = []
    for risen in _first_level(run_id, series_id, sealed):
        _extend(run_id, series_id, opened, written, 1, risen)
    for level, rest in enumerate(opened, 1):
        if len(rest):
            _write(run_id, series_id, level, written[level - 1], rest)


def _first_level(run_id: str, series_id: int, sealed: int) -> Iterator[Buckets]:
    of_series = (_CHUNKS.c.run_id == run_id) & (_CHUNKS.c.series_id == series_id) & (_CHUNKS.c.level == 0)
    query = sa.select(_CHUNKS.c.start, _CHUNKS.c.data).where(of_series)
    span = _CHUNKS_AT_ONCE * CHUNK_POINTS
    for at in range(0, sealed, span):
        stop = min(at + span, sealed)
        rows = op.get_bind().execute(query.where(_CHUNKS.c.start >= at, _CHUNKS.c.start < stop))
        found = {start: data for start, data in rows}
        yield concatenate([_of_chunk(found.get(start)) for start in range(at, stop, CHUNK_POINTS)])


def _of_chunk(data: bytes | None) -> Buckets:
    """The buckets of a sealed chunk of points; unknown ones if it is damaged."""
    try:
        return first_level(points_codec.decode(data or b"", CHUNK_POINTS))
    except ValueError:
        return unknown(CHUNK_POINTS // FAN_OUT, FAN_OUT)


def _extend(
    run_id: str, series_id: int, opened: list[Buckets], written: list[int], level: int, risen: Buckets
) -> None:
    """Add buckets to a level: write its full chunks, and hand what they make to the level above."""
    if len(opened) < level:
        opened.append(concatenate([]))
        written.append(0)
    whole = concatenate([opened[level - 1], risen])
    full = len(whole) - len(whole) % LEVEL_CHUNK
    for at in range(0, full, LEVEL_CHUNK):
        _write(run_id, series_id, level, written[level - 1] + at, whole.take(slice(at, at + LEVEL_CHUNK)))
    written[level - 1] += full
    opened[level - 1] = whole.take(slice(full, None))
    if full:
        _extend(run_id, series_id, opened, written, level + 1, by_fan_out(whole.take(slice(0, full))))


def _write(run_id: str, series_id: int, level: int, start: int, part: Buckets) -> None:
    op.get_bind().execute(sa.insert(_CHUNKS).values(level_chunk(run_id, series_id, level, start, part)))
