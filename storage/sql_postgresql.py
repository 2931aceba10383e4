"""Queries of a PostgreSQL store: temporary relations, then a transaction that can only read.

PostgreSQL cannot unpack our chunks, so ``scalars`` is filled for the query, if the query names it: with
the points of the chosen runs and tags, no more than ``MOST_POINTS``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import psycopg

from . import chunks as codec
from .sql import Answer, QueryFailed, chosen, relations

if TYPE_CHECKING:
    from .store import Store

MOST_POINTS = 5_000_000
_CHUNKS_AT_ONCE = 50
_TYPES = ("text", "text", "text", "int4", "int8", "float8", "float8")
_SCALARS = """
    CREATE TEMP TABLE scalars (run text, name text, tag text, rank integer, step bigint,
    wall_time double precision, value double precision) ON COMMIT DROP
"""


def run_query(
    store: Store, sql: str, runs: Sequence[str], tags: Sequence[str], seconds: float, limit: int
) -> Answer:
    with store.unguarded() as connection, connection.transaction(force_rollback=True):
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        schema = connection.execute("SELECT current_schema()").fetchone()[0]
        prefix = f'"{schema}".'
        for name, definition in relations(prefix, ""):
            connection.execute(f"CREATE TEMP VIEW {name} AS {definition}")
        connection.execute(_SCALARS)
        if re.search(r"\bscalars\b", sql, re.IGNORECASE):
            _fill(connection, prefix, chosen(runs, tags))
        connection.execute("SET TRANSACTION READ ONLY")
        connection.execute(f"SET LOCAL statement_timeout = {max(int(seconds * 1000), 1)}")
        try:
            return _answer(connection, sql, limit)
        except psycopg.errors.QueryCanceled as error:
            raise QueryFailed(
                f"The query took longer than {seconds:g} s: ask for less, or give it more time."
            ) from error
        except psycopg.errors.OperationalError:
            raise
        except psycopg.Error as error:
            raise QueryFailed(f"The query failed: {str(error).strip()}.") from error


def _answer(connection: Any, sql: str, limit: int) -> Answer:
    # As a subquery it can be nothing but a SELECT; prepared, it can be no more than one statement.
    cursor = connection.execute(f"SELECT * FROM (\n{sql}\n) AS asked LIMIT {limit + 1}", prepare=True)
    rows = cursor.fetchall()
    return Answer([column.name for column in cursor.description], rows[:limit], len(rows) > limit)


def _fill(connection: Any, prefix: str, wanted: str) -> None:
    joined = f"FROM {prefix}runs r JOIN {prefix}series s ON s.run_id = r.run_id"
    condition = f"WHERE r.deleted_at IS NULL AND {wanted}"
    total = connection.execute(f"SELECT coalesce(sum(s.count), 0) {joined} {condition}").fetchone()[0]
    if total > MOST_POINTS:
        raise QueryFailed(
            f"scalars would hold {total:,} points; {MOST_POINTS:,} are the most. Name fewer runs and tags."
        )
    with connection.cursor(name="chunks_of_scalars") as reading, connection.cursor() as writing:
        reading.execute(
            f"""SELECT r.run_id, r.name, s.tag, s.rank, c.count, c.data {joined}
            JOIN {prefix}chunks c ON c.run_id = s.run_id AND c.series_id = s.series_id AND c.level = 0
            {condition} ORDER BY s.run_id, s.series_id, c.start"""
        )
        while some := reading.fetchmany(_CHUNKS_AT_ONCE):
            with writing.copy("COPY pg_temp.scalars FROM STDIN (FORMAT BINARY)") as copy:
                copy.set_types(_TYPES)
                for row in _points(some):
                    copy.write_row(row)


def _points(rows: Sequence[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    """The points of chunks, NaN as None; of a damaged chunk none."""
    for run, name, tag, rank, count, data in rows:
        try:
            steps, walls, values = codec.decode(data, count)
        except ValueError:
            continue
        for step, wall, value in zip(steps.tolist(), walls.tolist(), values.tolist(), strict=True):
            yield run, name, tag, rank, step, _number(wall), _number(value)


def _number(value: float) -> float | None:
    return None if value != value else value
