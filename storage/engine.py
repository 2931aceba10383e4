"""Connections to a store's database: SQLite beside the program, or a PostgreSQL server."""

from __future__ import annotations

import os
import random
import sqlite3
import threading
import time
import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, nullcontext
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import (
    Connection,
    Engine,
    Table,
    and_,
    bindparam,
    create_engine,
    event,
    make_url,
    text,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import QueuePool

from . import json_values, natural_order
from .errors import NotAStore, StoreConflict, StoreGone, StoreUnavailable
from .forks import NO_FORK
from .location import file_uri, sqlite_path, without_password
from .turns import turn

BUSY_TIMEOUT_S = 15.0
_LOOK_AGAIN_S = (0.001, 0.006)
_NOW = text("SELECT extract(epoch FROM clock_timestamp())")
T = TypeVar("T")
FileIdentity = tuple[int, int]
_KEYS_A_QUERY = 500
_reading: Any = threading.local()
_files: weakref.WeakKeyDictionary[Engine, tuple[Path, FileIdentity | None]] = weakref.WeakKeyDictionary()
_CONFLICTS = ("40001", "40P01")
"""SQLSTATE of a serialization failure, and of a deadlock."""
_ADVICE = {
    "malformed": "; `trainboard check --repair` copies what can be read",
    "readonly database": "; it can only be read here: copy it to a place that you may write to",
}
_PATIENCE = {
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}
"""libpq's settings that tell a server that is gone from a slow one; a URL's own go first."""
_engines: weakref.WeakSet[Engine] = weakref.WeakSet()


def connect(url: str) -> Engine:
    """An engine for a resolved store URL. It never makes a SQLite file that is not there."""
    path = sqlite_path(url)
    engine = _sqlite_engine(path) if path else _postgresql_engine(url)
    _engines.add(engine)
    return engine


def check_file(engine: Engine) -> None:
    """Raise ``StoreGone`` if the SQLite file is not the one that ``connect`` found."""
    path, file = _files.get(engine, (None, None))
    if path is not None:
        _check_file(path, file)


def _check_file(path: Path, file: FileIdentity | None) -> None:
    if _identity(path) != file:
        raise StoreGone(f"Store '{path}' was deleted or replaced while it was open; open it again.")


def _identity(path: Path) -> FileIdentity | None:
    """What tells a file from another of the same name, or None if there is none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def _postgresql_engine(url: str) -> Engine:
    try:
        own = make_url(url).query
    except (ArgumentError, ValueError) as error:
        expected = "postgresql://USER@HOST:PORT/DATABASE"
        raise NotAStore(f"'{without_password(url)}' is not an address of the form {expected}.") from error
    settings = {"application_name": "trainboard", **_PATIENCE}
    missing = {name: value for name, value in settings.items() if name not in own}
    # The oldest connections are asked whether they live: the server may have been restarted meanwhile.
    with NO_FORK:  # it imports the driver
        return create_engine(url, pool_pre_ping=True, connect_args=missing)


def _sqlite_engine(path: Path) -> Engine:
    file = _identity(path)
    uri = file_uri(path)

    def open_file() -> sqlite3.Connection:
        # isolation_level=None: sqlite3 must not begin transactions of its own (it would begin them
        # deferred); _begin does.
        connection = sqlite3.connect(
            uri, uri=True, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
        )
        try:
            _check_file(path, file)  # a connection is kept, so it must not lead to another file
        except StoreGone:
            connection.close()
            raise
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")
        json_values.add_functions(connection)
        natural_order.add_function(connection)
        return connection

    engine = create_engine("sqlite://", creator=open_file, poolclass=QueuePool, max_overflow=60)
    event.listen(engine, "begin", _begin)
    _files[engine] = path, file
    return engine


def _begin(connection: Connection) -> None:
    # A transaction that reads first and writes later cannot wait for another writer: it fails at once
    # with "database is locked", whatever the timeout. So writers take the lock when they begin.
    if connection.get_execution_options().get("writes"):
        _begin_writing(connection)
    else:
        connection.exec_driver_sql("BEGIN")


def _begin_writing(connection: Connection) -> None:
    """Take the lock of writers, looking for it every few milliseconds.

    SQLite's own waiting looks ten times a second after a while: of a hundred programs that log, those that
    have just come would overtake one that waits, again and again.
    """
    driver: Any = connection.connection.driver_connection
    driver.execute("PRAGMA busy_timeout = 0")
    try:
        # Counted, not timed: a program that was suspended meanwhile has not looked.
        for _ in range(round(2 * BUSY_TIMEOUT_S / sum(_LOOK_AGAIN_S))):
            try:
                driver.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                    break
            with NO_FORK:
                NO_FORK.wait(random.uniform(*_LOOK_AGAIN_S))  # a sleep, in which the process may fork
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    finally:
        driver.execute(f"PRAGMA busy_timeout = {1_000 * BUSY_TIMEOUT_S:.0f}")


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """One transaction that reads, all of whose queries see the same state; within another, that one."""
    outer: dict[Engine, Connection] = _reading.__dict__
    if engine in outer:
        yield outer[engine]
        return
    check_file(engine)
    with engine.connect() as connection:
        if connection.dialect.name == "postgresql":  # SQLite's transactions do so anyway
            connection.execution_options(isolation_level="REPEATABLE READ")
        outer[engine] = connection
        try:
            yield connection
        finally:
            del outer[engine]


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """One transaction that writes, committed at the end of the block or not at all."""
    path, _ = _files.get(engine, (None, None))
    in_turn = turn(path, BUSY_TIMEOUT_S) if path else nullcontext()
    with in_turn, engine.execution_options(writes=True).begin() as connection:
        check_file(engine)
        yield connection


@contextmanager
def unguarded(engine: Engine) -> Iterator[Any]:
    """The driver's own connection, outside of any transaction: each statement is one of its own."""
    with closing(engine.raw_connection()) as pooled:
        driver: Any = pooled.driver_connection
        on_server = engine.dialect.name == "postgresql"
        try:
            if on_server:
                driver.autocommit = True
            yield driver
        except engine.dialect.loaded_dbapi.Error as error:
            raise DBAPIError(None, None, error) from error
        finally:
            if on_server:
                driver.autocommit = False


@contextmanager
def translated(url: str) -> Iterator[None]:
    """Turn what a database driver raises into ``StoreUnavailable`` or, of that, ``StoreConflict``."""
    try:
        yield
    except PoolTimeout as error:
        reason = "every connection of this program is in use"
        raise StoreUnavailable(f"Store '{without_password(url)}' is unavailable: {reason}.") from error
    except DBAPIError as error:
        conflict = getattr(error.orig, "sqlstate", None) in _CONFLICTS
        reason = str(error.orig).strip().rstrip(".")
        reason += next((advice for cause, advice in _ADVICE.items() if cause in reason), "")
        refusal = StoreConflict if conflict else StoreUnavailable
        raise refusal(f"Store '{without_password(url)}' is unavailable: {reason}.") from error


def now(connection: Connection) -> float:
    """Seconds since the epoch by the store's own clock: the server's, or this machine's for a file.

    Programs on several machines write to one server, and their clocks differ.
    """
    if connection.dialect.name == "postgresql":
        return float(connection.scalar(_NOW) or 0.0)
    return time.time()


def insert_new(connection: Connection, table: Table) -> Any:
    """An INSERT that leaves a row alone whose key is there already.

    It names no key: on a table spread over several machines there is none to name.
    """
    return _insert_new(connection.dialect.name, table)


def update_rows(connection: Connection, table: Table, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write whole rows back that are in the table. No key is ever set: a row stays where it is."""
    if whole := keyed(table, rows):
        connection.execute(update_of(table), whole)


def keyed(table: Table, rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rows as parameters of ``update_of``."""
    keys = [column.name for column in table.primary_key]
    return [{**row, **{f"its_{name}": row[name] for name in keys}} for row in rows]


def in_groups(items: Sequence[T]) -> Iterator[Sequence[T]]:
    """Slices short enough for the parameters of one query."""
    for at in range(0, len(items), _KEYS_A_QUERY):
        yield items[at : at + _KEYS_A_QUERY]


# Statements are built once a table: that takes longer than what they do.
@cache
def _insert_new(dialect: str, table: Table) -> Any:
    insert = sqlite.insert if dialect == "sqlite" else postgresql.insert
    return insert(table).on_conflict_do_nothing()


@cache
def update_of(table: Table) -> Any:
    """An UPDATE of all columns of a row but its key."""
    # The names of parameters must not be those of the columns that are set.
    found = and_(*(column == bindparam(f"its_{column.name}") for column in table.primary_key))
    changed = {column.name: bindparam(column.name) for column in table.c if not column.primary_key}
    return update(table).where(found).values(changed)


def _forget_connections() -> None:
    for engine in list(_engines):
        engine.dispose(close=False)


# A forked child must not use, or close, its parent's connections.
os.register_at_fork(after_in_child=_forget_connections)
