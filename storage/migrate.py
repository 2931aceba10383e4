"""Bring a database to the current schema: make it, take it as it is, migrate it, or refuse it."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.exc import OperationalError

from .engine import writing
from .errors import NotAStore, StoreNotFound, StoreTooNew, StoreUnavailable
from .forks import NO_FORK
from .location import may_write, sqlite_path, without_password
from .schema import SCHEMA_VERSION

MIGRATIONS = Path(__file__).with_name("migrations")
_CREATION_LOCK = 0x7261696E  # "rain": any constant that every trainboard shares
_CREATION_TIMEOUT_S = 120.0


def prepare(
    engine: Engine, url: str, *, create: bool, scripts: Path = MIGRATIONS, target: str = SCHEMA_VERSION
) -> None:
    """Leave the database at schema version ``target``.

    An empty database is made into a store if ``create`` says so; an older store is migrated, a SQLite
    file after copying it to ``<file>.before-<target>``. Any number of processes may do this at once.
    Raises ``StoreNotFound``, ``NotAStore``, ``StoreTooNew``, or ``StoreUnavailable`` for an older store
    that may not be written.
    """
    with engine.connect() as connection:
        version = stored_version(connection, url)
    if version is None and not create:
        raise StoreNotFound(f"'{without_password(url)}' is empty: nothing was logged to it yet.")
    if version is not None and version > target:
        raise StoreTooNew(
            f"Store '{without_password(url)}' has schema {version}, this trainboard knows {target}: "
            "upgrade trainboard to open it."
        )
    path = sqlite_path(url)
    if version != target and path and not may_write(path):
        raise StoreUnavailable(
            f"Store '{path}' is read-only and has schema {version}, which must become {target} first: "
            "copy it to a place that you may write to, and open the copy."
        )
    if version != target:
        _use_write_ahead_log(engine)
        _upgrade(engine, url, scripts, target)


def stored_version(connection: Connection, url: str) -> str | None:
    """The schema version of a database, or None if it is empty. Raises ``NotAStore``."""
    tables = set(inspect(connection).get_table_names())
    if not tables:
        return None
    if {"alembic_version", "runs", "chunks"} <= tables:
        version: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
        if version and version.isdecimal():
            return version
    raise NotAStore(f"'{without_password(url)}' holds another program's tables; give trainboard its own.")


def _upgrade(engine: Engine, url: str, scripts: Path, target: str) -> None:
    with writing(engine) as connection:
        _take_turns(connection)
        version = stored_version(connection, url)
        if version == target:
            return
        path = sqlite_path(url)
        if path and version:
            _back_up(path, path.with_name(f"{path.name}.before-{target}"))
        _run_migrations(connection, scripts, target)


def _take_turns(connection: Connection) -> None:
    """Wait for other creators. SQLite's writers already do: BEGIN IMMEDIATE holds its one lock."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _CREATION_LOCK})


def _run_migrations(connection: Connection, scripts: Path, target: str) -> None:
    with NO_FORK:
        from alembic import command  # costs 0.2 s, and only new and older stores need it
        from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(scripts).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, target)


def _back_up(source: Path, target: Path) -> None:
    with closing(sqlite3.connect(source)) as before, closing(sqlite3.connect(target)) as after:
        before.backup(after)


def _use_write_ahead_log(engine: Engine) -> None:
    """Switch a SQLite file to WAL, for good. SQLite does not wait for this lock, so we do."""
    if engine.dialect.name != "sqlite":
        return
    deadline = time.monotonic() + _CREATION_TIMEOUT_S
    while True:
        try:
            _set_modes(engine)
            return
        except OperationalError as error:
            if "locked" not in str(error.orig) or time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def _set_modes(engine: Engine) -> None:
    with closing(engine.raw_connection()) as connection:
        try:
            # Of use only before the first table: the file can then be made smaller a few pages at a time.
            connection.cursor().execute("PRAGMA auto_vacuum = INCREMENTAL")
            connection.cursor().execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            raise OperationalError("PRAGMA journal_mode", None, error) from error
