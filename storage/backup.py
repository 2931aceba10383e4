"""A copy of a store as it is at one moment, taken beside its writers, as an SQLite file."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import insert, select

from .errors import BadChange, StoreUnavailable
from .location import check_location, file_uri, resolve_url, sqlite_path, without_password
from .opening import open_store
from .schema import metadata

if TYPE_CHECKING:
    from .store import Store

_ROWS_AT_ONCE = 200
_REMAINS = ("", "-wal", "-shm", "-journal")


def backup(store: Store, out: str | os.PathLike[str]) -> Path:
    """Copy a store to a new SQLite file; returns its path.

    An SQLite store is copied by SQLite's online backup, any other row by row in one transaction that
    sees one state. Writers do not wait. The file appears once it is whole. Raises ``BadChange`` if there
    is something at ``out``, and ``StoreUnavailable``.
    """
    path = sqlite_path(resolve_url(out))
    if path is None:
        raise BadChange(f"A backup is a file, not '{without_password(os.fspath(out))}'.")
    if path.exists():
        raise BadChange(f"'{path}' exists; give the backup a new name.")
    check_location(path)
    partial = path.with_name(f"{path.name}.partial-{os.getpid()}")
    try:
        source = sqlite_path(store.url)
        if source:
            _copy_file(source, partial)
        else:
            _copy_rows(store, partial)
        os.link(partial, path)  # unlike a rename it never replaces a file
    except (OSError, sqlite3.Error) as error:
        raise StoreUnavailable(f"No backup '{path}' could be made: {error}.") from error
    finally:
        for remains in _REMAINS:
            partial.with_name(partial.name + remains).unlink(missing_ok=True)
    return path


def _copy_file(source: Path, target: Path) -> None:
    before, after = sqlite3.connect(file_uri(source), uri=True), sqlite3.connect(target)
    with closing(before), closing(after):
        before.backup(after)


def _copy_rows(store: Store, target: Path) -> None:
    with closing(open_store(target, create=True)) as copy, store.reading() as connection:
        for table in metadata.sorted_tables:
            rows = connection.execution_options(yield_per=_ROWS_AT_ONCE).execute(select(table)).mappings()
            for some in rows.partitions():
                with copy.writing() as writing:
                    writing.execute(insert(table), [dict(row) for row in some])
    with closing(sqlite3.connect(target)) as whole:
        whole.execute("PRAGMA wal_checkpoint(TRUNCATE)")
