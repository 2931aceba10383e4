"""A store: everything runs said, in one database, safe to read beside its writers."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Engine, RowMapping, bindparam, func, select

from . import engine as database
from .chunk_rows import Window
from .cover import Axis
from .errors import NotAStore, RunNotFound, SeriesNotFound, StoreGone, StoreNotFound
from .ingest import Ingest
from .location import (
    check_header,
    check_location,
    is_awaited,
    is_server,
    resolve_url,
    sqlite_path,
    without_password,
)
from .migrate import prepare
from .points import query_points, read_since
from .records import Record, read_index, read_records, spread
from .run_list import RunPage, SeriesList, read_page, read_projects, read_series
from .schema import runs, series
from .series import Points, RunRecord, SeriesKey, SeriesRecord, run_status
from .sinks import Resumable

_SERIES_COLUMNS = [column for column in series.c if column.name not in ("series_id", "sealed")]

_SERIES_ROW = (
    select(series, runs.c.created_at)
    .join(runs, runs.c.run_id == series.c.run_id)
    .where(series.c.run_id == bindparam("run"), series.c.series_id == bindparam("series"))
)


def open_store(url: str | os.PathLike[str] | None = None, *, create: bool = False) -> Store:
    """Open a store: a path, a URL, or None for ``$TRAINBOARD_STORE`` or ``./trainboard.db``.

    With ``create``, or where spools of young or dead programs wait for it, it is made if it is not there;
    an older store is migrated. Raises ``StoreNotFound``, ``NotAStore``, ``StoreTooNew`` or
    ``StoreUnavailable``.
    """
    resolved = resolve_url(url)
    path = sqlite_path(resolved)
    if is_server(resolved):
        raise NotAStore(f"'{resolved}' is a server to log to; open its database to read the store.")
    create = create or (path is not None and not path.exists() and is_awaited(resolved))
    if create or not path:
        check_location(resolved)
    with database.translated(resolved):
        if path and create:
            path.touch()
        elif path and not path.exists():
            raise StoreNotFound(f"No store '{path}'; log a run to it first, or give another path.")
        elif path:
            check_header(path)
        engine = database.connect(resolved)
        try:
            prepare(engine, resolved, create=create)
        except BaseException:
            engine.dispose()
            raise
    return Store(resolved, engine)


class Store:
    """Runs, their series, and their points and records. Get one from ``open_store``.

    Every query is bounded by what it is asked for, never by the length of a series on the way out.
    Methods raise ``RunNotFound``, ``SeriesNotFound`` and ``StoreUnavailable``. Safe to use from many
    threads.
    """

    def __init__(self, url: str, engine: Engine) -> None:
        self.url = url
        self._engine = engine
        self._path = sqlite_path(url)
        self._file = self._file_now()

    def close(self) -> None:
        """Close the connections; the store opens new ones if it is used again."""
        self._engine.dispose()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection with one consistent view of the store."""
        with database.translated(self.url), database.reading(self._engine) as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction, committed at the end of the block or not at all. Raises ``StoreGone``."""
        with database.translated(self.url), database.writing(self._engine) as connection:
            if self._file_now() != self._file:
                raise StoreGone(
                    f"Store '{self._path}' was deleted or replaced while it was open; open it again."
                )
            yield connection

    def ingest(self, spool_id: str) -> Ingest:
        """The way in for the frames of one spool."""
        return Ingest(self, spool_id)

    def resumable(self, run_id: str) -> Resumable:
        """What a program must know of a run to continue it."""
        run = self.run(run_id)
        last_steps = [series.last_step for series in self.series(run_id) if series.last_step is not None]
        kept = {name: getattr(run, name) for name in ("project", "name", "group", "notes", "config")}
        return Resumable(
            **kept,
            tags=list(run.tags),
            created_at=run.created_at,
            next_step=max(last_steps, default=-1) + 1,
        )

    def version(self) -> int:
        """A number that changes whenever anything visible does."""
        with self.reading() as connection:
            query = select(func.count(), func.coalesce(func.sum(runs.c.revision), 0)).select_from(runs)
            return int(sum(connection.execute(query).one()))

    def revisions(self, status: str | None = None) -> dict[str, int]:
        """For each run's id, of all or of one stored status, a number that grows whenever the run changes."""
        query = select(runs.c.run_id, runs.c.revision)
        if status is not None:
            query = query.where(runs.c.status == status)
        with self.reading() as connection:
            return {row.run_id: row.revision for row in connection.execute(query)}

    def projects(self) -> list[str]:
        """The names of all projects, the one with the newest run first."""
        with self.reading() as connection:
            return read_projects(connection)

    def run_page(
        self,
        project: str | None = None,
        *,
        ids: Sequence[str] | None = None,
        search: str = "",
        limit: int = 100,
        after: str | None = None,
    ) -> RunPage:
        """A page of the runs of one project or all, or of some ``ids``, newest first; see ``RunPage``.

        Runs are found by every word of ``search``, in their name, id, group, tags or status. ``after`` is
        what the page before says, else ``ValueError`` is raised.
        """
        asked: dict[str, Any] = {"project": project, "ids": ids, "search": search}
        with self.reading() as connection:
            return read_page(connection, self._run_record, **asked, limit=limit, after=after)

    def series_list(
        self, run_ids: Sequence[str], kind: str | None = None, *, search: str = "", limit: int = 5_000
    ) -> SeriesList:
        """Which series runs have, without their summaries, a bounded number; see ``SeriesList``."""
        with self.reading() as connection:
            return read_series(connection, run_ids, kind, search, limit)

    def runs(self, project: str | None = None, where: Mapping[str, Any] | None = None) -> list[RunRecord]:
        """Runs, newest first, of one project or all.

        ``where`` gives fields of ``RunRecord`` and the values they must equal, such as
        ``{"status": "running"}``.
        """
        query = select(runs).order_by(runs.c.created_at.desc(), runs.c.run_id)
        if project is not None:
            query = query.where(runs.c.project == project)
        with self.reading() as connection:
            found = [self._run_record(dict(row)) for row in connection.execute(query).mappings()]
        wanted = (where or {}).items()
        return [run for run in found if all(getattr(run, name) == value for name, value in wanted)]

    def run(self, run_id: str) -> RunRecord:
        with self.reading() as connection:
            return self._run_record(self._run_row(connection, run_id))

    def series(self, run_ids: str | Sequence[str], kind: str | None = None) -> list[SeriesRecord]:
        """The series of one or several runs, all or of one kind, by run, tag and rank."""
        wanted = [run_ids] if isinstance(run_ids, str) else list(run_ids)
        query = select(*_SERIES_COLUMNS).where(series.c.run_id.in_(wanted))
        if kind is not None:
            query = query.where(series.c.kind == kind)
        with self.reading() as connection:
            rows = connection.execute(query.order_by(series.c.run_id, series.c.tag, series.c.rank)).mappings()
            return [SeriesRecord(**_with_nan(dict(row))) for row in rows]

    def points(
        self,
        run_id: str,
        tag: str,
        *,
        rank: int = 0,
        axis: Axis = "step",
        window: Window | None = None,
        width: int | None = None,
    ) -> Points:
        """The points of a scalar series, sorted by an axis; equal steps stay in arrival order.

        ``axis`` is "step", "wall" (seconds since the epoch) or "relative" (seconds since the run's
        start); ``window`` its first and last place, both included. With more than ``2 * width`` points
        they are thinned to at most that many buckets, the first and the last point among them; see
        ``Points``. A thinned answer costs what its ``width`` does, not the length of the series, and
        tells each point of the window once; ``storage.cover`` says how, and what becomes of series
        whose steps come in no order at all. Damaged points are left out and counted.
        """
        key = SeriesKey(rank, "scalar", tag)
        with self.reading() as connection:
            row = self._series_row(connection, run_id, key)
            return query_points(
                connection, row, axis=axis, origin=row["created_at"], window=window, width=width
            )

    def points_since(self, run_id: str, tag: str, index: int, *, rank: int = 0) -> Points:
        """The points of a scalar series from the ``index``-th to arrive on, in arrival order."""
        key = SeriesKey(rank, "scalar", tag)
        with self.reading() as connection:
            self._series_row(connection, run_id, key)
            return read_since(connection, run_id, key.id, index)

    def records(
        self,
        run_id: str,
        tag: str,
        kind: str,
        *,
        rank: int = 0,
        window: Window | None = None,
        limit: int | None = None,
    ) -> list[Record]:
        """Records sorted by step, then arrival; of more than ``limit`` an even spread, ends included.

        ``window`` is the first and the last step, both included.
        """
        key = SeriesKey(rank, kind, tag)
        with self.reading() as connection:
            self._series_row(connection, run_id, key)
            positions = read_index(connection, run_id, key, window)[2]
            chosen = positions[spread(len(positions), limit)]
            return read_records(connection, run_id, key, chosen.tolist())

    def record_index(
        self, run_id: str, tag: str, kind: str, *, rank: int = 0
    ) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]:
        """Steps, wall times and indices for ``record_at`` of every record, sorted by step, then arrival."""
        key = SeriesKey(rank, kind, tag)
        with self.reading() as connection:
            self._series_row(connection, run_id, key)
            return read_index(connection, run_id, key)

    def record_at(self, run_id: str, tag: str, kind: str, index: int, *, rank: int = 0) -> Record:
        """The ``index``-th record to arrive. Raises ``IndexError`` if there are not so many."""
        key = SeriesKey(rank, kind, tag)
        with self.reading() as connection:
            self._series_row(connection, run_id, key)
            found = read_records(connection, run_id, key, [index])
        if not found:
            raise IndexError(f"series '{tag}' of run '{run_id}' has no record {index}")
        return found[0]

    def _file_now(self) -> tuple[int, int] | None:
        """What tells the store's file from another of the same name."""
        if not self._path:
            return None
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return 0, 0
        return found.st_dev, found.st_ino

    def _run_row(self, connection: Connection, run_id: str) -> dict[str, Any]:
        row = connection.execute(select(runs).where(runs.c.run_id == run_id)).mappings().first()
        if row is None:
            have = connection.scalars(select(runs.c.run_id).order_by(runs.c.created_at.desc()).limit(5)).all()
            raise RunNotFound(f"No run '{run_id}' in '{without_password(self.url)}'; {_listed(have)}.")
        return dict(row)

    def _series_row(self, connection: Connection, run_id: str, key: SeriesKey) -> RowMapping:
        """The row of a series, and ``created_at`` of its run."""
        row = connection.execute(_SERIES_ROW, {"run": run_id, "series": key.id}).mappings().first()
        if row is None:
            self._run_row(connection, run_id)
            of_run = (series.c.run_id == run_id) & (series.c.kind == key.kind)
            tags = connection.scalars(select(series.c.tag).where(of_run).order_by(series.c.tag).limit(5))
            raise SeriesNotFound(
                f"No {key.kind} '{key.tag}' of rank {key.rank} in run '{run_id}'; {_listed(tags.all())}."
            )
        return row

    def _run_record(self, row: dict[str, Any]) -> RunRecord:
        explicit = row.pop("summary")
        run_id = row.pop("run_id")
        row["status"] = run_status(row["status"], row["updated_at"])
        return RunRecord(
            id=run_id,
            group=row.pop("group_name"),
            _read_summary=lambda: self._summary(run_id) | explicit,
            **row,
        )

    def _summary(self, run_id: str) -> dict[str, Any]:
        query = select(series.c.tag, series.c.last).where(
            series.c.run_id == run_id, series.c.kind == "scalar", series.c.rank == 0
        )
        with self.reading() as connection:
            return {row.tag: np.nan if row.last is None else row.last for row in connection.execute(query)}


def _listed(names: Sequence[str]) -> str:
    return "it has " + ", ".join(f"'{name}'" for name in names) if names else "it has none"


def _with_nan(row: dict[str, Any]) -> dict[str, Any]:
    # A NaN is stored as no value; of a scalar series the last value exists, so it was NaN.
    if row["kind"] == "scalar" and row["last"] is None:
        row["last"] = np.nan
    return row
