"""Find runs and series: what lists show, and the rows behind an id. Deleted runs are not found."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

import numpy as np
from sqlalchemy import Connection, RowMapping, bindparam, func, select

from .engine import now
from .errors import RunNotFound, SeriesNotFound
from .run_filter import Filters, bounded
from .schema import clean_text, runs, series
from .series import SeriesKey, SeriesRecord

_SERIES_COLUMNS = [column for column in series.c if column.name not in ("series_id", "sealed")]
_ALIVE = runs.c.deleted_at.is_(None)

# Built once: they are asked for many times a second, and building takes longer than answering.
_VERSION = select(func.count() + func.coalesce(func.sum(runs.c.revision), 0)).select_from(runs)
_REVISIONS = select(runs.c.run_id, runs.c.revision).where(_ALIVE)
_REVISIONS_OF_STATUS = _REVISIONS.where(runs.c.status == bindparam("status"))
_SERIES_ROW = (
    select(series, runs.c.created_at)
    .join(runs, runs.c.run_id == series.c.run_id)
    .where(series.c.run_id == bindparam("run"), series.c.series_id == bindparam("series"), _ALIVE)
)


def run_rows(
    connection: Connection,
    project: str | None,
    archived: bool,
    deleted: bool,
    ids: Sequence[str] | None,
    where: str,
) -> list[dict[str, Any]]:
    """The rows of runs, newest first: those deleted, or those not, the archived ones only if wanted.

    And of these those that a filter lets through. Raises ``BadFilter``.
    """
    query = select(runs).where(runs.c.deleted_at.is_not(None) if deleted else _ALIVE)
    if project is not None:
        query = query.where(runs.c.project == project)
    if ids is not None:
        query = query.where(runs.c.run_id.in_(ids))
    elif not archived and not deleted:
        query = query.where(runs.c.archived_at.is_(None))
    if where:
        query = query.where(Filters(connection.dialect.name, now(connection)).condition(where))
    query = query.order_by(runs.c.created_at.desc(), runs.c.run_id)
    with bounded(connection) if where else nullcontext():
        return [dict(row) for row in connection.execute(query).mappings()]


def run_row(connection: Connection, run_id: str, where: str) -> dict[str, Any]:
    """The row of a run. Raises ``RunNotFound``, which says ``where`` it was looked for."""
    row = connection.execute(select(runs).where(runs.c.run_id == run_id, _ALIVE)).mappings().first()
    if row is None:
        newest = select(runs.c.run_id).where(_ALIVE).order_by(runs.c.created_at.desc()).limit(5)
        raise RunNotFound(f"No run '{run_id}' in '{where}'; {_listed(connection.scalars(newest).all())}.")
    return dict(row)


def version(connection: Connection) -> int:
    """How many runs there are, plus the sum of their revisions."""
    return int(connection.scalar(_VERSION) or 0)


def revisions(connection: Connection, status: str | None) -> dict[str, int]:
    """The revision of every run, or of those of one stored status."""
    query = _REVISIONS if status is None else _REVISIONS_OF_STATUS
    return {run_id: revision for run_id, revision in connection.execute(query, {"status": status})}


def series_row(connection: Connection, run_id: str, key: SeriesKey, where: str) -> RowMapping:
    """The row of a series, and ``created_at`` of its run. Raises ``RunNotFound`` and ``SeriesNotFound``."""
    row = connection.execute(_SERIES_ROW, {"run": run_id, "series": key.id}).mappings().first()
    if row is None:
        run_row(connection, run_id, where)
        of_run = (series.c.run_id == run_id) & (series.c.kind == key.kind)
        tags = connection.scalars(select(series.c.tag).where(of_run).order_by(series.c.tag).limit(5))
        raise SeriesNotFound(
            f"No {key.kind} '{key.tag}' of rank {key.rank} in run '{run_id}'; {_listed(tags.all())}."
        )
    return row


def series_records(
    connection: Connection,
    run_ids: Sequence[str],
    kinds: Sequence[str] | None,
    tag: str | None,
    prefix: str,
    limit: int | None,
) -> list[SeriesRecord]:
    """The series of some runs, by run, tag and rank."""
    alive = select(runs.c.run_id).where(runs.c.run_id.in_(run_ids), _ALIVE)
    query = select(*_SERIES_COLUMNS).where(series.c.run_id.in_(alive))
    if kinds is not None:
        query = query.where(series.c.kind.in_(kinds))
    if tag is not None:
        query = query.where(series.c.tag == clean_text(tag))
    if prefix:
        query = query.where(series.c.tag.startswith(clean_text(prefix), autoescape=True))
    ordered = query.order_by(series.c.run_id, series.c.tag, series.c.rank).limit(limit)
    rows = connection.execute(ordered).mappings()
    return [SeriesRecord(**_with_nan(dict(row))) for row in rows]


def last_values(connection: Connection, run_id: str) -> dict[str, float]:
    """The last value of every scalar of rank 0."""
    query = select(series.c.tag, series.c.last).where(
        series.c.run_id == run_id, series.c.kind == "scalar", series.c.rank == 0
    )
    return {row.tag: np.nan if row.last is None else row.last for row in connection.execute(query)}


def _listed(names: Sequence[str]) -> str:
    return "it has " + ", ".join(f"'{name}'" for name in names) if names else "it has none"


def _with_nan(row: dict[str, Any]) -> dict[str, Any]:
    # A NaN is stored as no value; of a scalar series the last value exists, so it was NaN.
    if row["kind"] == "scalar" and row["last"] is None:
        row["last"] = np.nan
    return row
