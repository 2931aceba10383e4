"""One run into a folder of event files, once and as often as more has come."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, RowMapping, select
from tensorboard.compat.proto.summary_pb2 import Summary

from ..errors import BadChange
from ..schema import runs, series
from ..series import RunRecord, SeriesKey
from .assets import Projector
from .event import ONLY_SHOWN, kept_run, values_event
from .event_file import EventFile
from .export_series import SeriesExport
from .names import digest, rank_folder, shown_tag
from .record_events import Series
from .session import session_end, session_start
from .target import Target, Together

if TYPE_CHECKING:
    from ..store import Store

_ABOUT = (
    *("id", "project", "name", "group", "tags", "notes", "config", "environment"),
    *("created_at", "descriptions"),
)
_ENDING = ("status", "exit_code", "error")
_HPARAMS = "_hparams_/"


class RunExport:
    """A run's way into ``folder``; that of rank r but the first goes to ``rank_r`` below it.

    ``wanted`` says which tags. Raises ``BadChange`` where a folder holds event files of others.
    """

    def __init__(
        self, store: Store, run_id: str, folder: Path, wanted: Callable[[str], bool], together: Together
    ) -> None:
        self._store = store
        self._run_id = run_id
        self._folder = folder
        self._wanted = wanted
        self._together = together
        self._targets: dict[int, Target] = {}
        self._series: dict[SeriesKey, SeriesExport] = {}
        self._tags: set[tuple[int, str]] = set()
        self._about: dict[str, Any] = {}
        self._endings: dict[int, dict[str, Any]] = {}
        self._begun = self._ended = False

    def close(self) -> None:
        """Close the files; those that were never published are removed."""
        for target in self._targets.values():
            target.file.discard()

    def write_new(self) -> None:
        """Write all that came since the last time, and let readers see it."""
        run = self._store.run(self._run_id)
        with self._store.reading() as connection:
            rows = self._rows(connection)
            self._begin(run, rows)
            for row in rows:
                key = SeriesKey(row["rank"], row["kind"], row["tag"])
                if key not in self._series:
                    said = run.descriptions.get(key.tag, "")
                    named = Series(key, shown_tag(key, self._tags), said)
                    self._series[key] = SeriesExport(self._run_id, named, self._wanted)
                    self._tags.add((key.rank, key.tag))
                self._series[key].write_new(connection, row, self._target(key.rank, run))
        self._end(run, rows)
        for target in self._targets.values():
            target.file.publish()

    def _rows(self, connection: Connection) -> list[RowMapping]:
        query = (
            select(series, runs.c.created_at)
            .join(runs, runs.c.run_id == series.c.run_id)
            .where(series.c.run_id == self._run_id)
            .order_by(series.c.rank, series.c.kind != "scalar", series.c.tag, series.c.kind)
        )
        return [row for row in connection.execute(query).mappings() if self._wanted(row["tag"])]

    def _target(self, rank: int, run: RunRecord) -> Target:
        if rank not in self._targets:
            folder = rank_folder(self._folder, rank)
            name = f"events.out.tfevents.{max(int(run.created_at), 0):010d}.trainboard.{digest(run.id)}"
            _claim(folder, name)
            file = EventFile(folder / name, run.created_at)
            self._targets[rank] = Target(file, folder, Projector(folder), *self._together, run.created_at)
        return self._targets[rank]

    def _begin(self, run: RunRecord, rows: list[RowMapping]) -> None:
        """Say what the run is; its hyper-parameters as soon as there are some, for they are read once."""
        file = self._target(0, run).file
        about = {name: getattr(run, name) for name in _ABOUT}
        if about != self._about:
            file.add(values_event(0, run.created_at, []) + kept_run(about))
            self._about = about
        imported = any(row["kind"] == "raw" and row["tag"].startswith(_HPARAMS) for row in rows)
        if run.config and not self._begun and not imported:
            file.add(values_event(0, run.created_at, [session_start(run)]) + ONLY_SHOWN)
            self._begun = True

    def _end(self, run: RunRecord, rows: list[RowMapping]) -> None:
        """Say how the run is, last of all: whoever reads a file that grows takes its run for alive."""
        self._end_session(run, rows)
        ending = {name: getattr(run, name) for name in _ENDING}
        for rank, target in self._targets.items():
            if self._endings.get(rank) != ending:
                wall = run.ended_at or run.created_at
                target.file.add(values_event(0, wall, []) + kept_run(ending))
                self._endings[rank] = ending

    def _end_session(self, run: RunRecord, rows: list[RowMapping]) -> None:
        if run.status == "running" or self._ended:
            return
        file, wall = self._targets[0].file, run.ended_at or run.updated_at
        step = max((row["last_step"] for row in rows if row["last_step"] is not None), default=0)
        logged = {row["tag"] for row in rows if row["kind"] == "scalar"}
        for name, number in run.summary.items():
            if name not in logged and self._wanted(name) and _is_number(number):
                file.add(
                    values_event(step, wall, [Summary.Value(tag=name, simple_value=number)]) + ONLY_SHOWN
                )
        if self._begun:
            file.add(values_event(0, wall, [session_end(run)]) + ONLY_SHOWN)
        self._ended = True


def _claim(folder: Path, name: str) -> None:
    """Make a folder, and see to it that nobody else's events are in it. Raises ``BadChange``."""
    folder.mkdir(parents=True, exist_ok=True)
    others = [path.name for path in folder.iterdir() if "tfevents" in path.name and path.name != name]
    if others:
        raise BadChange(f"'{folder}' holds '{others[0]}', of another run; export to an empty folder.")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and not math.isnan(value)
