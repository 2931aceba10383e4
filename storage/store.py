"""A store: everything runs said, in one database, safe to read beside its writers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, RowMapping

from . import controls, dataframes, lookup, run_changes, sql
from .chunk_rows import Window
from .cover import Axis
from .database import Database
from .engine import now
from .ingest import Ingest
from .layer_maps import read_layer_map, save_layer_map
from .location import without_password
from .points import query_points, read_since
from .rank_points import rank_points
from .ranks import ranks
from .records import Record, read_index, read_records, spread
from .resuming import resumable
from .run_list import RunPage, SeriesList, Wanted, read_page, read_projects, read_series
from .run_table import run_rows, run_table
from .series import Points, RunRecord, SeriesKey, SeriesRecord, run_status
from .sinks import ControlRequest
from .tfevents.export import export_tensorboard
from .views import delete_view, read_views, rename_view, save_view


class Store(Database):
    """Runs, their series, and their points and records. Get one from ``open_store``.

    Every query is bounded by what it is asked for, never by the length of a series on the way out.
    Methods raise ``RunNotFound``, ``SeriesNotFound`` and ``StoreUnavailable``. Safe to use from many
    threads.
    """

    def ingest(self, spool_id: str) -> Ingest:
        """The way in for the frames of one spool."""
        return Ingest(self, spool_id)

    def version(self) -> int:
        """A number that changes whenever anything visible does."""
        with self.reading() as connection:
            return lookup.version(connection)

    def revisions(self, status: str | None = None) -> dict[str, int]:
        """For each run's id, of all or of one stored status, a number that grows whenever the run changes."""
        with self.reading() as connection:
            return lookup.revisions(connection, status)

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
        archived: bool = False,
        limit: int = 100,
        after: str | None = None,
    ) -> RunPage:
        """A page of the runs of one project or all, or of some ``ids``, newest first; see ``RunPage``.

        Runs are found by every word of ``search``, in their name, id, group, tags or status; archived ones
        only if ``archived``. ``after`` is what the page before says, else ``ValueError`` is raised.
        """
        wanted = Wanted(project, ids, search, archived)
        with self.reading() as connection:
            return read_page(connection, self._run_record, wanted, limit, after)

    def series_list(
        self, run_ids: Sequence[str], kind: str | None = None, *, search: str = "", limit: int = 5_000
    ) -> SeriesList:
        """Which series runs have, without their summaries, a bounded number; see ``SeriesList``."""
        with self.reading() as connection:
            return read_series(connection, run_ids, kind, search, limit)

    def runs(
        self,
        project: str | None = None,
        where: str | Mapping[str, Any] | None = None,
        *,
        ids: Sequence[str] | None = None,
        archived: bool = False,
        deleted: bool = False,
    ) -> list[RunRecord]:
        """Runs, newest first, of one project or all, or those of these ids that exist.

        ``where`` is a filter, ``"config.lr > 1e-3 and status = finished"`` (``storage.filter_syntax`` says
        what it takes; ``BadFilter`` is raised), or gives fields of ``RunRecord`` and the values they must
        equal, such as ``{"status": "running"}``. Archived runs are left out unless ``archived``;
        ``deleted`` gives those that were deleted and can be restored, and no others.
        """
        text, wanted = (where, {}) if isinstance(where, str) else ("", where or {})
        with self.reading() as connection:
            moment = now(connection)
            rows = lookup.run_rows(connection, project, archived, deleted, ids, text)
        found = [self._run_record(row, moment) for row in rows]
        return [run for run in found if all(getattr(run, name) == value for name, value in wanted.items())]

    def run(self, run_id: str) -> RunRecord:
        with self.reading() as connection:
            row = lookup.run_row(connection, run_id, without_password(self.url))
            return self._run_record(row, now(connection))

    def series(
        self,
        run_ids: str | Sequence[str],
        kind: str | Sequence[str] | None = None,
        tag: str | None = None,
        *,
        prefix: str = "",
        limit: int | None = None,
    ) -> list[SeriesRecord]:
        """The series of one or several runs, by run, tag and rank, at most ``limit`` of them.

        All, or of one kind or some, of one tag, or of tags that begin with ``prefix``.
        """
        wanted = [run_ids] if isinstance(run_ids, str) else list(run_ids)
        kinds = [kind] if isinstance(kind, str) else kind
        with self.reading() as connection:
            return lookup.series_records(connection, wanted, kinds, tag, prefix, limit)

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

    export_tensorboard = export_tensorboard
    rank_points = rank_points
    ranks = ranks
    resumable = resumable
    run_rows = run_rows
    run_table = run_table
    views = read_views
    save_view = save_view
    rename_view = rename_view
    delete_view = delete_view
    layer_map = read_layer_map
    save_layer_map = save_layer_map

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

    def records_since(
        self, run_id: str, tag: str, kind: str, index: int, *, rank: int = 0, limit: int
    ) -> list[Record]:
        """At most ``limit`` records from the ``index``-th to arrive on, sorted by step, then arrival."""
        return self.records_at(run_id, tag, kind, range(index, index + limit), rank=rank)

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
        found = self.records_at(run_id, tag, kind, [index], rank=rank)
        if not found:
            raise IndexError(f"series '{tag}' of run '{run_id}' has no record {index}")
        return found[0]

    def records_at(
        self, run_id: str, tag: str, kind: str, indices: Sequence[int], *, rank: int = 0
    ) -> list[Record]:
        """Those of the records that arrived at these indices, sorted by step, then arrival."""
        key = SeriesKey(rank, kind, tag)
        with self.reading() as connection:
            self._series_row(connection, run_id, key)
            return read_records(connection, run_id, key, indices)

    to_pandas = dataframes.of_scalars
    runs_to_pandas = dataframes.of_runs

    def query(self, statement: str, **limits: Any) -> sql.Answer:
        """Run one SELECT over runs, series, scalars and records; ``storage.sql.query`` says what it takes."""
        return sql.query(self, statement, **limits)

    def delete_runs(self, run_ids: Iterable[str], *, force: bool = False) -> None:
        """Hide runs from everyone until they are restored, or removed for good by ``compact``.

        Raises ``RunIsLive``, and deletes none, if one is still written to, unless ``force``: its program
        goes on, and what it logs is kept with the deleted run.
        """
        with self.writing() as connection:
            run_changes.delete_runs(connection, run_ids, force)

    def restore_runs(self, run_ids: Iterable[str]) -> None:
        """Undo ``delete_runs``. Raises ``RunNotFound`` for a run that is not among the deleted ones."""
        with self.writing() as connection:
            run_changes.restore_runs(connection, run_ids)

    def archive_runs(self, run_ids: Iterable[str], archived: bool = True) -> None:
        """Leave runs out of lists unless they are asked for; with ``archived=False``, list them again."""
        with self.writing() as connection:
            run_changes.archive_runs(connection, run_ids, archived)

    def rename_run(self, run_id: str, name: str) -> None:
        """Give a run another name. Raises ``BadChange`` if it is empty."""
        with self.writing() as connection:
            run_changes.rename_run(connection, run_id, name)

    def tag_runs(self, run_ids: Iterable[str], add: Iterable[str] = (), remove: Iterable[str] = ()) -> None:
        """Add tags to runs, and take others away; what is so already stays so."""
        with self.writing() as connection:
            run_changes.tag_runs(connection, run_ids, list(add), list(remove))

    def note_run(self, run_id: str, notes: str) -> None:
        """Replace the notes of a run."""
        with self.writing() as connection:
            run_changes.note_run(connection, run_id, notes)

    def request(self, run_id: str, control: str, value: float | None = None) -> ControlRequest:
        """Ask a running program for a knob's new value, or to press a button. Raises ``BadChange``."""
        with self.writing() as connection:
            return controls.request(connection, run_id, control, value)

    def requests(self, run_id: str, since: int = 0) -> list[ControlRequest]:
        """What was asked of a run after the request of number ``since``, in order."""
        with self.reading() as connection:
            return controls.requests_since(connection, run_id, since)

    def _series_row(self, connection: Connection, run_id: str, key: SeriesKey) -> RowMapping:
        return lookup.series_row(connection, run_id, key, without_password(self.url))

    def _run_record(self, row: dict[str, Any], moment: float) -> RunRecord:
        explicit = row.pop("summary")
        run_id = row.pop("run_id")
        row["status"] = run_status(row["status"], row["updated_at"], moment)
        return RunRecord(
            id=run_id,
            group=row.pop("group_name"),
            _read_summary=lambda: self._summary(run_id) | explicit,
            **row,
        )

    def _summary(self, run_id: str) -> dict[str, Any]:
        with self.reading() as connection:
            return lookup.last_values(connection, run_id)
