"""Records: values of the kinds that are not numbers, one row each, large bodies stored once."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Row, insert, select

from .append import load_series, save_series
from .engine import insert_new
from .kinds import KINDS
from .kinds.base import Encoded
from .schema import blobs, records
from .series import SeriesKey
from .summary import add_times, number


class Record(NamedTuple):
    """A value of some kind, as the program logged it."""

    step: int
    wall_time: float
    value: Any


class Arrived(NamedTuple):
    """A record on its way into the store."""

    step: int
    wall: float
    encoded: Encoded


def append_records(
    connection: Connection, run_id: str, arrived: Mapping[SeriesKey, Sequence[Arrived]]
) -> None:
    """Append to each series its records, at least one, in arrival order."""
    if not arrived:
        return
    rows = load_series(connection, run_id, list(arrived))
    made: list[dict[str, Any]] = []
    bodies: dict[str, bytes] = {}
    for key, items in arrived.items():
        row = rows[key]
        made += [_record_row(row, row["count"] + at, item, bodies) for at, item in enumerate(items)]
        add_times(row, np.array([item.step for item in items]), np.array([item.wall for item in items]))
    save_series(connection, rows.values())
    if bodies:
        new = [{"hash": name, "data": data} for name, data in bodies.items()]
        connection.execute(insert_new(connection, blobs), new)
    connection.execute(insert(records), made)


def _record_row(
    row: dict[str, Any], position: int, item: Arrived, bodies: dict[str, bytes]
) -> dict[str, Any]:
    kind = KINDS.get(row["kind"])
    body: bytes | None = item.encoded.body
    blob = None
    if kind and kind.blob:
        blob = hashlib.blake2b(item.encoded.body, digest_size=20).hexdigest()
        bodies[blob] = item.encoded.body
        body = None
    return {
        "run_id": row["run_id"],
        "series_id": row["series_id"],
        "position": position,
        "step": item.step,
        "wall_time": number(item.wall),
        "header": item.encoded.header,
        "body": body,
        "blob": blob,
    }


def read_index(
    connection: Connection, run_id: str, key: SeriesKey, window: tuple[float, float] | None = None
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]:
    """Steps, wall times and arrival positions of a series' records, sorted by step, then arrival."""
    query = _of_series(select(records.c.step, records.c.wall_time, records.c.position), run_id, key)
    if window:
        query = query.where(records.c.step.between(*window))
    rows = connection.execute(query.order_by(records.c.step, records.c.position)).all()
    steps, walls, positions = zip(*rows, strict=True) if rows else ((), (), ())
    return np.array(steps, np.int64), np.array(walls, np.float64), np.array(positions, np.int64)


def read_records(
    connection: Connection, run_id: str, key: SeriesKey, positions: Sequence[int]
) -> list[Record]:
    """The records at these arrival positions, decoded, sorted by step, then arrival."""
    query = _of_series(
        select(records.c.step, records.c.wall_time, records.c.header, records.c.body, blobs.c.data),
        run_id,
        key,
    )
    query = query.outerjoin(blobs, blobs.c.hash == records.c.blob).where(records.c.position.in_(positions))
    rows = connection.execute(query.order_by(records.c.step, records.c.position))
    return [_decoded(key.kind, row) for row in rows]


def spread(count: int, limit: int | None) -> NDArray[np.intp]:
    """At most ``limit`` of ``count`` indices, evenly spread, the last and (of two) the first among them."""
    if limit is None or count <= limit:
        return np.arange(count)
    if limit <= 1:
        return np.arange(count - max(limit, 0), count)
    return np.linspace(0, count - 1, limit).round().astype(np.intp)


def _of_series(query: Any, run_id: str, key: SeriesKey) -> Any:
    return query.where(records.c.run_id == run_id, records.c.series_id == key.id)


def _decoded(kind: str, row: Row[Any]) -> Record:
    body = row.data if row.body is None else row.body
    wall = np.nan if row.wall_time is None else row.wall_time
    return Record(row.step, wall, KINDS[kind].decode(Encoded(row.header, body or b"")))
