"""Points of a series within a window, no more of them than a picture has room for."""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, select

from . import chunks as codec
from .chunks import Columns
from .schema import chunks
from .series import Points

Axis = Literal["step", "wall", "relative"]
Window = tuple[float, float]
AXES: tuple[str, ...] = get_args(Axis)
_INT64 = np.iinfo(np.int64)
_NOTHING = Columns(np.empty(0, np.int64), np.empty(0), np.empty(0))


def query_points(
    connection: Connection,
    run_id: str,
    series_id: int,
    *,
    axis: Axis,
    origin: float,
    window: Window | None,
    width: int | None,
) -> Points:
    """The points of a window (both ends included) of an axis, sorted by it, thinned if over ``2 * width``.

    ``origin`` is the wall time at which the relative axis is 0.
    """
    if axis not in AXES:
        raise ValueError(f"axis must be one of {', '.join(AXES)} (got {axis!r})")
    if width is not None and width < 1:
        raise ValueError(f"width must be at least 1 (got {width})")
    if window:
        window = _in_store(window, axis, origin)
    points = _sorted(_read(connection, run_id, series_id, axis, window), axis)
    if window:
        points = _within(points, axis, window)
    if width is None or len(points.steps) <= 2 * width:
        return Points(*points, exact=True, total=len(points.steps))
    return _thinned(points, _bucket_starts(_positions(points, axis, origin), width))


def read_since(connection: Connection, run_id: str, series_id: int, index: int) -> Points:
    """The points from the ``index``-th to arrive on, in arrival order."""
    query = (
        _chunks_of(run_id, series_id).where(chunks.c.start + chunks.c.count > index).order_by(chunks.c.start)
    )
    rows = connection.execute(query).all()
    if not rows:
        return Points(*_NOTHING, exact=True, total=0)
    points = Columns.concatenate([codec.decode(row.data, row.points) for row in rows])
    points = points.take(slice(max(index - rows[0].start, 0), None))
    return Points(*points, exact=True, total=len(points.steps))


def _chunks_of(run_id: str, series_id: int) -> Any:
    return select(chunks.c.start, chunks.c.count.label("points"), chunks.c.data).where(
        chunks.c.run_id == run_id, chunks.c.series_id == series_id, chunks.c.level == 0
    )


def _read(connection: Connection, run_id: str, series_id: int, axis: Axis, window: Window | None) -> Columns:
    """The points of every chunk that may hold some of the window, in arrival order."""
    query = _chunks_of(run_id, series_id).order_by(chunks.c.start)
    if window:
        least, greatest = (
            (chunks.c.min_step, chunks.c.max_step)
            if axis == "step"
            else (chunks.c.min_wall, chunks.c.max_wall)
        )
        query = query.where(greatest >= window[0], least <= window[1])
    return Columns.concatenate([codec.decode(row.data, row.points) for row in connection.execute(query)])


def _in_store(window: Window, axis: Axis, origin: float) -> Window:
    """A window in the units of the stored columns, and within what a database takes."""
    if axis == "step":
        return max(window[0], _INT64.min), min(window[1], _INT64.max)
    shift = origin if axis == "relative" else 0.0
    return window[0] + shift, window[1] + shift


def _key(points: Columns, axis: Axis) -> NDArray[Any]:
    return points.steps if axis == "step" else points.walls


def _sorted(points: Columns, axis: Axis) -> Columns:
    key = _key(points, axis)
    if np.all(key[:-1] <= key[1:]):
        return points
    return points.take(np.argsort(key, kind="stable"))


def _within(points: Columns, axis: Axis, window: Window) -> Columns:
    key = _key(points, axis)
    return points.take(np.flatnonzero((key >= window[0]) & (key <= window[1])))


def _positions(points: Columns, axis: Axis, origin: float) -> NDArray[np.float64]:
    if axis == "step":
        return points.steps.astype(np.float64)
    return points.walls - (origin if axis == "relative" else 0.0)


def _bucket_starts(positions: NDArray[np.float64], width: int) -> NDArray[np.intp]:
    """Where each bucket begins, at most ``width + 1`` of them, at least two.

    Buckets are aligned and a power of two wide: while a series grows their edges stay, so a live curve
    does not tremble, until they double.
    """
    extent = positions[-1] - positions[0]
    if not np.isfinite(extent) or extent <= 0:
        positions, extent = np.arange(len(positions), dtype=np.float64), float(len(positions))
    size = 2.0 ** np.ceil(np.log2(extent / width))
    numbers = np.floor(positions / size)
    starts = np.concatenate(([0], np.flatnonzero(numbers[1:] != numbers[:-1]) + 1))
    return starts if len(starts) > 1 else np.array([0, len(positions) - 1])


def _thinned(points: Columns, starts: NDArray[np.intp]) -> Points:
    """One entry a bucket, as ``Points`` says."""
    total = len(points.steps)
    count = np.diff(starts, append=total)
    shown = starts + count - 1
    shown[0] = 0
    values = points.values
    finite = np.isfinite(values)
    finite_count = np.add.reduceat(finite, starts, dtype=np.int64)
    # Divided before they are added: the sum of large values may overflow where their mean does not.
    shares = np.where(finite, values, 0.0) / np.repeat(np.maximum(finite_count, 1), count)
    mean = np.where(finite_count > 0, np.add.reduceat(shares, starts), np.nan)
    return Points(
        *points.take(shown),
        exact=False,
        total=total,
        minimum=np.fmin.reduceat(values, starts),
        maximum=np.fmax.reduceat(values, starts),
        mean=mean,
        count=count.astype(np.int64),
        nan_count=np.add.reduceat(np.isnan(values), starts, dtype=np.int64),
        pos_inf_count=np.add.reduceat(np.isposinf(values), starts, dtype=np.int64),
        neg_inf_count=np.add.reduceat(np.isneginf(values), starts, dtype=np.int64),
    )
