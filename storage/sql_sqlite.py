"""Queries of an SQLite store: over temporary views, on a connection that may do nothing but select.

``scalars`` is a view that unpacks one chunk after the other while SQLite asks for rows: conditions on run
and tag find their chunks by the keys, and however many points there are, one chunk is held at a time.
A view reads the tables through another whose name nobody can know, which is how what the query may
read (the views) is told from what it may not (the tables, and deleted runs in them).
"""

from __future__ import annotations

import json
import math
import secrets
import sqlite3
import struct
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any

import numpy as np

from . import chunks as codec
from .location import file_uri, sqlite_path
from .sql import Answer, QueryFailed, chosen, relations

if TYPE_CHECKING:
    from .store import Store

_LONGEST_VALUE = 64 << 20
_STEPS_BETWEEN_LOOKS = 10_000
_DENIED_FUNCTIONS = {"load_extension", "points_of"}
_TABLE_FUNCTIONS = {"json_each", "json_tree"}
_INT64 = struct.Struct("<q")
_DOUBLE = struct.Struct("<d")


def run_query(
    store: Store, sql: str, runs: Sequence[str], tags: Sequence[str], seconds: float, limit: int
) -> Answer:
    path = sqlite_path(store.url)
    assert path is not None
    try:
        uri = file_uri(path, only_read=True)
        with closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as connection:
            _restrict(connection, _make_views(connection, runs, tags))
            until = time.monotonic() + seconds
            connection.set_progress_handler(lambda: time.monotonic() > until, _STEPS_BETWEEN_LOOKS)
            return _answer(connection, sql, limit)
    except QueryFailed:
        raise
    except sqlite3.OperationalError as error:
        if str(error) == "interrupted":
            raise QueryFailed(
                f"The query took longer than {seconds:g} s: ask for less, or give it more time."
            ) from error
        raise QueryFailed(f"The query failed: {_said(error)}.") from error
    except (sqlite3.DatabaseError, sqlite3.Warning, ValueError) as error:
        raise QueryFailed(f"The query failed: {_said(error)}.") from error


def _said(error: Exception) -> str:
    words = str(error).rstrip(".")
    if "not authorized" in words or "prohibited" in words:
        return f"{words}; a query can only SELECT, from runs, series, scalars and records"
    return words


def _answer(connection: sqlite3.Connection, sql: str, limit: int) -> Answer:
    cursor = connection.execute(sql)
    if cursor.description is None:
        raise QueryFailed("That is no SELECT.")
    rows = cursor.fetchmany(limit + 1) if limit else [*cursor.fetchmany(1)]
    columns = [column[0] for column in cursor.description]
    return Answer(columns, rows[:limit], len(rows) > limit)


def _make_views(connection: sqlite3.Connection, runs: Sequence[str], tags: Sequence[str]) -> set[str]:
    """Make the relations; returns the names of those views that may read tables."""
    for name, arguments, function in _FUNCTIONS:
        connection.create_function(name, arguments, function, deterministic=True)
    token = secrets.token_hex(8)
    inner: set[str] = set()
    for name, definition in (*relations("main.", "strict_json"), ("scalars", _scalars(runs, tags))):
        connection.execute(f'CREATE TEMP VIEW "{name} {token}" AS {definition}')
        connection.execute(f'CREATE TEMP VIEW {name} AS SELECT * FROM "{name} {token}"')
        inner.add(f"{name} {token}")
    return inner


def _scalars(runs: Sequence[str], tags: Sequence[str]) -> str:
    return f"""
        SELECT s.run_id AS run, r.name, s.tag, s.rank, p.value ->> 0 AS step,
        as_double(p.value ->> 1) AS wall_time, as_double(p.value ->> 2) AS value
        FROM main.runs r JOIN main.series s ON s.run_id = r.run_id
        JOIN main.chunks c ON c.run_id = s.run_id AND c.series_id = s.series_id AND c.level = 0
        JOIN json_each(points_of(c.data, c.count)) p
        WHERE r.deleted_at IS NULL AND {chosen(runs, tags)}
    """


def _restrict(connection: sqlite3.Connection, inner: set[str]) -> None:
    connection.execute("PRAGMA query_only = ON")
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST_VALUE)
    connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
    connection.set_authorizer(_authorizer(inner))


def _authorizer(inner: set[str]) -> Callable[..., int]:
    allowed = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_RECURSIVE}

    def authorize(action: int, first: Any, second: Any, database: Any, source: Any) -> int:
        if action == sqlite3.SQLITE_FUNCTION:
            is_allowed = second not in _DENIED_FUNCTIONS or source in inner
        elif action == sqlite3.SQLITE_READ:
            is_counted = database is None and second == ""  # what count(*) does: no column is read
            is_allowed = is_counted or database == "temp" or first in _TABLE_FUNCTIONS or source in inner
        else:
            is_allowed = action in allowed
        return sqlite3.SQLITE_OK if is_allowed else sqlite3.SQLITE_DENY

    return authorize


def _points_of(data: bytes, count: int) -> str:
    """A chunk as JSON: [step, bits of the wall time, bits of the value], as exact integers.

    Of a damaged chunk nothing.
    """
    try:
        steps, walls, values = codec.decode(data, count)
    except ValueError:
        return "[]"
    return json.dumps(np.stack((steps, walls.view(np.int64), values.view(np.int64)), axis=1).tolist())


def _as_double(bits: int) -> float:
    return _DOUBLE.unpack(_INT64.pack(bits))[0]


def _strict_json(text: str) -> str:
    value = json.loads(text)
    return json.dumps(_strict(value))


def _strict(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _strict(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_strict(inner) for inner in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


_FUNCTIONS: tuple[tuple[str, int, Callable[..., Any]], ...] = (
    ("points_of", 2, _points_of),
    ("as_double", 1, _as_double),
    ("strict_json", 1, _strict_json),
)
