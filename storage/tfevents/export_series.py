"""One series of a run into an event file: all of it, and later what has come since."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from google.protobuf.message import DecodeError
from numpy.typing import NDArray
from sqlalchemy import Connection, RowMapping

from ..blocks import blocks
from ..chunks import Columns
from ..kinds import KINDS
from ..kinds.embedding import Embedding
from ..kinds.graph import Graph
from ..kinds.raw import Raw
from ..kinds.trace import Trace
from ..points import read_since
from ..records import Record, read_index, read_records
from ..series import SeriesKey
from .assets import Projector, write_trace
from .event import Kept, graph_event, values_event
from .event_file import EventFile
from .point_events import is_single, kept_points, shown_points
from .raw_values import write_raw, written_as_raw
from .shown import to_tensorboard
from .shown.graph import graph_definition

_RECORDS_AT_ONCE = 16


@dataclass
class Exported:
    """What an export wrote.

    ``points`` and ``records`` are all that were read. Of these TensorBoard does not show those that were
    ``superseded`` by another of the same step, or came ``late``, after a later step was written; they
    are in the files for trainboard. ``rounded`` points are shown as float32 and kept in double precision;
    ``unreadable`` ones are damaged in the store.
    """

    runs: int = 0
    points: int = 0
    records: int = 0
    superseded: int = 0
    late: int = 0
    rounded: int = 0
    unreadable: int = 0


class Target(NamedTuple):
    """Where what is told of one rank of a run goes."""

    file: EventFile
    folder: Path
    projector: Projector
    counts: Exported


class SeriesExport:
    """Knows how much of a series is written, and its last step: TensorBoard takes no step twice.

    ``shown_tag`` is what TensorBoard is to call it.
    """

    def __init__(self, run_id: str, key: SeriesKey, shown_tag: str) -> None:
        self._run_id = run_id
        self._key = key
        self._shown_tag = shown_tag
        self._done = 0
        self._last_step: float = -np.inf

    def write_new(self, connection: Connection, row: RowMapping, to: Target) -> None:
        """Write what came since the last time. ``row`` is the row of the series."""
        if row["count"] <= self._done:
            return
        if self._key.kind == "scalar":
            self._write_points(connection, row, to)
        else:
            self._write_records(connection, to)
        self._done = row["count"]

    def _write_points(self, connection: Connection, row: RowMapping, to: Target) -> None:
        if self._done:
            found = iter([read_since(connection, self._run_id, row["series_id"], self._done)])
        else:
            found = blocks(connection, row)
        for points in found:
            to.counts.unreadable += points.unreadable
            if len(points.step):
                order = np.argsort(points.step, kind="stable")
                columns = Columns(points.step, points.wall_time, points.value).take(order)
                walls = np.where(np.isfinite(columns.walls), columns.walls, row["created_at"])
                self._add_points(columns._replace(walls=walls), to)

    def _add_points(self, points: Columns, to: Target) -> None:
        shown = self._to_be_shown(points.steps, to.counts)
        exact = is_single(points.values)
        for framed in kept_points(self._key.tag, points.take(~shown)):
            to.file.add_records(framed)
        for framed in shown_points(self._key.tag, points.take(shown), keep=not exact):
            to.file.add_records(framed)
        to.counts.points += len(shown)
        to.counts.rounded += 0 if exact else int(shown.sum())

    def _to_be_shown(self, steps: NDArray[np.int64], counts: Exported) -> NDArray[np.bool_]:
        """Of sorted steps the last of each, unless it or a later one is written already."""
        last = np.append(steps[1:] != steps[:-1], True)
        counts.superseded += int((~last).sum())
        late = last & (steps <= self._last_step)
        counts.late += int(late.sum())
        self._last_step = max(int(steps[-1]), self._last_step)
        return last & ~late

    def _write_records(self, connection: Connection, to: Target) -> None:
        steps, walls, positions = read_index(connection, self._run_id, self._key)
        new = positions >= self._done
        steps, walls, positions = steps[new], walls[new], positions[new]
        if not len(steps):
            return
        drawn = written_as_raw(connection, self._run_id, self._key)
        shown = self._to_be_shown(steps, to.counts)
        for begin in range(0, len(steps), _RECORDS_AT_ONCE):
            some = slice(begin, begin + _RECORDS_AT_ONCE)
            read = read_records(connection, self._run_id, self._key, positions[some].tolist())
            for record, is_shown in zip(read, shown[some].tolist(), strict=True):
                if (record.step, record.wall_time) not in drawn:
                    self._write_record(record, is_shown, to)
        to.counts.records += len(steps)

    def _write_record(self, record: Record, shown: bool, to: Target) -> None:
        wall = record.wall_time if np.isfinite(record.wall_time) else 0.0
        for event in self._events(record._replace(wall_time=wall), shown, to):
            to.file.add(event)

    def _events(self, record: Record, shown: bool, to: Target) -> Iterator[bytes]:
        step, wall, told = record
        kind, tag = self._key.kind, self._key.tag
        kept = Kept(kind, tag, KINDS[kind].encode(told))
        if isinstance(told, Raw):
            try:
                yield from write_raw(told, tag, step, wall, to.folder)
            except DecodeError:
                yield values_event(step, wall, []) + kept.to_bytes()
        elif not shown:
            yield values_event(step, wall, []) + kept.to_bytes()
        elif isinstance(told, Graph):
            yield graph_event(step, wall, graph_definition(told)) + kept.to_bytes()
        else:
            values, body_at = to_tensorboard(kind, self._shown_tag, told)
            if isinstance(told, Embedding):
                to.projector.add(told, tag, step)
            elif isinstance(told, Trace):
                write_trace(told, to.folder, tag, step)
            yield values_event(step, wall, values) + kept._replace(body_at=body_at).to_bytes()
