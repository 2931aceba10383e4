"""Find what tells a window of a series: stored buckets where they are narrow enough, else points.

Reading begins at the top level and opens a bucket into its sixteen, or into its points, if

- it crosses an end of the window,
- it holds the first or the last point of the window, and neither begins nor ends with it,
- the window holds no more points than the picture has room for, or
- it is wider than a pixel.

While steps (or times) do not go back, at most one bucket crosses each end and at most ``width`` are
wider than a pixel, so what is read is bounded, however long the series. A late point, or a run resumed
at an earlier step, makes the buckets around it wide, and they are opened like others. To stay bounded
where points arrive in no order at all, no level opens more than ``_MUST_CHUNKS`` chunks for the first
three reasons and ``_WIDE_CHUNKS`` (and more for a wider picture) for the last, those that serve most
buckets first. What then stays closed counts whole where its last point is, if that is in the window.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from . import buckets as bucket_codec
from . import chunks as point_codec
from .buckets import Buckets
from .chunk_rows import (
    Numbers,
    Source,
    Window,
    by_chunk,
    distinct,
    open_chunks,
    sixteen_of,
    stored_chunks,
    tail_chunks,
)
from .chunks import CHUNK_POINTS, Columns
from .pyramid import FAN_OUT, LEVEL_CHUNK, level_lengths, sealed_part

Axis = Literal["step", "wall", "relative"]
Mask = NDArray[np.bool_]
AXES: tuple[str, ...] = get_args(Axis)

_MUST_CHUNKS = 256
_WIDE_CHUNKS = 32
_KEPT_CHUNKS = 128  # of up to 160 KB each


class View(NamedTuple):
    """What is to be seen of a series.

    ``window`` is in steps, or for the other axes in wall times; ``room`` is the greatest number of
    points that are wanted as they are, and ``pixel`` the extent of axis that one place of the picture
    covers. None for ``window`` and ``room``: everything.
    """

    axis: Axis
    window: Window | None
    room: int | None
    pixel: float

    def extent(self, buckets: Buckets) -> tuple[NDArray[Any], NDArray[Any]]:
        """The least and the greatest place of each bucket on the axis."""
        if self.axis == "step":
            return buckets.ints("min_step"), buckets.ints("max_step")
        return buckets.floats("min_wall"), buckets.floats("max_wall")

    def first_place(self, buckets: Buckets) -> NDArray[Any]:
        """Where the first point of each bucket is."""
        return buckets.ints("first_step") if self.axis == "step" else buckets.floats("first_wall")

    def last_place(self, buckets: Buckets) -> NDArray[Any]:
        """Where the last point of each bucket is."""
        return buckets.ints("last_step") if self.axis == "step" else buckets.floats("last_wall")

    def holds(self, place: NDArray[Any]) -> Mask:
        if self.window is None:
            return np.ones(len(place), bool)
        return (place >= self.window[0]) & (place <= self.window[1])


class Cover(NamedTuple):
    """What tells a window, each point once, in order of arrival within ``buckets`` and ``points``.

    ``bucket_starts`` and ``point_indices`` are places in the order of arrival; ``unreadable`` is the
    number of points that are damaged and may have been in the window.
    """

    buckets: Buckets
    bucket_starts: Numbers
    points: Columns
    point_indices: Numbers
    unreadable: int


def cover(source: Source, view: View) -> Cover:
    """Read what tells the view."""
    lengths = level_lengths(source.sealed)
    if view.window is None and view.room is None:
        points, indices, unreadable = _read_points(source, view, np.arange(source.sealed // FAN_OUT))
        return Cover(bucket_codec.concatenate([]), np.empty(0, np.int64), points, indices, unreadable)
    opened = np.empty(0, np.int64)
    kept: list[Buckets] = []
    starts = [np.empty(0, np.int64)]
    told = 0
    tails = tail_chunks(source, [*map(sealed_part, lengths)], view.window, by_step=view.axis == "step")
    for level in range(len(lengths), 0, -1):
        numbers, damaged, found = _read_level(source, level, lengths[level - 1], opened, tails.get(level))
        if not len(found):
            opened = damaged
            continue
        keep, opens = _choose(view, level, numbers, found, told)
        kept.append(_ending_inside(view, found.take(keep)))
        starts.append(numbers[keep] * FAN_OUT**level)
        told += len(starts[-1]) * FAN_OUT**level
        opened = np.sort(np.concatenate((numbers[opens], damaged)))
    points, indices, unreadable = _read_points(source, view, opened)
    return Cover(bucket_codec.concatenate(kept), np.concatenate(starts), points, indices, unreadable)


def _read_level(
    source: Source, level: int, length: int, parents: Numbers, tail: tuple[bytes | None, int] | None
) -> tuple[Numbers, Numbers, Buckets]:
    """The buckets that the opened ``parents`` are made of, and those of the level that have no parent.

    The latter are in ``tail``, bytes and count, which are not there if none is in the window. Returns the
    numbers of the buckets in the level, the numbers of those that are damaged, and the buckets.
    """
    below = sixteen_of(parents)
    starts = distinct(below - below % LEVEL_CHUNK).tolist()
    stored: dict[int, Any] = {**stored_chunks(source, level, starts)}
    if tail is not None:
        stored[sealed_part(length)] = tail
    wanted = np.concatenate((below, np.arange(sealed_part(length), length)))
    numbers, damaged = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    found: list[Buckets] = []
    for start, some in by_chunk(wanted, LEVEL_CHUNK):
        try:
            data, count = stored[start]
            if data is None:
                continue
            chunk = _decoded(data, count, FAN_OUT**level)
            found.append(chunk if len(some) == count else chunk.take(some - start))
            numbers.append(some)
        except (KeyError, IndexError, ValueError):
            damaged.append(some)
    return np.concatenate(numbers), np.concatenate(damaged), bucket_codec.concatenate(found)


@lru_cache(maxsize=_KEPT_CHUNKS)
def _decoded(data: bytes, number: int, count: int) -> Buckets:
    """The buckets of a chunk, to be read only: of a long series all pictures need those at the top."""
    chunk = bucket_codec.decode(data, number, count)
    chunk.table.flags.writeable = False
    return chunk


def _choose(view: View, level: int, numbers: Numbers, found: Buckets, told: int) -> tuple[Mask, Mask]:
    """Which buckets of a level to keep as they are, and which to open.

    ``told`` points are told by buckets of the levels above.
    """
    low, high = view.extent(found)
    inside = view.holds(low) & view.holds(high)
    outside = np.zeros(len(found), bool)
    if view.window is not None:
        outside = (high < view.window[0]) | (low > view.window[1])
    must = ~outside & ~inside
    if view.room is None:
        return np.zeros(len(found), bool), ~outside
    if told + np.count_nonzero(inside) * FAN_OUT**level <= view.room:
        must |= inside
    wide = inside & ~must & ~(high.astype(np.float64) - low.astype(np.float64) <= view.pixel)
    opens = _in_fewest_chunks(numbers, level, must, _MUST_CHUNKS)
    opens = opens | _in_fewest_chunks(numbers, level, wide, _WIDE_CHUNKS + view.room // 64)
    opens[_hidden_ends(view, found, inside)] = True
    return ~outside & ~opens & (inside | view.holds(view.last_place(found))), opens


def _in_fewest_chunks(numbers: Numbers, level: int, wanted: Mask, limit: int) -> Mask:
    """Those of the ``wanted`` buckets whose sixteen can be had from so many chunks, the fullest first."""
    buckets_a_chunk = (LEVEL_CHUNK if level > 1 else CHUNK_POINTS) // FAN_OUT
    if not wanted.any():
        return wanted
    in_chunk = numbers // buckets_a_chunk
    if len(distinct(in_chunk[wanted])) <= limit:
        return wanted
    which, sharing = np.unique(in_chunk[wanted], return_counts=True)
    fullest = which[np.argsort(-sharing, kind="stable")[:limit]]
    return wanted & np.isin(in_chunk, fullest)


def _hidden_ends(view: View, found: Buckets, inside: Mask) -> list[int]:
    """The buckets that hold the first point on the axis, and the last, unless they begin, or end, with it.

    Among equal places it is as they arrived.
    """
    low, high = view.extent(found)
    placed = np.flatnonzero(inside & (low == low))
    if not len(placed):
        return []
    first = int(placed[np.argmin(low[placed])])
    last = int(placed[len(placed) - 1 - np.argmax(high[placed][::-1])])
    begins = view.first_place(found)[first] == low[first]
    ends = view.last_place(found)[last] == high[last]
    return [first] * (not begins) + [last] * (not ends)


def _ending_inside(view: View, closed: Buckets) -> Buckets:
    """Let buckets that cross an end of the window begin with their last point, which is inside it."""
    if view.window is None or not len(closed):
        return closed
    low, high = view.extent(closed)
    crossing = ~(view.holds(low) & view.holds(high))
    for name in ("first_step", "first_wall", "first"):
        closed.row(name)[crossing] = closed.row(name.replace("first", "last"))[crossing]
    return closed


def _read_points(source: Source, view: View, parents: Numbers) -> tuple[Columns, Numbers, int]:
    """The points in the window that ``parents`` (of level 1) are made of, and those not sealed.

    Returns them, their places in the order of arrival, and how many are damaged.
    """
    first = parents * FAN_OUT
    sealed = stored_chunks(source, 0, distinct(first - first % CHUNK_POINTS).tolist())
    parts: list[Columns] = []
    indices = [np.empty(0, np.int64)]
    unreadable = 0
    for start, some in by_chunk(first, CHUNK_POINTS):
        wanted = sixteen_of(some // FAN_OUT)
        try:
            data, count = sealed[start]
            _add_points(view, point_codec.decode(data, count), wanted, start, parts, indices)
        except (KeyError, IndexError, ValueError):
            unreadable += len(wanted)
    for start, count, data in open_chunks(source, view.window, by_step=view.axis == "step"):
        try:
            wanted = np.arange(start, start + count)
            _add_points(view, point_codec.decode(data, count), wanted, start, parts, indices)
        except ValueError:
            unreadable += count
    return Columns.concatenate(parts), np.concatenate(indices), unreadable


def _add_points(
    view: View, chunk: Columns, wanted: Numbers, start: int, parts: list[Columns], indices: list[Numbers]
) -> None:
    """Add those of the ``wanted`` points of the chunk at ``start`` that are in the window."""
    if len(wanted) < len(chunk.steps):
        chunk = chunk.take(wanted - start)
    if view.window is not None:
        held = view.holds(chunk.steps if view.axis == "step" else chunk.walls)
        chunk, wanted = chunk.take(held), wanted[held]
    parts.append(chunk)
    indices.append(wanted)
