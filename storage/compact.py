"""Remove for good what was deleted, in small transactions, so that writers hardly wait.

SQLite gives a file's free pages back a few thousand at a time (``auto_vacuum = INCREMENTAL``, which new
stores have). An older file must be rewritten once as a whole, which locks out writers meanwhile: that
is done only while no run is running, and otherwise left for another time; its free pages are used again
by what is logged next.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import Table, delete, exists, select, tuple_, update

from .engine import now
from .location import sqlite_path
from .run_changes import BEYOND_RESTORE
from .schema import (
    acknowledged,
    blobs,
    chunks,
    environments,
    layer_maps,
    pieces,
    records,
    rule_states,
    runs,
    series,
    spools,
    windows,
)
from .series import run_status

if TYPE_CHECKING:
    from .store import Store

_ROWS = 200
_PAGES = 2_000
_INCREMENTAL = 2
_LOGGED = (chunks, records, spools, series)
_PARTS = (*_LOGGED, pieces, windows, environments, layer_maps, rule_states, acknowledged)
_TABLES = (*_PARTS, runs, blobs)


@dataclass
class Compacted:
    """What ``compact`` did.

    ``removed`` and ``live`` are ids of runs: those removed, and those deleted that are still written to,
    and so left for another time. ``bytes_freed`` is how much smaller the database is. ``shrunk`` is
    False where an older SQLite file could not be rewritten beside running programs.
    """

    removed: list[str] = field(default_factory=list)
    live: list[str] = field(default_factory=list)
    blobs: int = 0
    bytes_freed: int = 0
    shrunk: bool = True


def compact(store: Store) -> Compacted:
    """Remove deleted runs and blobs that no record refers to, and make the database smaller."""
    done = Compacted()
    before = _bytes(store)
    for run in store.runs(deleted=True):
        if _begin_removal(store, run.id):
            _remove(store, run.id)
            done.removed.append(run.id)
        else:
            done.live.append(run.id)
    done.blobs = _remove_blobs(store)
    done.shrunk = _shrink(store)
    done.bytes_freed = max(before - _bytes(store), 0)
    return done


def _begin_removal(store: Store, run_id: str) -> bool:
    """Put the run beyond restoring, unless it was restored meanwhile or is written to."""
    with store.writing() as connection:
        row = connection.execute(select(runs).where(runs.c.run_id == run_id).with_for_update()).first()
        if row is None or row.deleted_at is None:
            return False
        if run_status(row.status, row.updated_at, now(connection)) == "running":
            return False
        connection.execute(update(runs).where(runs.c.run_id == run_id).values(deleted_at=BEYOND_RESTORE))
    return True


def _remove(store: Store, run_id: str) -> None:
    for table in _PARTS:
        while _remove_some(store, table, run_id):
            pass
    with store.writing() as connection:
        connection.execute(delete(runs).where(runs.c.run_id == run_id))


def _remove_some(store: Store, table: Table, run_id: str) -> int:
    key = list(table.primary_key)
    with store.writing() as connection:
        query = select(*key).where(table.c.run_id == run_id).limit(_ROWS)
        found = [tuple(row) for row in connection.execute(query)]
        if found:
            connection.execute(delete(table).where(tuple_(*key).in_(found)))
    return len(found)


def _remove_blobs(store: Store) -> int:
    """Remove blobs that nothing refers to, in the order of their hashes; return how many."""
    removed, after = 0, ""
    used = exists().where(records.c.blob == blobs.c.hash) | exists().where(pieces.c.blob == blobs.c.hash)
    while True:
        with store.writing() as connection:
            query = select(blobs.c.hash).where(blobs.c.hash > after, ~used).order_by(blobs.c.hash)
            # A blob that somebody refers to just now is locked on a server, and passed over.
            query = query.limit(_ROWS).with_for_update(skip_locked=True)
            found = connection.scalars(query).all()
            if not found:
                return removed
            removed += connection.execute(delete(blobs).where(blobs.c.hash.in_(found), ~used)).rowcount
            after = found[-1]


def _shrink(store: Store) -> bool:
    """Give free pages back; False if that has to wait until nothing is running."""
    with store.unguarded() as connection:
        if not sqlite_path(store.url):
            connection.execute("VACUUM " + ", ".join(table.name for table in _TABLES))
            return True
        if _pragma(connection, "auto_vacuum") == _INCREMENTAL:
            _free_pages(connection)
        elif _pragma(connection, "freelist_count"):
            if _anyone_running(store):
                return False
            connection.execute(f"PRAGMA auto_vacuum = {_INCREMENTAL}")
            connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return True


def _anyone_running(store: Store) -> bool:
    known = [*store.runs(archived=True), *store.runs(deleted=True)]
    return any(run.status == "running" for run in known)


def _free_pages(connection: Any) -> None:
    """Give free pages back, each few in a transaction of its own, until there are none or no fewer."""
    free = _pragma(connection, "freelist_count")
    while free:
        # Not execute(): that would take only the first step, and free one page.
        connection.executescript(f"PRAGMA incremental_vacuum({_PAGES})")
        before, free = free, _pragma(connection, "freelist_count")
        if free >= before:
            return


def _pragma(connection: Any, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])


def _bytes(store: Store) -> int:
    """How large the database is."""
    with store.unguarded() as connection:
        if sqlite_path(store.url):
            return _pragma(connection, "page_count") * _pragma(connection, "page_size")
        sizes = (f"pg_total_relation_size('{table.name}')" for table in _TABLES)
        return int(connection.execute("SELECT " + " + ".join(sizes)).fetchone()[0])
