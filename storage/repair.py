"""Put right what is wrong with a store, without giving up anything that can still be read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, RowMapping, delete, func, insert, select, update

from .append import write_tails
from .check import blob_hash, check_series, run_ids, series_now, series_of
from .chunks import CHUNK_POINTS, Columns
from .engine import update_rows
from .examine import Examined, Piece, examine, open_pieces
from .kinds import KINDS
from .quarantine import HOLES, set_aside_open, set_aside_sealed
from .schema import blobs, chunks, records, runs, series
from .series import SeriesKey
from .spools import adopt_orphans

if TYPE_CHECKING:
    from .store import Store

_PASSES = 3


def repair(store: Store) -> None:
    """Rebuild levels, summaries and counts, set damaged chunks aside, and take in spools left behind.

    Each series that has a fault is locked while it is put right, and no others are.
    """
    adopt_orphans(store)
    for run_id in run_ids(store):
        for row in series_of(store, run_id):
            if any(fault.repairable for fault in check_series(store, row)):
                _repair_series(store, row)
    _drop_damaged_blobs(store)


def _repair_series(store: Store, listed: RowMapping) -> None:
    with store.writing() as connection:
        # Writers lock the row of the run, too: on a server that is what keeps them out.
        connection.execute(select(runs.c.run_id).where(runs.c.run_id == listed["run_id"]).with_for_update())
        row = series_now(connection, listed)
        if row is None:
            return
        if row["kind"] in KINDS and KINDS[row["kind"]].stored == "records":
            _count_records(connection, row)
            return
        for _ in range(_PASSES):  # what one pass puts right shows what the next has to
            found = examine(connection, row)
            if not any(fault.repairable for fault in found.faults):
                break
            _apply(connection, row, found)
            row = series_now(connection, row) or row
        _touch_run(connection, row["run_id"])


def _apply(connection: Connection, row: RowMapping, found: Examined) -> None:
    for piece in found.holes:
        _make_hole(connection, row, piece)
    if found.chunks:
        _replace(connection, found.chunks)
    of_series = (chunks.c.run_id == row["run_id"]) & (chunks.c.series_id == row["series_id"])
    for level, start in found.surplus:
        connection.execute(delete(chunks).where(of_series, chunks.c.level == level, chunks.c.start == start))
    if found.tail:
        _rewrite_tail(connection, row)
    elif found.summary:
        keys = [column == row[column.name] for column in series.primary_key]
        connection.execute(update(series).where(*keys).values(found.summary))


def _replace(connection: Connection, rows: list[dict[str, Any]]) -> None:
    """Write chunks, in the place of those that have their keys."""
    for row in rows:
        keys = [column == row[column.name] for column in chunks.primary_key]
        connection.execute(delete(chunks).where(*keys))
    connection.execute(insert(chunks), rows)


def _make_hole(connection: Connection, row: RowMapping, piece: Piece) -> None:
    if piece.row is not None:
        set_aside_sealed(connection, piece.row)
        return
    ranges = {"min_step": 0, "max_step": 0, "min_wall": None, "max_wall": None}
    key = {"run_id": row["run_id"], "series_id": row["series_id"], "level": HOLES, "start": piece.start}
    connection.execute(insert(chunks), {**key, **ranges, "count": CHUNK_POINTS, "data": b""})


def _rewrite_tail(connection: Connection, row: RowMapping) -> None:
    """Close up what is open of a series, and count what it then holds."""
    pieces = open_pieces(connection, row)
    of_series = (chunks.c.run_id == row["run_id"]) & (chunks.c.series_id == row["series_id"])
    connection.execute(delete(chunks).where(of_series, chunks.c.level == 0, chunks.c.start >= row["sealed"]))
    for piece in pieces:
        if piece.points is None and piece.row is not None:
            set_aside_open(connection, piece.row)
    tail = Columns.concatenate([piece.points for piece in pieces if piece.points is not None])
    counted: dict[str, Any] = {**row, "count": row["sealed"] + len(tail.steps)}
    key = SeriesKey(row["rank"], row["kind"], row["tag"])
    if len(tail.steps):
        write_tails(connection, row["run_id"], {key: counted}, {key: tail})
    else:
        update_rows(connection, series, [counted])


def _count_records(connection: Connection, row: RowMapping) -> None:
    """The next record must come after the last one there is."""
    of_series = (records.c.run_id == row["run_id"]) & (records.c.series_id == row["series_id"])
    last = connection.scalar(select(func.max(records.c.position)).where(of_series))
    keys = [column == row[column.name] for column in series.primary_key]
    connection.execute(update(series).where(*keys).values(count=0 if last is None else last + 1))
    _touch_run(connection, row["run_id"])


def _drop_damaged_blobs(store: Store) -> None:
    """Remove damaged blobs that no record refers to; others stay for what can be made of them."""
    with store.writing() as connection:
        used = select(records.c.blob).where(records.c.blob.is_not(None))
        unused = connection.execute(select(blobs).where(blobs.c.hash.not_in(used))).all()
        damaged = [row.hash for row in unused if blob_hash(row.data) != row.hash]
        connection.execute(delete(blobs).where(blobs.c.hash.in_(damaged)))


def _touch_run(connection: Connection, run_id: str) -> None:
    """Let pages that show the run read it again."""
    connection.execute(update(runs).where(runs.c.run_id == run_id).values(revision=runs.c.revision + 1))
