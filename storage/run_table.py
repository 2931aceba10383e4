"""Rows of runs for tables and groups: what is short of a run, and numbers of some of its series."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from sqlalchemy import Connection, RowMapping, and_, func, select

from .engine import in_groups, now
from .filter_syntax import parse_field
from .run_filter import Filters, bounded, listed
from .run_list import count_older
from .schema import runs, series
from .series import SeriesKey, run_status

if TYPE_CHECKING:
    from .store import Store

Summary = Literal["last", "minimum", "maximum", "mean", "min_step", "max_step"]
SUMMARIES: tuple[Summary, ...] = ("last", "minimum", "maximum", "mean", "min_step", "max_step")

_MOST_ORDERS = 5

BRIEF = (
    *(runs.c[name] for name in ("run_id", "project", "name", "group_name", "tags", "notes", "config")),
    *(runs.c[name] for name in ("summary", "status", "error", "created_at", "updated_at", "ended_at")),
    *(runs.c[name] for name in ("archived_at", "revision")),
)
"""The columns of a run that are short: without its environment, which lists packages and holds a diff."""


class Metric(NamedTuple):
    """One number of a scalar of rank 0."""

    tag: str
    summary: Summary = "last"


@dataclass(frozen=True)
class RunRow:
    """A run in a table, as in ``RunRecord``. ``metrics`` holds what was asked for and the run has."""

    id: str
    project: str
    name: str
    group: str | None
    tags: list[str]
    notes: str
    config: dict[str, Any]
    summary: dict[str, Any]
    status: str
    error: str | None
    created_at: float
    updated_at: float
    ended_at: float | None
    archived_at: float | None
    revision: int
    metrics: dict[Metric, float | int | None] = field(default_factory=dict)


def run_rows(store: Store, ids: Sequence[str], metrics: Sequence[Metric] = ()) -> list[RunRow]:
    """Those of these runs that exist, in the order given. A method of ``Store``."""
    with store.reading() as connection:
        moment = now(connection)
        found: dict[str, RunRow] = {}
        for group in in_groups(list(dict.fromkeys(ids))):
            query = select(*BRIEF).where(runs.c.run_id.in_(group), runs.c.deleted_at.is_(None))
            for row in connection.execute(query).mappings():
                found[row["run_id"]] = to_row(row, moment)
        add_metrics(connection, found, metrics)
    return [found[run] for run in dict.fromkeys(ids) if run in found]


def to_row(row: RowMapping, moment: float) -> RunRow:
    """A run from its ``BRIEF`` columns, its status as of ``moment`` by the store's clock."""
    told = dict(row)
    status = run_status(told.pop("status"), told["updated_at"], moment)
    return RunRow(id=told.pop("run_id"), group=told.pop("group_name"), status=status, **told)


def add_metrics(connection: Connection, rows: dict[str, RunRow], metrics: Sequence[Metric]) -> None:
    """Fill in the metrics of rows, by id. A NaN is None."""
    if not metrics or not rows:
        return
    numbers = {SeriesKey(0, "scalar", metric.tag).id: metric.tag for metric in metrics}
    wanted = [series.c[name] for name in SUMMARIES]
    for group in in_groups(list(rows)):
        for some in in_groups(list(numbers)):
            query = select(series.c.run_id, series.c.series_id, *wanted)
            found = series.c.run_id.in_(group) & series.c.series_id.in_(some)
            for row in connection.execute(query.where(found)).mappings():
                tag = numbers[row["series_id"]]
                told = {one: row[one.summary] for one in metrics if one.tag == tag}
                rows[row["run_id"]].metrics.update(told)


class TableQuery(NamedTuple):
    """Which runs to list, and how: of one project or all, those a filter lets through, some in an order.

    ``order`` holds fields of ``run_filter.FIELDS``, each with whether the greatest comes first; the newest
    come first of what is equal.
    """

    project: str | None = None
    where: str = ""
    archived: bool = False
    order: Sequence[tuple[str, bool]] = ()
    limit: int = 100
    offset: int = 0
    metrics: Sequence[Metric] = ()


class TablePage(NamedTuple):
    """Rows of a table, how many runs of its project are older than each, and how many rows there are."""

    rows: list[RunRow]
    older: list[int]
    total: int


def run_ids(store: Store, project: str | None, where: str, archived: bool, limit: int) -> list[str]:
    """The ids of all runs that a table lists, the newest ``limit`` of them. Raises ``BadFilter``."""
    with store.reading() as connection, bounded(connection):
        filters = Filters(connection.dialect.name, now(connection))
        found = and_(listed(project, archived), filters.condition(where))
        query = select(runs.c.run_id).where(found).order_by(runs.c.created_at.desc(), runs.c.run_id)
        return list(connection.scalars(query.limit(limit)))


def run_table(store: Store, wanted: TableQuery) -> TablePage:
    """A part of a table of runs. A method of ``Store``; raises ``BadFilter``."""
    with store.reading() as connection, bounded(connection):
        moment = now(connection)
        filters = Filters(connection.dialect.name, moment)
        found = and_(listed(wanted.project, wanted.archived), filters.condition(wanted.where))
        order = [
            column
            for field, descending in wanted.order[:_MOST_ORDERS]
            for column in filters.sorted_by(parse_field(field), descending)
        ]
        query = select(*BRIEF).where(found).order_by(*order, runs.c.created_at.desc(), runs.c.run_id)
        page = connection.execute(query.limit(wanted.limit).offset(wanted.offset)).mappings()
        rows = {row["run_id"]: to_row(row, moment) for row in page}
        total = connection.scalar(select(func.count()).select_from(runs).where(found)) or 0
        add_metrics(connection, rows, wanted.metrics)
        older = count_older(connection, [(row.id, row.project, row.created_at) for row in rows.values()])
    return TablePage(list(rows.values()), older, total)
