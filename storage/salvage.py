"""Copy what can still be read of a corrupt SQLite file into a new store, row by row where need be."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from .errors import BadChange, NotAStore
from .location import file_uri
from .opening import open_store
from .schema import metadata

_ROWS_AT_ONCE = 256
_GIVE_UP_AFTER = 100_000
"""So many row numbers without a readable row, where the last one of a table cannot be told."""
_ORPHANS = (
    "DELETE FROM series WHERE run_id NOT IN (SELECT run_id FROM runs)",
    "DELETE FROM spools WHERE run_id NOT IN (SELECT run_id FROM runs)",
    "DELETE FROM chunks WHERE (run_id, series_id) NOT IN (SELECT run_id, series_id FROM series)",
    "DELETE FROM records WHERE (run_id, series_id) NOT IN (SELECT run_id, series_id FROM series)",
    "DELETE FROM records WHERE blob NOT IN (SELECT hash FROM blobs)",
)
_UNKNOWN_RUNS = """
    INSERT INTO runs (run_id, project, name, tags, notes, config, environment, summary, status, dropped,
        damaged, created_at, updated_at, revision)
    SELECT run_id, '', run_id, '[]', '', '{}', '{}', '{}', 'killed', 0, 0,
        coalesce(min(first_wall), 0), coalesce(max(last_wall), 0), 0
    FROM series WHERE run_id NOT IN (SELECT run_id FROM runs) GROUP BY run_id
"""


def copy_readable(source: Path, target: Path) -> dict[str, tuple[int, int]]:
    """Copy every readable row of ``source`` to a new store; returns, by table, rows copied and rows lost.

    A row is lost where its page is damaged, or what it belongs to is lost; a run that is lost while its
    series are not goes on under its id. Raises ``BadChange`` if ``target`` exists, ``NotAStore`` if not even
    the tables can be found.
    """
    if target.exists():
        raise BadChange(f"'{target}' exists; move it away first.")
    partial = target.with_name(f"{target.name}.partial-{os.getpid()}")
    open_store(partial, create=True).close()
    uri = file_uri(source, only_read=True)
    try:
        with (
            closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as damaged,
            closing(sqlite3.connect(partial, isolation_level=None)) as copy,
        ):
            counts = {table.name: _copy(damaged, copy, table.name) for table in metadata.sorted_tables}
            if not any(copied for copied, _ in counts.values()):
                raise NotAStore(f"Nothing of '{source}' can be read; restore a backup.")
            copy.execute(_UNKNOWN_RUNS)
            for statement in _ORPHANS:
                copy.execute(statement)
            copy.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        partial.rename(target)
    finally:
        for remains in ("", "-wal", "-shm"):
            partial.with_name(partial.name + remains).unlink(missing_ok=True)
    return counts


def _copy(damaged: sqlite3.Connection, copy: sqlite3.Connection, table: str) -> tuple[int, int]:
    columns = _columns(damaged, copy, table)
    if not columns:
        return 0, 0
    names = ", ".join(columns)
    insert = f"INSERT OR IGNORE INTO {table} ({names}) VALUES ({', '.join('?' * len(columns))})"
    copied = lost = 0
    copy.execute("BEGIN")
    for rows, unreadable in _readable(damaged, table, names):
        copied += copy.executemany(insert, rows).rowcount if rows else 0
        lost += unreadable
    copy.execute("COMMIT")
    return copied, lost


def _columns(damaged: sqlite3.Connection, copy: sqlite3.Connection, table: str) -> list[str]:
    """The columns both files have; those of an older one are fewer."""
    try:
        have = {row[1] for row in damaged.execute(f"PRAGMA table_info({table})")}
    except sqlite3.DatabaseError:
        return []
    return [row[1] for row in copy.execute(f"PRAGMA table_info({table})") if row[1] in have]


def _readable(connection: sqlite3.Connection, table: str, names: str) -> Iterator[tuple[list[tuple], int]]:
    """Rows in the order of their numbers, and how many in between could not be read."""
    last = _last_row(connection, table)
    at = 1
    empty = 0
    while at <= last if last is not None else empty < _GIVE_UP_AFTER:
        query = f"SELECT {names} FROM {table} WHERE rowid BETWEEN ? AND ?"
        stop = at + _ROWS_AT_ONCE - 1
        try:
            rows, lost = connection.execute(query, (at, stop)).fetchall(), 0
        except sqlite3.DatabaseError:
            found = [_one(connection, query, number) for number in range(at, stop + 1)]
            rows = [row for some in found if some for row in some]
            lost = sum(some is None for some in found)
        yield rows, lost
        empty = 0 if rows else empty + _ROWS_AT_ONCE
        at = stop + 1


def _one(connection: sqlite3.Connection, query: str, number: int) -> list[tuple] | None:
    """The row of a number, if there is one; None if that cannot be told."""
    try:
        return connection.execute(query, (number, number)).fetchall()
    except sqlite3.DatabaseError:
        return None


def _last_row(connection: sqlite3.Connection, table: str) -> int | None:
    try:
        return connection.execute(f"SELECT coalesce(max(rowid), 0) FROM {table}").fetchone()[0]
    except sqlite3.DatabaseError:
        return None
