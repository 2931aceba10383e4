"""Histograms of a series, merged until few enough are left for a picture, whatever the number of steps.

Histograms add, so a column of a picture is the sum of all of its steps: none is left out. Sums of 16, 32,
64 … neighbouring steps are kept in memory, so that a series is read once and a zoom reads what it adds.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..storage.kinds.histogram import Histogram
from ..storage.kinds.histogram_sums import total

if TYPE_CHECKING:
    from ..storage import SeriesRecord, Store

BASE_LEVEL = 4
"""Sums of ``2**BASE_LEVEL`` steps and more are kept; smaller ones are made of the records each time."""
READ_AT_ONCE = 256
CAPACITY_BYTES = 192 << 20
MAX_INDEXES = 600
_OVERHEAD_BYTES = 600

Choose = Callable[[NDArray[np.int64], NDArray[np.float64]], slice]
"""Which of a series' steps and wall times, both sorted by step, are wanted."""


class Column(NamedTuple):
    """The sum of the histograms from ``first_step`` to ``step``, of which there are ``records``.

    ``wall_time`` is that of the last one.
    """

    step: int
    wall_time: float
    value: Histogram
    first_step: int
    records: int = 1


class Columns(NamedTuple):
    """Columns in the order of steps; none as long as less than all (``read`` < 1) could be read in time.

    ``started`` is the wall time of the series' first step.
    """

    columns: Sequence[Column]
    read: float
    started: float


class _Index(NamedTuple):
    steps: NDArray[np.int64]
    walls: NDArray[np.float64]
    positions: NDArray[np.int64]
    generation: int


class MergedHistograms:
    """Reads columns of series of histograms. Safe to use from many threads."""

    def __init__(self, store: Store, capacity_bytes: int = CAPACITY_BYTES) -> None:
        self._store = store
        self._capacity = capacity_bytes
        self._held = 0
        self._lock = threading.Lock()
        self._indexes: OrderedDict[tuple[str, str, int], _Index] = OrderedDict()
        self._sums: OrderedDict[tuple[object, ...], Histogram] = OrderedDict()

    def read(
        self, series: SeriesRecord, most: int, choose: Choose | None = None, until: float = np.inf
    ) -> Columns:
        """At most ``most`` columns of the steps chosen, all by default.

        Neighbouring steps are merged in pairs, pairs of pairs and so on, as often as needed. Where that
        takes longer than ``until``, a time of ``time.monotonic``, it stops; asked again, it goes on.
        """
        with self._lock:
            index = self._index(series)
            count = len(index.steps)
            wanted = choose(index.steps, index.walls) if choose else slice(0, count)
            level = _level(wanted, most)
            blocks = range(
                wanted.start >> level, -(-wanted.stop >> level) if wanted.stop > wanted.start else 0
            )
            started = float(index.walls[0]) if count else np.nan
            share = self._fill(series, index, blocks, level, until)
            if share < 1:
                return Columns([], share, started)
            sums = (
                self._small_sums(series, index, level, blocks)
                if level < BASE_LEVEL
                else [self._sum(series, index, level, block) for block in blocks]
            )
            columns = [_column(index, level, block, value) for block, value in zip(blocks, sums, strict=True)]
            return Columns(columns, 1.0, started)

    def at(self, series: SeriesRecord, step: int | None) -> Columns:
        """The one column of the last histogram at or before ``step``, or else the first; None: the newest."""
        with self._lock:
            index = self._index(series)
            if not len(index.steps):
                return Columns([], 1.0, np.nan)
            after = (
                len(index.steps) if step is None else int(np.searchsorted(index.steps, step, side="right"))
            )
            place = max(after, 1) - 1
            (value,) = self._values(series, index, [place])
            return Columns([_column(index, 0, place, value)], 1.0, float(index.walls[0]))

    def steps(self, series: SeriesRecord) -> NDArray[np.int64]:
        """The steps of a series, sorted."""
        with self._lock:
            return self._index(series).steps

    def _index(self, series: SeriesRecord) -> _Index:
        key = series.run_id, series.tag, series.rank
        known = self._indexes.get(key)
        if known is None or len(known.steps) != series.count:
            found = self._store.record_index(series.run_id, series.tag, "histogram", rank=series.rank)
            # Where a late step came in between, or the series is another one now, old sums are of no use.
            generation = known.generation if known else 0
            if known and not np.array_equal(found[2][: len(known.steps)], known.positions):
                generation += 1
            self._indexes[key] = known = _Index(*found, generation)
        self._indexes.move_to_end(key)
        if len(self._indexes) > MAX_INDEXES:
            self._indexes.popitem(last=False)
        return known

    def _fill(self, series: SeriesRecord, index: _Index, blocks: range, level: int, until: float) -> float:
        """Read the whole base sums that these blocks need; the share of them that is there in the end."""
        if level < BASE_LEVEL:
            return 1.0
        shift = level - BASE_LEVEL
        whole = len(index.steps) >> BASE_LEVEL
        needed = range(blocks.start << shift, min(blocks.stop << shift, whole))
        missing = [n for n in needed if (*_key(series, index), BASE_LEVEL, n) not in self._sums]
        group = READ_AT_ONCE >> BASE_LEVEL
        for start in range(0, len(missing), group):
            if time.monotonic() > until:
                return 1 - (len(missing) - start) / max(len(needed), 1)
            self._read_sums(series, index, missing[start : start + group])
        return 1.0

    def _read_sums(self, series: SeriesRecord, index: _Index, numbers: Sequence[int]) -> None:
        size = 1 << BASE_LEVEL
        places = [at for number in numbers for at in range(number * size, (number + 1) * size)]
        values = self._values(series, index, places)
        for at, number in enumerate(numbers):
            self._keep((*_key(series, index), BASE_LEVEL, number), total(values[at * size : (at + 1) * size]))

    def _small_sums(self, series: SeriesRecord, index: _Index, level: int, blocks: range) -> list[Histogram]:
        """Sums of so few records that they are read again each time."""
        first, last = blocks.start << level, min(blocks.stop << level, len(index.steps))
        values: list[Histogram] = []
        for start in range(first, last, READ_AT_ONCE):
            values += self._values(series, index, range(start, min(start + READ_AT_ONCE, last)))
        size = 1 << level
        return [total(values[at : at + size]) if level else values[at] for at in range(0, len(values), size)]

    def _sum(self, series: SeriesRecord, index: _Index, level: int, block: int) -> Histogram:
        first, last = block << level, min((block + 1) << level, len(index.steps))
        key = (*_key(series, index), level, block)
        if key in self._sums:
            self._sums.move_to_end(key)
            return self._sums[key]
        if level == BASE_LEVEL:
            value = total(self._values(series, index, range(first, last)))
        else:
            halves = [half for half in (2 * block, 2 * block + 1) if half << (level - 1) < last]
            value = total(self._sum(series, index, level - 1, half) for half in halves)
        if last - first == 1 << level:
            self._keep(key, value)
        return value

    def _values(self, series: SeriesRecord, index: _Index, places: Sequence[int]) -> list[Histogram]:
        positions = index.positions[list(places)].tolist()
        records = self._store.records_at(series.run_id, series.tag, "histogram", positions, rank=series.rank)
        return [record.value for record in records]

    def _keep(self, key: tuple[object, ...], value: Histogram) -> None:
        self._sums[key] = value
        self._held += _size(value)
        while self._held > self._capacity and len(self._sums) > 1:
            self._held -= _size(self._sums.popitem(last=False)[1])


def _column(index: _Index, level: int, block: int, value: Histogram) -> Column:
    first, last = block << level, min((block + 1) << level, len(index.steps)) - 1
    return Column(
        int(index.steps[last]), float(index.walls[last]), value, int(index.steps[first]), last - first + 1
    )


def _key(series: SeriesRecord, index: _Index) -> tuple[object, ...]:
    return series.run_id, series.tag, series.rank, index.generation


def _level(wanted: slice, most: int) -> int:
    """How often to merge pairs until at most ``most`` blocks touch the wanted range."""
    level = 0
    while wanted.stop > wanted.start and (wanted.stop - 1 >> level) - (wanted.start >> level) >= most:
        level += 1
    return level


def _size(value: Histogram) -> int:
    return value.buckets.nbytes + value.counts.nbytes + _OVERHEAD_BYTES
