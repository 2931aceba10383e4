"""Lines that many pages ask for, each read from the store once for as long as its run stays as it is."""

from __future__ import annotations

import threading
from collections import OrderedDict, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..storage.errors import RunNotFound, SeriesNotFound
from .cards.scalar import Line, Wanted, read
from .derived import derive
from .formula import BadFormula, parse

if TYPE_CHECKING:
    from ..storage import Store
    from ..storage.points import Axis

KEPT_BYTES = 64 << 20
_OVERHEAD_BYTES = 1_000
_TURNS = 64


@dataclass(frozen=True)
class View:
    """How lines are wanted: the chart's width in pixels, its axis, and the part of it in view."""

    width: int
    axis: Axis = "step"
    window: tuple[float, float] | None = None


_Key = tuple[Wanted, View]


class Lines:
    """Reads lines for any number of pages at once; safe to use from many threads.

    A line is kept beside the revision that its run had just before the line was read, so it is at least
    as new as that. Pages wake up together: the first to ask reads, the others wait for what it finds.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._kept: OrderedDict[_Key, tuple[int, Line | None]] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()
        self._turns = [threading.Lock() for _ in range(_TURNS)]

    def read(self, wanted: Sequence[Wanted], view: View, revisions: Mapping[str, int]) -> list[Line | None]:
        """What a page lacks of each series, in order; None for one that does not exist, or is no formula.

        ``revisions`` are those of the runs, not older than what the page was told.
        """
        of_run: defaultdict[str, list[Wanted]] = defaultdict(list)
        for one in wanted:
            of_run[one.run].append(one)
        found: dict[Wanted, Line | None] = {}
        for run, series in of_run.items():
            revision = revisions.get(run, 0)
            found |= self._kept_of(series, view, revision)
            if any(one not in found for one in series):
                with self._turns[hash(run) % _TURNS]:
                    found |= self._kept_of(series, view, revision)
                    found |= self._bring([one for one in series if one not in found], view, revision)
        return [found[one] for one in wanted]

    def _kept_of(self, series: Sequence[Wanted], view: View, revision: int) -> dict[Wanted, Line | None]:
        with self._lock:
            found = ((one, self._kept.get((one, view))) for one in series)
            return {one: kept[1] for one, kept in found if kept is not None and kept[0] >= revision}

    def _bring(self, series: Sequence[Wanted], view: View, revision: int) -> dict[Wanted, Line | None]:
        with self._store.reading():
            brought = {one: self._line(one, view) for one in series}
        with self._lock:
            for one, line in brought.items():
                self._forget((one, view))
                self._kept[one, view] = revision, line
                self._bytes += _size(line)
            while self._bytes > KEPT_BYTES:
                self._forget(next(iter(self._kept)))
        return brought

    def _line(self, wanted: Wanted, view: View) -> Line | None:
        how = {"width": view.width, "axis": view.axis, "window": view.window}
        try:
            if wanted.formula:
                return derive(self._store, wanted.run, parse(wanted.tag), **how)
            return read(self._store, wanted, **how)
        except (RunNotFound, SeriesNotFound, BadFormula):
            return None

    def _forget(self, key: _Key) -> None:
        if (kept := self._kept.pop(key, None)) is not None:
            self._bytes -= _size(kept[1])


def _size(line: Line | None) -> int:
    return _OVERHEAD_BYTES + (line.columns.nbytes if line is not None else 0)
