"""Compare a scalar series with itself: its points with the chunks, levels and summary that tell of them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sqlalchemy import Connection, RowMapping, and_, select

from . import buckets as bucket_codec
from . import chunks as point_codec
from .buckets import Buckets, concatenate, unknown
from .chunks import CHUNK_POINTS, Columns
from .faults import Fault
from .pyramid import FAN_OUT, first_level, level_chunk
from .quarantine import HOLES, closed_up
from .rebuild import LevelChunk, built_levels
from .schema import chunks
from .series import SeriesKey
from .summary import add_points, empty_row, number

_CHUNKS_AT_ONCE = 16
_RANGES = ("min_step", "max_step", "min_wall", "max_wall")
_VALUES = (
    *("first_step", "last_step", "first_wall", "last_wall"),
    *("last", "minimum", "maximum", "mean", "min_step", "max_step"),
)
_COUNTS = ("finite_count", "nan_count", "pos_inf_count", "neg_inf_count")
_UNKNOWN_STEP = np.iinfo(np.int64).min


@dataclass(frozen=True)
class Piece:
    """Consecutive points of a series as they are stored; without ``points`` they cannot be read."""

    start: int
    count: int
    points: Columns | None
    row: RowMapping | None


@dataclass
class Examined:
    """What is wrong with a series, and what would put it right.

    ``holes`` are sealed pieces to be set aside, ``tail`` says that what is open must be written anew,
    ``chunks`` are rows to be written in the place of those there, ``surplus`` (level, start) of chunks
    that should not be, and ``summary`` the columns of the series' row that are wrong.
    """

    faults: list[Fault] = field(default_factory=list)
    holes: list[Piece] = field(default_factory=list)
    tail: bool = False
    chunks: list[dict[str, Any]] = field(default_factory=list)
    surplus: list[tuple[int, int]] = field(default_factory=list)
    summary: dict[str, Any] = field(default_factory=dict)


def examine(connection: Connection, series: RowMapping) -> Examined:
    """Read all of a series, holding few chunks at a time."""
    return _Examination(connection, series).run()


def open_pieces(connection: Connection, series: RowMapping) -> list[Piece]:
    """The pieces of a series that are not sealed."""
    query = _of_level(series, 0).where(chunks.c.start >= series["sealed"]).order_by(chunks.c.start)
    return [_piece(row) for row in connection.execute(query).mappings()]


def _of_level(series: RowMapping, level: int) -> Any:
    of_series = and_(chunks.c.run_id == series["run_id"], chunks.c.series_id == series["series_id"])
    return select(chunks).where(of_series, chunks.c.level == level)


def _piece(row: RowMapping) -> Piece:
    try:
        points = point_codec.decode(row["data"], row["count"])
    except ValueError:
        points = None
    return Piece(row["start"], row["count"], points, row)


class _Examination:
    def __init__(self, connection: Connection, series: RowMapping) -> None:
        self._connection = connection
        self._series = series
        self._found = Examined()
        key = SeriesKey(series["rank"], series["kind"], series["tag"])
        self._told = empty_row(series["run_id"], key)
        self._unreadable = 0

    def run(self) -> Examined:
        series = self._series
        if series["sealed"] % CHUNK_POINTS or series["sealed"] > series["count"]:
            self._fault("the number of its sealed points makes no sense", repairable=False)
            return self._found
        self._compare_levels()
        self._compare_tail()
        self._compare_summary()
        return self._found

    def _fault(self, what: str, lost: int = 0, repairable: bool = True) -> None:
        series = self._series
        self._found.faults.append(Fault(what, series["run_id"], series["tag"], lost, repairable))

    def _learn(self, piece: Piece) -> None:
        """Take a readable piece into the summary; compare the ranges its row gives."""
        assert piece.points is not None and piece.row is not None
        add_points([self._told], [piece.points])
        ranges = _ranges(piece.points)
        if ranges != {name: piece.row[name] for name in _RANGES}:
            self._fault(f"the ranges given of the points from {piece.start} on are wrong")
            self._found.chunks.append({**piece.row, **ranges})

    # --- What is sealed, and the levels above it ---------------------------------------------------

    def _first_levels(self) -> Iterator[Buckets]:
        known_holes = {row["start"] for row in self._rows(_of_level(self._series, HOLES))}
        span = _CHUNKS_AT_ONCE * CHUNK_POINTS
        for at in range(0, self._series["sealed"], span):
            stop = min(at + span, self._series["sealed"])
            query = _of_level(self._series, 0).where(chunks.c.start >= at, chunks.c.start < stop)
            stored = {row["start"]: row for row in self._rows(query)}
            made = [
                self._sealed(start, stored.get(start), known_holes) for start in range(at, stop, CHUNK_POINTS)
            ]
            yield concatenate(made)

    def _sealed(self, start: int, row: RowMapping | None, known_holes: set[int]) -> Buckets:
        piece = _piece(row) if row and row["count"] == CHUNK_POINTS else Piece(start, CHUNK_POINTS, None, row)
        if piece.points is not None:
            self._learn(piece)
            return first_level(piece.points)
        self._unreadable += CHUNK_POINTS
        if start not in known_holes:
            self._fault(f"points {start} to {start + CHUNK_POINTS - 1} cannot be read", CHUNK_POINTS)
            self._found.holes.append(piece)
        return unknown(CHUNK_POINTS // FAN_OUT, FAN_OUT)

    def _compare_levels(self) -> None:
        expected: set[tuple[int, int]] = set()
        for built in built_levels(self._first_levels()):
            expected.add((built.level, built.start))
            self._compare_level_chunk(built)
        of_series = and_(*(chunks.c[name] == self._series[name] for name in ("run_id", "series_id")))
        stored = select(chunks.c.level, chunks.c.start).where(of_series, chunks.c.level > 0)
        surplus = [(level, start) for level, start in self._connection.execute(stored)]
        self._found.surplus = [key for key in surplus if key not in expected]
        if self._found.surplus:
            self._fault(f"{len(self._found.surplus)} chunks of levels should not be there")

    def _compare_level_chunk(self, built: LevelChunk) -> None:
        query = _of_level(self._series, built.level).where(chunks.c.start == built.start)
        row = next(iter(self._rows(query)), None)
        stored = _level_buckets(row, built)
        is_known = built.buckets.ints("min_step") != _UNKNOWN_STEP
        part = built.buckets
        if stored is not None:
            if np.array_equal(stored.table[:, is_known], part.table[:, is_known]):
                return
            part.table[:, ~is_known] = stored.table[:, ~is_known]
        self._fault(f"level {built.level} from bucket {built.start} on does not tell what the points say")
        series = self._series
        self._found.chunks.append(
            level_chunk(series["run_id"], series["series_id"], built.level, built.start, part)
        )

    # --- What is open, and the summary -------------------------------------------------------------

    def _compare_tail(self) -> None:
        at = self._series["sealed"]
        for piece in open_pieces(self._connection, self._series):
            self._found.tail |= piece.start != at or piece.points is None
            at = piece.start + piece.count
            if piece.points is None:
                self._unreadable += piece.count
                self._fault(f"points {piece.start} to {at - 1} cannot be read", piece.count)
            else:
                self._learn(piece)
        if at != self._series["count"]:
            self._found.tail = True
            lost = max(self._series["count"] - at, 0)
            self._fault(f"its row counts {self._series['count']} points, its chunks hold {at}", lost)

    def _compare_summary(self) -> None:
        """Of a series that lost points only the counts can be compared."""
        series, told = self._series, self._told
        gone = closed_up(self._connection, series["run_id"], series["series_id"]) + self._unreadable
        told["nan_count"] += gone  # as levels count what is unknown
        names = (
            _COUNTS if gone else ("first_step", "last_step", "first_wall", "last_wall", *_VALUES, *_COUNTS)
        )
        if gone:
            is_wrong = sum(series[name] for name in _COUNTS) != sum(told[name] for name in _COUNTS)
            wrong = list(names) if is_wrong else []
        else:
            wrong = [name for name in names if not _agree(name, series[name], told)]
        if wrong:
            self._found.summary = {name: told[name] for name in wrong}
            self._fault(f"its summary is wrong: {', '.join(wrong)}")

    def _rows(self, query: Any) -> list[RowMapping]:
        return list(self._connection.execute(query).mappings())


def _ranges(points: Columns) -> dict[str, Any]:
    return {
        "min_step": int(points.steps.min()),
        "max_step": int(points.steps.max()),
        "min_wall": number(np.fmin.reduce(points.walls)),
        "max_wall": number(np.fmax.reduce(points.walls)),
    }


def _level_buckets(row: RowMapping | None, built: LevelChunk) -> Buckets | None:
    if row is None or row["count"] != len(built.buckets):
        return None
    try:
        return bucket_codec.decode(row["data"], row["count"], FAN_OUT**built.level)
    except ValueError:
        return None


def _agree(name: str, stored: Any, told: Mapping[str, Any]) -> bool:
    """Whether a column is as told; a mean that grew point by point may differ in its last digits."""
    expected = told[name]
    if name != "mean" or stored is None or expected is None:
        return bool(stored == expected)
    finite = [
        abs(told[end]) for end in ("minimum", "maximum") if math.isfinite(told[end] or 0.0) and told[end]
    ]
    return abs(stored - expected) <= 1e-6 * max([*finite, abs(expected)])
