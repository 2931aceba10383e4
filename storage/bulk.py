"""Write many rows of a table at once.

Rows go to the driver as they are: what SQLAlchemy does for each on its way costs more than the database.
So this is for tables whose values need no conversion, which are those of series and their chunks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Table, insert
from sqlalchemy.engine import Dialect
from sqlalchemy.sql.compiler import SQLCompiler

from .engine import keyed, update_of


def insert_rows(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert whole rows, in the order of their keys: so a tree of them is walked once, not at random."""
    _execute(connection, _insert_of(connection.dialect, table), _by_key(table, rows))


def update_rows(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write whole rows back that are in the table, in the order of their keys."""
    _execute(connection, _update_of(connection.dialect, table), keyed(table, _by_key(table, rows)))


def _by_key(table: Table, rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    keys = [column.name for column in table.primary_key]
    return sorted(rows, key=lambda row: [row[name] for name in keys])


def _execute(connection: Connection, statement: SQLCompiler, rows: Sequence[Mapping[str, Any]]) -> None:
    if not rows:
        return
    names = statement.positiontup
    values = rows if names is None else [tuple(map(row.__getitem__, names)) for row in rows]
    connection.exec_driver_sql(str(statement), values)


# Kept, because compiling takes longer than writing a few rows.
@cache
def _insert_of(dialect: Dialect, table: Table) -> Any:
    return insert(table).compile(dialect=dialect, column_keys=table.c.keys())


@cache
def _update_of(dialect: Dialect, table: Table) -> Any:
    return update_of(table).compile(dialect=dialect)
