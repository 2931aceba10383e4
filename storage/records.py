"""Records: values of the kinds that are not numbers, one row each, large bodies stored once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Column, Connection, Row, insert, select, update

from .append import load_series, save_series
from .engine import in_groups, insert_new
from .kinds import KINDS
from .kinds.base import Encoded
from .schema import blobs, records, runs
from .series import SeriesKey
from .summary import add_times, number
from .transactions import write

if TYPE_CHECKING:
    from .store import Store


class Record(NamedTuple):
    """A value of some kind, as the program logged it."""

    step: int
    wall_time: float
    value: Any


class Arrived(NamedTuple):
    """A record on its way into the store; ``at`` is where in the spool it is said."""

    at: int
    step: int
    wall: float
    encoded: Encoded
    blob: str | None

    @classmethod
    def of(cls, kind: str, at: int, step: int, wall: float, encoded: Encoded) -> Arrived:
        """With the name of its blob, if its kind's bodies are kept as such."""
        is_blob = kind in KINDS and KINDS[kind].blob
        blob = hashlib.blake2b(encoded.body, digest_size=20).hexdigest() if is_blob else None
        return cls(at, step, wall, encoded, blob)


def store_blobs(store: Store, arrived: Mapping[SeriesKey, Sequence[Arrived]]) -> None:
    """Store the blobs of records that are about to be appended, each once.

    They come first, in a transaction of their own: where they are kept on another machine than the run,
    no commit is sure to reach both, and a record must never be without its body. A blob without a record
    does no harm.
    """
    bodies = {item.blob: item.encoded.body for items in arrived.values() for item in items if item.blob}
    if not bodies:
        return
    with store.reading() as connection:
        missing = bodies.keys() - _stored_blobs(connection, blobs.c.hash, bodies).keys()
    # Sorted, so that two programs with the same images do not wait for one another.
    rows = [{"hash": name, "data": bodies[name]} for name in sorted(missing)]
    if rows:
        write(store, lambda connection: connection.execute(insert_new(connection, blobs), rows))


def append_records(
    connection: Connection, run_id: str, arrived: Mapping[SeriesKey, Sequence[Arrived]]
) -> None:
    """Append to each series its records, at least one, in arrival order; their blobs are there."""
    if not arrived:
        return
    rows, new = load_series(connection, run_id, list(arrived))
    made: list[dict[str, Any]] = []
    for key, items in arrived.items():
        row = rows[key]
        made += [_record_row(row, row["count"] + at, item) for at, item in enumerate(items)]
        add_times(row, np.array([item.step for item in items]), np.array([item.wall for item in items]))
    save_series(connection, rows, new)
    connection.execute(insert(records), made)


def tell(connection: Connection, run_id: str, key: SeriesKey, arrived: Sequence[Arrived]) -> None:
    """Append records that the run's own program does not log: it is not heard of by them, but it changed."""
    mine = runs.c.run_id == run_id
    connection.execute(select(runs.c.run_id).where(mine).with_for_update())
    append_records(connection, run_id, {key: arrived})
    connection.execute(update(runs).where(mine).values(revision=runs.c.revision + 1))


def _record_row(row: dict[str, Any], position: int, item: Arrived) -> dict[str, Any]:
    return {
        "run_id": row["run_id"],
        "series_id": row["series_id"],
        "position": position,
        "step": item.step,
        "wall_time": number(item.wall),
        "header": item.encoded.header,
        "body": None if item.blob else item.encoded.body,
        "blob": item.blob,
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
    query = _of_series(select(records), run_id, key)
    rows: list[Row[Any]] = []
    for group in in_groups(positions):
        rows += connection.execute(query.where(records.c.position.in_(group)))
    rows.sort(key=lambda row: (row.step, row.position))
    # Not joined: a blob may be on another machine than the record that names it.
    bodies = _stored_blobs(connection, blobs.c.data, {row.blob for row in rows if row.blob})
    return [_decoded(key.kind, row, bodies.get(row.blob)) for row in rows]


def spread(count: int, limit: int | None) -> NDArray[np.intp]:
    """At most ``limit`` of ``count`` indices, evenly spread, the last and (of two) the first among them."""
    if limit is None or count <= limit:
        return np.arange(count)
    if limit <= 1:
        return np.arange(count - max(limit, 0), count)
    return np.linspace(0, count - 1, limit).round().astype(np.intp)


def _stored_blobs(connection: Connection, column: Column[Any], names: Iterable[str]) -> dict[str, Any]:
    """A column of the blobs of these names that there are, by name."""
    found: dict[str, Any] = {}
    for group in in_groups(list(names)):
        query = select(blobs.c.hash.label("name"), column.label("told")).where(blobs.c.hash.in_(group))
        found |= {row.name: row.told for row in connection.execute(query)}
    return found


def _of_series(query: Any, run_id: str, key: SeriesKey) -> Any:
    return query.where(records.c.run_id == run_id, records.c.series_id == key.id)


def _decoded(kind: str, row: Row[Any], blob: bytes | None) -> Record:
    body = blob if row.body is None else row.body
    wall = np.nan if row.wall_time is None else row.wall_time
    return Record(row.step, wall, KINDS[kind].decode(Encoded(row.header, body or b"")))
