"""All statistics of all layers of a run, merged to at most as many columns as a picture has room for.

A column covers a stretch of steps that is a power of two long; as a run grows, two become one. Of every
statistic a column keeps the least and the greatest finite value, and of NaN and infinities the sums:
nothing is sampled away, and the worst value stays visible. Each record is read once.
"""

from __future__ import annotations

import threading
import time
import zlib
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...storage.kinds.layer_stats import STATISTICS, LayerStats

if TYPE_CHECKING:
    from ...storage import SeriesRecord, Store

PREFIX = "layers/"
MEASURES = ("norm", "mean", "std", "min", "max", "zero_fraction", "ratio")
COUNTS = ("nans", "infs")
MIN_COLUMNS, MAX_COLUMNS = 48, 512
MAX_CELLS = 400_000
KEPT_BYTES = 192 << 20
READ_SECONDS = 0.5
_BATCH = 64
_DAMAGED = (ValueError, KeyError, TypeError, IndexError, zlib.error)
_MEASURED = [STATISTICS.index(name) for name in MEASURES]
_COUNTED = [STATISTICS.index(name) for name in COUNTS]

Side = Literal["low", "high"]
Window = tuple[float, float]
"""The first and the last step that are looked at."""
_Floats = NDArray[np.float32]


class _Part(NamedTuple):
    """One source in one column: ``low`` and ``high`` are layers x measures, ``counts`` layers x counts."""

    low: _Floats
    high: _Floats
    counts: _Floats

    def joined(self, other: _Part) -> _Part:
        size = max(len(self.low), len(other.low))
        one, two = self._padded(size), other._padded(size)
        return _Part(np.fmin(one.low, two.low), np.fmax(one.high, two.high), one.counts + two.counts)

    def _padded(self, size: int) -> _Part:
        more = size - len(self.low)
        if not more:
            return self
        empty = np.full((more, len(MEASURES)), np.nan, np.float32)
        none = np.zeros((more, len(COUNTS)), np.float32)
        return _Part(
            np.concatenate((self.low, empty)),
            np.concatenate((self.high, empty)),
            np.concatenate((self.counts, none)),
        )


class _Column(NamedTuple):
    """Its first and last step that were looked at, and the sources seen."""

    first: int
    last: int
    parts: dict[str, _Part]


class History:
    """What was read so far of one rank of a run. Not safe to use from several threads at once."""

    def __init__(self) -> None:
        self.layers: dict[str, dict[str, int]] = {}
        """Of each source (``gradients``, …) the layers, in the model's order, with their rows."""
        self.read: dict[str, int] = {}
        self.unreadable = 0
        self._columns: dict[int, _Column] = {}
        self._width = 1

    @property
    def steps(self) -> list[tuple[int, int]]:
        """The first and the last step of every column, sorted."""
        return [(self._columns[at].first, self._columns[at].last) for at in sorted(self._columns)]

    @property
    def nbytes(self) -> int:
        parts = [part for column in self._columns.values() for part in column.parts.values()]
        return sum(array.nbytes for part in parts for array in part)

    def measure(self, source: str, measure: str, side: Side = "high") -> _Floats:
        """Layers x columns: the least or the greatest finite value; NaN where nothing was logged."""
        at = MEASURES.index(measure)
        return self._table(source, lambda part: (part.low if side == "low" else part.high)[:, at], np.nan)

    def counts(self, source: str, count: str) -> _Floats:
        """Layers x columns: how many NaN (``nans``) or infinities (``infs``) there were."""
        at = COUNTS.index(count)
        return self._table(source, lambda part: part.counts[:, at], 0.0)

    def not_finite(self, source: str) -> _Floats:
        """Layers x columns: how many values were NaN or infinite."""
        return self.counts(source, "nans") + self.counts(source, "infs")

    def _table(self, source: str, read: Callable[[_Part], _Floats], missing: float) -> _Floats:
        table = np.full((len(self.layers.get(source, ())), len(self._columns)), missing, np.float32)
        for place, at in enumerate(sorted(self._columns)):
            part = self._columns[at].parts.get(source)
            if part is not None:
                table[: len(part.low), place] = read(part)
        return table

    def add(self, source: str, step: int, stats: LayerStats) -> None:
        """Merge a record into the column of its step."""
        rows = self.layers.setdefault(source, {})
        places = [rows.setdefault(name, len(rows)) for name in stats.names]
        measured = np.full((len(rows), len(MEASURES)), np.nan, np.float32)
        counted = np.zeros((len(rows), len(COUNTS)), np.float32)
        measured[places] = stats.values[:, _MEASURED]
        measured[~np.isfinite(measured)] = np.nan
        counted[places] = np.nan_to_num(stats.values[:, _COUNTED])
        self._join(step // self._width, _Column(step, step, {source: _Part(measured, measured, counted)}))
        while len(self._columns) > self._room():
            self._halve()

    def _room(self) -> int:
        layers = max(sum(map(len, self.layers.values())), 1)
        return min(max(MAX_CELLS // layers, MIN_COLUMNS), MAX_COLUMNS)

    def _halve(self) -> None:
        columns, self._columns = self._columns, {}
        self._width *= 2
        for at, column in columns.items():
            self._join(at // 2, column)

    def _join(self, at: int, column: _Column) -> None:
        there = self._columns.get(at)
        if there is None:
            self._columns[at] = column
            return
        parts = dict(there.parts)
        for source, part in column.parts.items():
            parts[source] = parts[source].joined(part) if source in parts else part
        self._columns[at] = _Column(min(there.first, column.first), max(there.last, column.last), parts)


class Look(NamedTuple):
    """``read`` of ``total`` records are in ``history``."""

    history: History
    read: int
    total: int


class _Entry:
    """A history, whom it belongs to for now, and how large it was when it was last looked at."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.history = History()
        self.nbytes = 0


class Histories:
    """The histories of the runs that were asked for lately; for many threads."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._opened = store.reopened
        self._kept: OrderedDict[Hashable, _Entry] = OrderedDict()
        self._lock = threading.Lock()

    @contextmanager
    def look(
        self, run_id: str, rank: int = 0, window: Window | None = None, seconds: float = READ_SECONDS
    ) -> Iterator[Look]:
        """Read on for about so long, and tell what is known by then, to be used within the block.

        The first look at a long run may end before everything is read: look again. A window of steps
        has all columns for itself, so that it is seen in more detail.
        """
        wanted = [one for one in self._store.series(run_id, "layer_stats") if one.rank == rank]
        wanted = [one for one in wanted if one.tag.startswith(PREFIX)]
        entry = self._entry(run_id, rank, window)
        with entry.lock:
            if any(entry.history.read.get(one.tag, 0) > one.count for one in wanted):
                entry.history = History()  # the run was deleted, and is here again from elsewhere
            history = entry.history
            _read_on(self._store, history, wanted, window, time.monotonic() + seconds)
            entry.nbytes = history.nbytes
            self._forget_some()
            read = sum(history.read.get(one.tag, 0) for one in wanted)
            yield Look(history, read, sum(one.count for one in wanted))

    def _entry(self, *key: Hashable) -> _Entry:
        with self._lock:
            if self._opened != self._store.reopened:
                self._opened = self._store.reopened
                self._kept.clear()
            entry = self._kept.pop(key, None) or _Entry()
            self._kept[key] = entry
            return entry

    def _forget_some(self) -> None:
        with self._lock:
            size = sum(entry.nbytes for entry in self._kept.values())
            while size > KEPT_BYTES and len(self._kept) > 1:
                size -= self._kept.popitem(last=False)[1].nbytes


def _read_on(
    store: Store, history: History, wanted: list[SeriesRecord], window: Window | None, until: float
) -> None:
    """Read all series on, in turns, so that at any time they are about as far as one another."""
    waiting = {one.tag: _waiting(store, history, one, window) for one in wanted}
    while behind := [one for one in wanted if history.read.get(one.tag, 0) < one.count]:
        series = min(behind, key=lambda one: history.read.get(one.tag, 0) / one.count)
        batch, rest = waiting[series.tag][:_BATCH], waiting[series.tag][_BATCH:]
        waiting[series.tag] = rest
        history.read[series.tag] = rest[0] if rest else series.count
        if batch:
            _read_batch(store, history, series, batch)
        if time.monotonic() >= until:
            return


def _waiting(store: Store, history: History, series: SeriesRecord, window: Window | None) -> Sequence[int]:
    """The indices of a series' records that are to be read yet, as they arrived."""
    start = history.read.get(series.tag, 0)
    if window is None or start >= series.count:
        return range(start, series.count)
    steps, _, indices = store.record_index(series.run_id, series.tag, "layer_stats", rank=series.rank)
    inside = indices[(steps >= window[0]) & (steps <= window[1])]
    return np.sort(inside[(inside >= start) & (inside < series.count)]).tolist()


def _read_batch(store: Store, history: History, series: SeriesRecord, indices: Sequence[int]) -> None:
    where = (series.run_id, series.tag, "layer_stats")
    try:
        records = store.records_at(*where, indices, rank=series.rank)
    except _DAMAGED:
        if len(indices) == 1:
            history.unreadable += 1
            return
        for index in indices:
            _read_batch(store, history, series, [index])
        return
    for record in records:
        history.add(series.tag.removeprefix(PREFIX), record.step, record.value)
