"""Ask a store in SQL: four relations, read only, within a time and a number of rows."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from .errors import TrainboardError
from .location import sqlite_path
from .series import SILENCE_S

if TYPE_CHECKING:
    from .store import Store

DEFAULT_SECONDS = 60.0
DEFAULT_ROWS = 100_000


class QueryFailed(TrainboardError, ValueError):
    """A query that is wrong, not allowed, or takes too long."""

    http_code = 422


class Answer(NamedTuple):
    """Rows as the database gave them; ``truncated`` if there were more than the limit."""

    columns: list[str]
    rows: list[tuple[Any, ...]]
    truncated: bool


def query(
    store: Store,
    sql: str,
    *,
    runs: Sequence[str] = (),
    tags: Sequence[str] = (),
    seconds: float = DEFAULT_SECONDS,
    limit: int = DEFAULT_ROWS,
) -> Answer:
    """Run one SELECT over the relations ``runs``, ``series``, ``scalars`` and ``records``.

    - ``runs``: run (its id), project, name, group_name, tags, config, environment, summary (these four
      JSON, on SQLite with NaN and infinities as text), notes, status, exit_code, error, created_at,
      updated_at, ended_at, archived_at
    - ``series``: run, rank, tag, kind, count, first_step, last_step, first_wall, last_wall, last, minimum,
      maximum, mean, min_step, max_step, finite_count, nan_count, pos_inf_count, neg_inf_count
    - ``scalars``: run, name (of the run), tag, rank, step, wall_time, value; NaN is NULL
    - ``records``: run, tag, kind, rank, step, wall_time, header (JSON)

    Deleted runs are in none of them. ``runs`` (ids) and ``tags`` restrict ``scalars``: a help to SQLite,
    which reads it as it goes, a must on PostgreSQL, where it is made for the query, if that is more than
    ``sql_postgresql.MOST_POINTS``. Raises ``QueryFailed`` and ``StoreUnavailable``.
    """
    if seconds <= 0 or limit < 0:
        raise QueryFailed("A query needs some time (above 0) and a limit of rows (0 or more).")
    if sqlite_path(store.url):
        from .sql_sqlite import run_query
    else:
        from .sql_postgresql import run_query
    return run_query(store, sql.strip().rstrip(";"), runs, tags, seconds, limit)


def relations(prefix: str, strict_json: str) -> Iterator[tuple[str, str]]:
    """Names and definitions of the relations but ``scalars``, over tables behind ``prefix``.

    ``strict_json`` is a function of the database that makes JSON of ours such as it can read.
    """
    alive = f"{prefix}runs r WHERE r.deleted_at IS NULL"
    texts = ", ".join(
        f"{strict_json}(r.{name}) AS {name}" for name in ("tags", "config", "environment", "summary")
    )
    silent = f"r.status = 'running' AND r.updated_at < {time.time() - SILENCE_S}"
    yield (
        "runs",
        f"""SELECT r.run_id AS run, r.project, r.name, r.group_name, {texts}, r.notes,
        CASE WHEN {silent} THEN 'killed' ELSE r.status END AS status, r.exit_code, r.error,
        r.created_at, r.updated_at, r.ended_at, r.archived_at FROM {alive}""",
    )
    yield (
        "series",
        f"""SELECT s.run_id AS run, s.rank, s.tag, s.kind, s.count, s.first_step, s.last_step, s.first_wall,
        s.last_wall, s.last, s.minimum, s.maximum, s.mean, s.min_step, s.max_step, s.finite_count,
        s.nan_count, s.pos_inf_count, s.neg_inf_count
        FROM {prefix}series s WHERE s.run_id IN (SELECT r.run_id FROM {alive})""",
    )
    yield (
        "records",
        f"""SELECT s.run_id AS run, s.tag, s.kind, s.rank, e.step, e.wall_time,
        {strict_json}(e.header) AS header
        FROM {prefix}series s JOIN {prefix}records e ON e.run_id = s.run_id AND e.series_id = s.series_id
        WHERE s.run_id IN (SELECT r.run_id FROM {alive})""",
    )


def chosen(runs: Sequence[str], tags: Sequence[str]) -> str:
    """A condition on ``s``, the table of series, that holds for the scalars of these runs and tags."""
    wanted = ["s.kind = 'scalar'"]
    for column, values in (("run_id", runs), ("tag", tags)):
        if values:
            wanted.append(f"s.{column} IN ({', '.join(map(quoted, values))})")
    return " AND ".join(wanted)


def quoted(text: str) -> str:
    """A string literal, for views, which take no parameters."""
    return "'" + text.replace("\0", "\ufffd").replace("'", "''") + "'"
