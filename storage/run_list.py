"""Lists of runs and of their series a page at a time, however many there are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, case, func, or_, select

from .engine import now
from .run_filter import Filters, listed
from .schema import runs, series
from .series import RunRecord

_MAX_WORDS = 8
_ALIVE = runs.c.deleted_at.is_(None)
_ROWS_AT_ONCE = 1_000


class RunPage(NamedTuple):
    """Some runs, newest first.

    ``older`` says of each how many of its project began before it, ``total`` how many runs there are on all
    pages, and ``after`` what to ask the next page with: None where this is the last.
    """

    runs: list[RunRecord]
    older: list[int]
    total: int
    after: str | None


class SeriesList(NamedTuple):
    """The different (tag, kind, rank) of several runs, sorted, no more than were asked for of ``total``.

    ``of_run`` has the positions of those each run has.
    """

    series: list[tuple[str, str, int]]
    of_run: dict[str, list[int]]
    total: int


class Wanted(NamedTuple):
    """Which runs to list: of one project or all, of some ids or any, that contain every word."""

    project: str | None
    ids: Sequence[str] | None
    search: str
    archived: bool


def read_page(
    connection: Connection,
    make: Callable[[dict[str, Any], float], RunRecord],
    wanted: Wanted,
    limit: int,
    after: str | None,
) -> RunPage:
    """A page of runs. Raises ``ValueError`` if ``after`` is not what a page before gave."""
    moment = now(connection)
    found = _found(wanted, Filters(connection.dialect.name, moment))
    query = select(runs).where(found).order_by(runs.c.created_at.desc(), runs.c.run_id)
    if after is not None:
        query = query.where(_beyond(after))
    rows = [dict(row) for row in connection.execute(query.limit(limit + 1)).mappings()]
    total = connection.scalar(select(func.count()).select_from(runs).where(found)) or 0
    last = f"{rows[limit - 1]['created_at']!r},{rows[limit - 1]['run_id']}" if len(rows) > limit else None
    older = count_older(
        connection, [(row["run_id"], row["project"], row["created_at"]) for row in rows[:limit]]
    )
    return RunPage([make(row, moment) for row in rows[:limit]], older, total, last)


def _found(wanted: Wanted, filters: Filters) -> ColumnElement[bool]:
    words = wanted.search.split()[:_MAX_WORDS]
    found = and_(listed(wanted.project, wanted.archived), *map(filters.contains, words))
    return found if wanted.ids is None else found & runs.c.run_id.in_(wanted.ids)


def read_projects(connection: Connection) -> list[str]:
    """The names of all projects, the one with the newest run first; where all is archived, last."""
    listed = func.max(case((runs.c.archived_at.is_(None), runs.c.created_at), else_=0.0)).desc()
    names = select(runs.c.project).where(_ALIVE).group_by(runs.c.project)
    return list(connection.scalars(names.order_by(listed)))


def read_series(
    connection: Connection, run_ids: Sequence[str], kind: str | None, search: str, limit: int
) -> SeriesList:
    """The series of some runs, of one kind or all, whose tag contains ``search`` in any case."""
    alive = select(runs.c.run_id).where(runs.c.run_id.in_(run_ids), _ALIVE)
    found = series.c.run_id.in_(alive)
    if kind is not None:
        found &= series.c.kind == kind
    if search:
        found &= series.c.tag.icontains(search, autoescape=True)
    key = (series.c.tag, series.c.kind, series.c.rank)
    of_run: dict[str, list[int]] = {run_id: [] for run_id in run_ids}
    listed: dict[tuple[str, str, int], int] = {}
    # No more rows can be needed, and so few need not be told from a million by sorting those.
    most = (limit + 1) * len(run_ids)
    query = select(series.c.run_id, *key).where(found).order_by(*key).limit(most)
    rows = connection.execute(query.execution_options(yield_per=_ROWS_AT_ONCE))
    with rows:
        for run_id, tag, kind_of, rank in rows:
            position = listed.setdefault((tag, kind_of, rank), len(listed))
            if position == limit:
                del listed[tag, kind_of, rank]
                break
            of_run[run_id].append(position)
        else:
            return SeriesList(list(listed), of_run, len(listed))
    every = select(*key).where(found)
    distinct = (every if len(run_ids) == 1 else every.distinct()).subquery()
    total = connection.scalar(select(func.count()).select_from(distinct)) or 0
    return SeriesList(list(listed), of_run, total)


def _beyond(after: str) -> ColumnElement[bool]:
    moment, _, run_id = after.partition(",")
    began = float(moment)
    return or_(runs.c.created_at < began, and_(runs.c.created_at == began, runs.c.run_id > run_id))


def count_older(connection: Connection, listed: Sequence[tuple[str, str, float]]) -> list[int]:
    """For each run, told by its id, project and beginning, how many runs of its project began before it.

    Only those between the listed ones are put in order; the others are as many as they are.
    """
    place = func.row_number().over(order_by=(runs.c.created_at, runs.c.run_id.desc()))
    found: dict[str, int] = {}
    for project in {project for _, project, _ in listed}:
        began = {run_id: moment for run_id, one, moment in listed if one == project}
        first, last = min(began.values()), max(began.values())
        is_own = runs.c.project == project
        earlier = select(func.count()).select_from(runs).where(is_own, runs.c.created_at < first)
        before = connection.scalar(earlier) or 0
        between = select(runs.c.run_id, place.label("place")).where(
            is_own, runs.c.created_at.between(first, last)
        )
        places = between.subquery()
        rows = connection.execute(select(places).where(places.c.run_id.in_(list(began))))
        found |= {row.run_id: before + row.place - 1 for row in rows}
    return [found[run_id] for run_id, *_ in listed]
