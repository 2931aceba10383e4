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
from trainboard.storage.pyramid import FAN_OUT, first_level, level_chunk
from trainboard.storage.rebuild import built_levels

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
    for level, start, part in built_levels(_first_level(run_id, series_id, sealed)):
        op.get_bind().execute(sa.insert(_CHUNKS).values(level_chunk(run_id, series_id, level, start, part)))


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
