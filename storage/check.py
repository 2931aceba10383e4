"""Verify a store: its file, its keys, every chunk, level, summary, record and blob, and its spools."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, RowMapping, Text, func, select, text, type_coerce

from .examine import examine
from .faults import Fault
from .kinds import KINDS
from .kinds.base import Encoded
from .location import sqlite_path
from .schema import blobs, records, runs, series
from .spools import found_in, lock, spool_root

if TYPE_CHECKING:
    from .store import Store

_ROWS_AT_ONCE = 100


def check(store: Store) -> Iterator[Fault]:
    """Every fault of a store, as it is found. Reads all of it, beside its writers."""
    if sqlite_path(store.url):
        with store.reading() as connection:
            yield from _check_file(connection)
    for run_id in run_ids(store):
        for row in series_of(store, run_id):
            yield from check_series(store, row)
    yield from _check_blobs(store)
    yield from _check_spools(store)


def run_ids(store: Store) -> list[str]:
    """The ids of all runs, the deleted ones, too."""
    with store.reading() as connection:
        return list(connection.scalars(select(runs.c.run_id).order_by(runs.c.created_at)))


def series_of(store: Store, run_id: str) -> list[RowMapping]:
    with store.reading() as connection:
        query = select(series).where(series.c.run_id == run_id).order_by(series.c.tag, series.c.rank)
        return list(connection.execute(query).mappings())


def check_series(store: Store, listed: RowMapping) -> list[Fault]:
    """The faults of one series, all of it seen at one moment."""
    with store.reading() as connection:
        row = series_now(connection, listed)
        if row is None:
            return []
        if row["kind"] in KINDS and KINDS[row["kind"]].stored == "records":
            return list(_check_records(connection, row))
        return examine(connection, row).faults


def series_now(connection: Connection, listed: RowMapping) -> RowMapping | None:
    """The row of a series as it is now; None if it is gone."""
    keys = [column == listed[column.name] for column in series.primary_key]
    return connection.execute(select(series).where(*keys)).mappings().first()


def _check_file(connection: Connection) -> Iterator[Fault]:
    for (said,) in connection.execute(text("PRAGMA integrity_check")):
        if said != "ok":
            yield Fault(f"the file is corrupt: {said}", repairable=False)
    for table, row, parent, _ in connection.execute(text("PRAGMA foreign_key_check")):
        yield Fault(f"row {row} of {table} belongs to a row of {parent} that is gone", repairable=False)


def _check_records(connection: Connection, row: RowMapping) -> Iterator[Fault]:
    of_series = (records.c.run_id == row["run_id"]) & (records.c.series_id == row["series_id"])
    have, last = connection.execute(
        select(func.count(), func.max(records.c.position)).select_from(records).where(of_series)
    ).one()
    end = 0 if last is None else last + 1
    if end != row["count"]:
        yield Fault(
            f"its row counts {row['count']} records, the last is the {end}th", row["run_id"], row["tag"]
        )
    if missing := end - have:
        yield Fault(f"{missing} records are gone", row["run_id"], row["tag"], missing, repairable=False)
    header = type_coerce(records.c.header, Text).label("header")
    query = select(records.c.position, header, records.c.body).where(of_series, records.c.blob.is_(None))
    for record in connection.execution_options(yield_per=_ROWS_AT_ONCE).execute(query).mappings():
        if not _is_readable(row["kind"], record):
            what = f"record {record['position']} cannot be read"
            yield Fault(what, row["run_id"], row["tag"], 1, repairable=False)


def _is_readable(kind: str, record: RowMapping) -> bool:
    if kind not in KINDS:
        return True  # a newer trainboard's; it is kept as it is
    try:
        KINDS[kind].decode(Encoded(json.loads(record["header"]), record["body"] or b""))
    except Exception:  # whatever a decoder makes of bytes that are not its own
        return False
    return True


def _check_blobs(store: Store) -> Iterator[Fault]:
    after = ""
    while True:
        query = select(blobs).where(blobs.c.hash > after).order_by(blobs.c.hash).limit(_ROWS_AT_ONCE)
        with store.reading() as connection:
            rows = connection.execute(query).all()
            damaged = [row.hash for row in rows if blob_hash(row.data) != row.hash]
            found = [fault for name in damaged for fault in _lost_with(connection, name)]
        yield from found
        if not rows:
            return
        after = rows[-1].hash


def blob_hash(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=20).hexdigest()


def _lost_with(connection: Connection, blob: str) -> list[Fault]:
    """A fault for each series that has records of a damaged blob."""
    query = (
        select(records.c.run_id, series.c.tag, func.count().label("lost"))
        .join(series, (series.c.run_id == records.c.run_id) & (series.c.series_id == records.c.series_id))
        .where(records.c.blob == blob)
        .group_by(records.c.run_id, series.c.tag)
    )
    what = f"the bytes of blob {blob} are damaged"
    found: list[Any] = list(connection.execute(query))
    return [Fault(what, run, tag, lost, repairable=False) for run, tag, lost in found] or [Fault(what)]


def _check_spools(store: Store) -> Iterator[Fault]:
    for path in found_in(spool_root(store.url)):
        held = lock(path)
        if held is not None:
            held.release()
            yield Fault(f"spool {path} was left by a program that died; `trainboard sync` takes it in")
