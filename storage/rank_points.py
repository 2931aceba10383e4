"""One tag of all ranks of a run, brought together step by step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select

from .chunk_rows import Window
from .cover import Axis
from .points import bucket_size, query_points
from .schema import clean_text, runs, series
from .series import Points

if TYPE_CHECKING:
    from .store import Store

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_SERIES = (
    select(series, runs.c.created_at)
    .join(runs, runs.c.run_id == series.c.run_id)
    .where(series.c.kind == "scalar")
    .order_by(series.c.rank)
)


@dataclass(frozen=True)
class RankPoints:
    """Points of a tag over the ranks of a run, as arrays of one length, one entry a step.

    If not ``exact``, an entry stands for a stretch of the axis, in which each rank counts by its mean.
    ``step`` and ``wall_time`` are the greatest of the entry's. ``mean`` and ``sum`` are over ranks with a
    finite value, ``minimum`` and ``maximum`` over all values but NaN, at ranks ``min_rank`` and
    ``max_rank`` (-1 where all are NaN). ``count`` is how many ranks have a point here and ``bad`` how
    many values are not finite; ``ranks`` are those with the tag, so that ``count < len(ranks)`` tells
    that some miss the step. Of points that a rank repeats at one step the last counts. ``total`` is the
    number of points in the query's window, of all ranks.
    """

    ranks: list[int]
    step: Integers
    wall_time: Floats
    mean: Floats
    minimum: Floats
    maximum: Floats
    sum: Floats
    count: Integers
    bad: Integers
    min_rank: Integers
    max_rank: Integers
    exact: bool
    total: int
    unreadable: int


class _Entries(NamedTuple):
    """What each rank has, one below the other; ``place`` is on the axis."""

    rank: Integers
    place: Floats
    step: Integers
    wall: Floats
    mean: Floats
    finite: Floats
    minimum: Floats
    maximum: Floats
    bad: Integers


def rank_points(
    store: Store,
    run_id: str,
    tag: str,
    *,
    axis: Axis = "step",
    window: Window | None = None,
    width: int | None = None,
) -> RankPoints:
    """A scalar tag over all ranks that have it. A method of ``Store``; arguments as for ``Store.points``.

    At most ``2 * width`` entries, for each of which no more is read of a rank than for its own line.
    Raises ``RunNotFound`` and ``SeriesNotFound``.
    """
    query = _SERIES.where(series.c.run_id == run_id, series.c.tag == clean_text(tag))
    with store.reading() as connection:
        rows = connection.execute(query).mappings().all()
        found = [
            query_points(connection, row, axis=axis, origin=row["created_at"], window=window, width=width)
            for row in rows
        ]
    if not rows:
        store.points(run_id, tag, width=1)  # says what is not there
    return _together([row["rank"] for row in rows], found, axis, rows[0]["created_at"], width)


def _together(
    ranks: list[int], found: Sequence[Points], axis: Axis, origin: float, width: int | None
) -> RankPoints:
    exact = all(points.exact for points in found)
    entries = _stacked([_of_rank(*pair, axis, origin) for pair in zip(ranks, found, strict=True)])
    keys = entries.step
    if not exact or (width is not None and len(np.unique(keys)) > 2 * width):
        assert width is not None
        exact = False
        extent = float(np.ptp(entries.place)) if len(entries.place) else 0.0
        keys = np.floor(entries.place / (bucket_size(extent, width) or 1.0)).astype(np.int64)
    total = sum(points.total for points in found)
    unreadable = sum(points.unreadable for points in found)
    columns = _over_ranks(*_each_once(entries, keys), axis)
    return RankPoints(ranks, *columns, exact=exact, total=total, unreadable=unreadable)


def _of_rank(rank: int, points: Points, axis: Axis, origin: float) -> _Entries:
    told = _of_exact(points) if points.exact else _of_thinned(points)
    steps, walls = told[0], told[1]
    place = steps if axis == "step" else walls - (origin if axis == "relative" else 0.0)
    columns: list[Any] = [np.full(len(steps), rank), place, *told]
    typed: list[Any] = [np.asarray(column, kind) for column, kind in zip(columns, _TYPES, strict=True)]
    return _Entries(*typed)


def _of_exact(points: Points) -> list[Any]:
    """The columns of ``_Entries`` from ``step`` on, the last point of each step an entry."""
    order = np.argsort(points.step, kind="stable")
    last = order[np.append(np.diff(points.step[order]) != 0, [True] * (len(order) > 0))]
    steps, walls, values = (column[last] for column in (points.step, points.wall_time, points.value))
    finite = np.isfinite(values)
    return [steps, walls, np.where(finite, values, np.nan), finite, values, values, ~finite]


def _of_thinned(points: Points) -> list[Any]:
    counts: list[Any] = [points.nan_count, points.pos_inf_count, points.neg_inf_count]
    bad = sum(counts)
    finite = np.asarray(points.count) - bad
    return [points.step, points.wall_time, points.mean, finite, points.minimum, points.maximum, bad]


_TYPES = (np.int64, float, np.int64, float, float, float, float, float, np.int64)


def _stacked(parts: Sequence[_Entries]) -> _Entries:
    columns: list[Any] = [np.concatenate(columns) for columns in zip(*parts, strict=True)]
    return _Entries(*columns)


def _each_once(entries: _Entries, keys: Integers) -> tuple[_Entries, Integers]:
    """One entry for each key and rank, sorted by key; and its keys."""
    order = np.lexsort((entries.rank, keys))
    ordered: list[Any] = [column[order] for column in entries]
    entries, keys = _Entries(*ordered), keys[order]
    if not len(keys):
        return entries, keys
    starts = np.flatnonzero(np.append(True, (np.diff(keys) != 0) | (np.diff(entries.rank) != 0)))
    finite = np.add.reduceat(entries.finite, starts)
    share = entries.finite / np.repeat(np.maximum(finite, 1), np.diff(np.append(starts, len(keys))))
    mean = np.add.reduceat(np.where(entries.finite > 0, entries.mean, 0.0) * share, starts)
    once = _Entries(
        entries.rank[starts],
        np.fmax.reduceat(entries.place, starts),
        np.maximum.reduceat(entries.step, starts),
        np.fmax.reduceat(entries.wall, starts),
        np.where(finite > 0, mean, np.nan),
        finite,
        np.fmin.reduceat(entries.minimum, starts),
        np.fmax.reduceat(entries.maximum, starts),
        np.add.reduceat(entries.bad, starts),
    )
    return once, keys[starts]


def _over_ranks(entries: _Entries, keys: Integers, axis: Axis) -> list[NDArray[Any]]:
    """The columns of ``RankPoints``, sorted by the axis."""
    if not len(keys):
        return [np.empty(0, kind) for kind in _COLUMN_TYPES]
    starts = np.flatnonzero(np.append(True, np.diff(keys) != 0))
    usable = entries.finite > 0
    number = np.add.reduceat(usable, starts, dtype=np.int64)
    total = np.add.reduceat(np.where(usable, entries.mean, 0.0), starts)
    total[number == 0] = np.nan
    columns = [
        np.maximum.reduceat(entries.step, starts),
        np.fmax.reduceat(entries.wall, starts),
        total / np.maximum(number, 1),
        np.fmin.reduceat(entries.minimum, starts),
        np.fmax.reduceat(entries.maximum, starts),
        total,
        np.diff(np.append(starts, len(keys))),
        np.add.reduceat(entries.bad, starts),
        _where_least(entries.minimum, entries.rank, keys, starts),
        _where_least(-entries.maximum, entries.rank, keys, starts),
    ]
    order = np.argsort(columns[0 if axis == "step" else 1], kind="stable")
    return [column[order] for column in columns]


_COLUMN_TYPES = (np.int64, *[float] * 5, *[np.int64] * 4)


def _where_least(values: Floats, ranks: Integers, keys: Integers, starts: NDArray[np.intp]) -> Integers:
    """Of each key the rank with the least value, of several the first; -1 if all are NaN."""
    first = np.lexsort((values, keys))[starts]
    return np.where(np.isnan(values[first]), -1, ranks[first])
