"""One series of a run into an event file: all of it, and later what has come since."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, RowMapping

from ..blocks import blocks
from ..chunk_rows import Window
from ..chunks import Columns
from ..records import Record, read_index, read_records
from ..summary import number
from .arrivals import Stretch, stretches
from .placing import Placed, as_they_came, by_step
from .point_events import copied_points, is_single, kept_points, shown_points
from .raw_values import written_as_raw
from .record_events import Sample, Series, write_record
from .samples import Place, read_groups, written_with_first
from .target import Exported, Target

_RECORDS_AT_ONCE = 16
_FILES = "profile/"


class SeriesExport:
    """Knows how much of a series is written, and its last step: TensorBoard takes no step twice.

    Everything is kept in the order in which it came. What came in another order than that of its steps is
    kept without being shown, and shown by copies that are sorted. ``wanted`` says which tags are exported.
    """

    def __init__(self, run_id: str, series: Series, wanted: Callable[[str], bool]) -> None:
        self._run_id = run_id
        self._series = series
        self._key = series.key
        self._wanted = wanted
        self._description = series.description
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
        waiting: Window | None = None
        for stretch in stretches(connection, row, self._done):
            to.counts.unreadable += stretch.unreadable
            steps = stretch.points.steps
            to.counts.points += len(steps)
            if not len(steps):
                continue
            if stretch.rising and steps[0] > self._last_step:
                self._copy_points(connection, row, waiting, to)
                waiting = None
                self._write_shown(shown_points, stretch.points, to)
            else:
                waiting = self._keep_points(stretch, waiting, to)
        self._copy_points(connection, row, waiting, to)

    def _keep_points(self, stretch: Stretch, waiting: Window | None, to: Target) -> Window:
        """Keep points that are not shown where they came; the steps that wait for being shown."""
        points = stretch.points
        for framed in kept_points(self._key.tag, points, to.wall):
            to.file.add_records(framed)
        to.counts.late += int((points.steps <= self._last_step).sum())
        low, high = int(points.steps.min()), int(points.steps.max())
        return (low, high) if waiting is None else (min(low, waiting[0]), max(high, waiting[1]))

    def _copy_points(
        self, connection: Connection, row: RowMapping, window: Window | None, to: Target
    ) -> None:
        """Show of each step in a window the last point, unless it or a later one is shown already."""
        if window is None or window[1] <= self._last_step:
            return
        window = (max(window[0], self._last_step + 1), window[1])
        for found in blocks(connection, row, window=window):
            last = np.append(found.step[1:] != found.step[:-1], True)[: len(found.step)]
            points = Columns(found.step, found.wall_time, found.value).take(last)
            to.counts.superseded += int((~last).sum())
            if len(points.steps):
                self._write_shown(copied_points, points, to)

    def _write_shown(self, records: Callable[..., Iterator[bytes]], points: Columns, to: Target) -> None:
        """Write points, sorted by step, the very first of the series with what is said of it."""
        parts = [points]
        if self._description:
            parts = [points.take(slice(1)), points.take(slice(1, None))]
        for part in parts:
            for framed in records(self._key.tag, part, to.wall, self._description):
                to.file.add_records(framed)
            self._description = ""
        self._last_step = int(points.steps[-1])
        to.counts.rounded += 0 if is_single(points.values) else len(points.steps)

    def _write_records(self, connection: Connection, to: Target) -> None:
        steps, _, positions = read_index(connection, self._run_id, self._key)
        elsewhere = written_with_first(connection, self._run_id, self._key, self._wanted)
        to.counts.records += int((positions >= self._done).sum())
        new = np.flatnonzero((positions >= self._done) & ~np.isin(positions, list(elsewhere)))
        new = new[np.argsort(positions[new])]
        steps, positions = steps[new], positions[new]
        if not len(steps):
            return
        drawn = written_as_raw(connection, self._run_id, self._key, self._wanted)
        groups = read_groups(connection, self._run_id, self._key)
        for record, place in self._read(connection, self._placed(steps, to.counts), steps, positions):
            is_drawn = (record.step, number(record.wall_time)) in drawn or to.experiments.hide(self._key)
            others = self._others(connection, groups.get(int(positions[place.number]), ()))
            place = place._replace(is_shown=place.is_shown and not is_drawn)
            write_record(record, others, place, self._series, to)

    def _others(self, connection: Connection, places: Iterable[Place]) -> list[Sample]:
        """The records that are written with the first of their group."""
        found = ((key, read_records(connection, self._run_id, key, [at])) for key, at in places)
        return [Sample(key, record.value) for key, (record,) in found]

    def _placed(self, steps: NDArray[np.int64], counts: Exported) -> list[Placed]:
        """Where records go that came with these steps; of a profiler's files the last has the name."""
        if self._key.kind == "raw" and not self._key.tag.startswith(_FILES):
            return as_they_came(len(steps))
        placed = by_step(steps, self._last_step)
        late = int((steps <= self._last_step).sum())
        counts.late += late
        counts.superseded += len(steps) - late - sum(place.is_shown for place in placed)
        self._last_step = max(int(steps.max()), self._last_step)
        return placed

    def _read(
        self,
        connection: Connection,
        placed: Sequence[Placed],
        steps: NDArray[np.int64],
        positions: NDArray[np.int64],
    ) -> Iterator[tuple[Record, Placed]]:
        """The records that are placed, some at a time."""
        for begin in range(0, len(placed), _RECORDS_AT_ONCE):
            some = placed[begin : begin + _RECORDS_AT_ONCE]
            wanted = sorted({place.number for place in some}, key=lambda index: (steps[index], index))
            read = read_records(connection, self._run_id, self._key, positions[wanted].tolist())
            records = dict(zip(wanted, read, strict=True))  # both are sorted by step, then arrival
            yield from ((records[place.number], place) for place in some)
