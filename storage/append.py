"""Append points to series: small chunks at first, merged as they grow, sealed at ``CHUNK_POINTS``.

Open chunks merge like the digits of a binary counter: a new one swallows the chunks before it that
are no longer than it has become. So a point is rewritten about log2(4096) times at most, and a series
has about as many open chunks, however its points trickle in.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sqlalchemy import Connection, and_, bindparam, delete, select, tuple_

from . import chunks as codec
from .bulk import insert_rows, update_rows
from .chunks import CHUNK_POINTS, Columns
from .engine import in_groups
from .pyramid import FAN_OUT, Risen, first_level, raise_levels
from .quarantine import set_aside_open
from .schema import chunks, series
from .series import SeriesKey
from .summary import add_points, empty_row, number

ChunkSpan = tuple[int, int]
"""Where an open chunk starts, and how many points it holds."""

# Built once: building a query takes longer than SQLite takes to answer it.
_OF_RUN, _IDS = bindparam("run"), bindparam("ids", expanding=True)
_SERIES = select(series).where(series.c.run_id == _OF_RUN, series.c.series_id.in_(_IDS))
_OPEN = (
    select(chunks.c.series_id, chunks.c.start, chunks.c.count)
    .join(series, and_(series.c.run_id == chunks.c.run_id, series.c.series_id == chunks.c.series_id))
    .where(chunks.c.run_id == _OF_RUN, chunks.c.series_id.in_(_IDS), chunks.c.level == 0)
    .where(chunks.c.start >= series.c.sealed)
    .order_by(chunks.c.series_id, chunks.c.start)
)
_TAKE = (
    delete(chunks)
    .where(chunks.c.run_id == _OF_RUN, chunks.c.level == 0)
    .where(tuple_(chunks.c.series_id, chunks.c.start).in_(bindparam("keys", expanding=True)))
    .returning(chunks)
)


@dataclass
class _Taken:
    """The points taken out of the open chunks of a series, in order, and how many were unreadable."""

    parts: list[Columns] = field(default_factory=list)
    lost: int = 0


def append_points(connection: Connection, run_id: str, arrived: Mapping[SeriesKey, Columns]) -> None:
    """Append to each series its points, at least one, in arrival order, and update its summary."""
    if not arrived:
        return
    rows, new = load_series(connection, run_id, list(arrived))
    ids = {key: row["series_id"] for key, row in rows.items()}
    spans = _open_chunks(connection, run_id, [ids[key] for key in arrived if rows[key]["count"]])
    swallowed = [
        (ids[key], start)
        for key, points in arrived.items()
        for start in _swallowed(spans.get(ids[key], ()), len(points.steps), rows[key]["sealed"])
    ]
    taken = _take_out(connection, run_id, swallowed)
    add_points([rows[key] for key in arrived], list(arrived.values()))
    tails = dict(arrived)
    for key, series_id in ids.items():
        if series_id in taken:
            rows[key]["count"] -= taken[series_id].lost
            tails[key] = Columns.concatenate([*taken[series_id].parts, arrived[key]])
    write_tails(connection, run_id, rows, tails, new)


def write_tails(
    connection: Connection,
    run_id: str,
    rows: Mapping[SeriesKey, dict[str, Any]],
    tails: Mapping[SeriesKey, Columns],
    new: Container[SeriesKey] = (),
) -> None:
    """Write the last points of series, at least one each, as chunks, and the rows, which count them.

    ``new`` are the series that are not in the store yet.
    """
    made: list[dict[str, Any]] = []
    risen: dict[int, Risen] = {}
    for key, tail in tails.items():
        start = rows[key]["count"] - len(tail.steps)
        made += _grow(rows[key], start, tail)
        if (full := rows[key]["sealed"] - start) > 0:
            risen[rows[key]["series_id"]] = Risen(start // FAN_OUT, first_level(tail.take(slice(0, full))))
    save_series(connection, rows, new)
    insert_rows(connection, chunks, made)
    raise_levels(connection, run_id, risen)


def load_series(
    connection: Connection, run_id: str, keys: Sequence[SeriesKey]
) -> tuple[dict[SeriesKey, dict[str, Any]], set[SeriesKey]]:
    """The row of each series, and which of them are new: write all with ``save_series``."""
    by_id = {key.id: key for key in keys}
    found: dict[SeriesKey, dict[str, Any]] = {}
    for ids in in_groups(list(by_id)):
        rows = connection.execute(_SERIES, {"run": run_id, "ids": ids}).mappings()
        found |= {by_id[row["series_id"]]: dict(row) for row in rows}
    new = by_id.values() - found.keys()
    return found | {key: empty_row(run_id, key) for key in new}, new


def save_series(
    connection: Connection, rows: Mapping[SeriesKey, dict[str, Any]], new: Container[SeriesKey]
) -> None:
    """Write rows of series; those that are ``new`` are not there yet."""
    insert_rows(connection, series, [row for key, row in rows.items() if key in new])
    update_rows(connection, series, [row for key, row in rows.items() if key not in new])


def _open_chunks(connection: Connection, run_id: str, ids: Sequence[int]) -> dict[int, list[ChunkSpan]]:
    """The open chunks of each series, in order."""
    spans: dict[int, list[ChunkSpan]] = defaultdict(list)
    for group in in_groups(ids):
        for series_id, start, count in connection.execute(_OPEN, {"run": run_id, "ids": group}):
            spans[series_id].append((start, count))
    return spans


def _swallowed(spans: Sequence[ChunkSpan], arrived: int, sealed: int) -> list[int]:
    """The starts of the open chunks that become one with ``arrived`` new points."""
    seals = bool(spans) and sum(spans[-1]) + arrived - sealed >= CHUNK_POINTS
    starts: list[int] = []
    total = arrived
    for start, count in reversed(spans):
        if count > total and not seals:
            break
        starts.append(start)
        total += count
    return starts[::-1]


def _take_out(connection: Connection, run_id: str, keys: Sequence[tuple[int, int]]) -> dict[int, _Taken]:
    """Delete these (series id, start) chunks and return what was in them, by series.

    The damaged ones are set aside: a series must not stop growing because of one.
    """
    taken: dict[int, _Taken] = defaultdict(_Taken)
    for group in in_groups(keys):
        rows = connection.execute(_TAKE, {"run": run_id, "keys": group}).mappings()
        for row in sorted(rows, key=lambda row: row["start"]):
            of_series = taken[row["series_id"]]
            try:
                of_series.parts.append(codec.decode(row["data"], row["count"]))
            except ValueError:
                set_aside_open(connection, row)
                of_series.lost += row["count"]
    return taken


def _grow(row: dict[str, Any], start: int, tail: Columns) -> list[dict[str, Any]]:
    """The chunks of a series' new tail, which begins at ``start``; notes in its row what they seal."""
    if len(tail.steps) >= CHUNK_POINTS:
        row["sealed"] = row["count"] - row["count"] % CHUNK_POINTS
    return [
        _chunk_row(row, start + at, tail.take(slice(at, at + CHUNK_POINTS)))
        for at in range(0, len(tail.steps), CHUNK_POINTS)
    ]


def _chunk_row(row: dict[str, Any], start: int, points: Columns) -> dict[str, Any]:
    return {
        "run_id": row["run_id"],
        "series_id": row["series_id"],
        "level": 0,
        "start": start,
        "count": len(points.steps),
        "min_step": int(np.minimum.reduce(points.steps)),
        "max_step": int(np.maximum.reduce(points.steps)),
        "min_wall": number(np.fmin.reduce(points.walls)),
        "max_wall": number(np.fmax.reduce(points.walls)),
        "data": codec.encode(points),
    }
