"""Points of a series within a window, no more of them than a picture has room for."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, RowMapping, bindparam, select

from . import chunks as codec
from .buckets import Buckets, concatenate, merge, of_points
from .chunk_rows import Source, Window
from .chunks import CHUNK_POINTS, Columns
from .cover import AXES, Axis, Cover, View, cover
from .schema import chunks
from .series import Points

_INT64 = np.iinfo(np.int64)
# Built once: that takes longer than the answer. No chunk is longer than CHUNK_POINTS.
_CHUNKS_AFTER = (
    select(chunks.c.start, chunks.c.count.label("points"), chunks.c.data)
    .where(chunks.c.run_id == bindparam("run"), chunks.c.series_id == bindparam("series"))
    .where(chunks.c.level == 0, chunks.c.start > bindparam("after"))
    .order_by(chunks.c.start)
)


def query_points(
    connection: Connection,
    series: RowMapping,
    *,
    axis: Axis,
    origin: float,
    window: Window | None,
    width: int | None,
) -> Points:
    """The points of a window (both ends included) of an axis, sorted by it, thinned if over ``2 * width``.

    ``series`` is the series' row and ``origin`` the wall time at which the relative axis is 0.
    """
    if axis not in AXES:
        raise ValueError(f"axis must be one of {', '.join(AXES)} (got {axis!r})")
    if width is not None and width < 1:
        raise ValueError(f"width must be at least 1 (got {width})")
    if window is not None:
        window = _in_store(window, axis, origin)
    room = None if width is None else 2 * width
    view = View(axis, window, room, _pixel(series, axis, window, width))
    found = cover(Source(connection, series["run_id"], series["series_id"], series["sealed"]), view)
    if not len(found.buckets) and (room is None or len(found.points.steps) <= room):
        points = _sorted(found.points, axis)
        total = len(points.steps) + found.unreadable
        return Points(*points, exact=True, total=total, unreadable=found.unreadable)
    assert width is not None
    return _thinned(found, axis, origin, width)


def read_since(connection: Connection, run_id: str, series_id: int, index: int) -> Points:
    """The points from the ``index``-th to arrive on, in arrival order."""
    parts: list[Columns] = []
    unreadable = 0
    asked = {"run": run_id, "series": series_id, "after": index - CHUNK_POINTS}
    for start, count, data in connection.execute(_CHUNKS_AFTER, asked):
        before = max(index - start, 0)
        if before >= count:
            continue
        try:
            parts.append(codec.decode(data, count).take(slice(before, None)))
        except ValueError:
            unreadable += count - before
    points = Columns.concatenate(parts)
    return Points(*points, exact=True, total=len(points.steps) + unreadable, unreadable=unreadable)


def _in_store(window: Window, axis: Axis, origin: float) -> Window:
    """A window in the units of the stored columns, and within what a database takes."""
    if axis == "step":
        low, high = max(window[0], _INT64.min), min(window[1], _INT64.max)
        return (0, -1) if low > high else (low, high)
    shift = origin if axis == "relative" else 0.0
    return window[0] + shift, window[1] + shift


def _pixel(series: RowMapping, axis: Axis, window: Window | None, width: int | None) -> float:
    """How much of the axis one place of the picture covers; 0 if the series has no extent."""
    ends = "step" if axis == "step" else "wall"
    low, high = series[f"first_{ends}"], series[f"last_{ends}"]
    if width is None or low is None:
        return 0.0
    if window is not None:
        low, high = max(low, window[0]), min(high, window[1])
    return bucket_size(float(high) - float(low), width)


def bucket_size(extent: float, width: int) -> float:
    """The least power of two of which ``width`` cover an extent; 0 if there is no extent."""
    if not np.isfinite(extent) or extent <= 0:
        return 0.0
    return 2.0 ** np.ceil(np.log2(extent / width))


def _sorted(points: Columns, axis: Axis) -> Columns:
    order = _order(points.steps if axis == "step" else points.walls)
    return points if order is None else points.take(order)


def _order(key: NDArray[Any]) -> NDArray[np.intp] | None:
    """What sorts by a key, equal ones as they are; None if they are sorted."""
    return None if np.all(key[:-1] <= key[1:]) else np.argsort(key, kind="stable")


def _thinned(found: Cover, axis: Axis, origin: float, width: int) -> Points:
    """One entry a place of the picture, as ``Points`` says."""
    told, first = _in_order(found, axis)
    if axis == "step":
        places = told.ints("last_step").astype(np.float64)
    else:
        places = told.floats("last_wall") - (origin if axis == "relative" else 0.0)
    made = merge(told, _bucket_starts(places, width))
    count = made.ints("count")
    return Points(
        *(_first_then_last(first, made, name) for name in ("first_step", "first_wall", "first")),
        exact=False,
        total=int(count.sum()) + found.unreadable,
        unreadable=found.unreadable,
        minimum=made.floats("minimum"),
        maximum=made.floats("maximum"),
        mean=made.floats("mean"),
        count=count,
        nan_count=made.ints("nan_count"),
        pos_inf_count=made.ints("pos_inf_count"),
        neg_inf_count=made.ints("neg_inf_count"),
    )


def _in_order(found: Cover, axis: Axis) -> tuple[Buckets, Buckets]:
    """Everything found, as buckets sorted by the place of their last point, then by arrival.

    Also the one that begins with the first point on the axis.
    """
    told = concatenate([found.buckets, of_points(found.points)])
    arrival = _order(np.concatenate((found.bucket_starts, found.point_indices)))
    if arrival is not None:
        told = told.take(arrival)
    read, ends = (told.ints, "step") if axis == "step" else (told.floats, "wall")
    places = read(f"first_{ends}")
    first = int(np.argmax(places == np.fmin.reduce(places)))
    order = _order(read(f"last_{ends}"))
    return (told if order is None else told.take(order)), told.take(slice(first, first + 1))


def _bucket_starts(places: NDArray[np.float64], width: int) -> NDArray[np.intp]:
    """Where each place of the picture begins, at most ``width + 1`` of them, at least two if it can be.

    They are aligned and a power of two wide: while a series grows their edges stay, so a live curve
    does not tremble, until they double.
    """
    size = bucket_size(places[-1] - places[0], width)
    if not size:
        places = np.arange(len(places), dtype=np.float64)
        size = bucket_size(len(places), width)
    numbers = np.floor(places / size)
    starts = np.concatenate(([0], np.flatnonzero(numbers[1:] != numbers[:-1]) + 1))
    return starts if len(starts) > 1 else np.unique([0, len(places) - 1])


def _first_then_last(first: Buckets, made: Buckets, name: str) -> NDArray[Any]:
    """A ``first_…`` field of ``first``, then the ``last_…`` ones of the others of ``made``."""
    last = name.replace("first", "last")
    if name.endswith("step"):
        return np.concatenate((first.ints(name), made.ints(last)[1:]))
    return np.concatenate((first.floats(name), made.floats(last)[1:]))
