"""A scalar series in the order in which its points came, and where that is the order of their steps.

TensorBoard wants the points of a tag by rising steps; a store has them as they arrived.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, RowMapping, select

from .. import chunks as codec
from ..chunk_rows import Source, stored_chunks
from ..chunks import Columns
from ..points import read_since
from ..schema import chunks

_CHUNKS_AT_ONCE = 64


class Stretch(NamedTuple):
    """Points one after the other. With ``rising`` every step is greater than all before it in the series,
    and smaller than all after it. ``unreadable`` are damaged in the store.
    """

    points: Columns
    rising: bool
    unreadable: int


class _Span(NamedTuple):
    """Where a chunk of points begins, how many it holds, and whether no other has steps between its own."""

    start: int
    length: int
    is_apart: bool


def stretches(connection: Connection, series: RowMapping, done: int) -> Iterator[Stretch]:
    """The points of a series but for the first ``done`` of them; those that are left then in one stretch.

    ``series`` is the series' row. A stretch has at most 262,144 points unless some are ``done``.
    """
    if done:
        found = read_since(connection, series["run_id"], series["series_id"], done)
        points = Columns(found.step, found.wall_time, found.value)
        yield Stretch(points, _rises(points.steps), found.unreadable)
        return
    source = Source(connection, series["run_id"], series["series_id"], series["sealed"])
    spans = _spans(source)
    for begin in range(0, len(spans), _CHUNKS_AT_ONCE):
        group = spans[begin : begin + _CHUNKS_AT_ONCE]
        stored = stored_chunks(source, 0, [span.start for span in group])
        for is_apart, alike in groupby(group, key=lambda span: span.is_apart):
            points, unreadable = _decoded(list(alike), stored)
            yield Stretch(points, is_apart and _rises(points.steps), unreadable)


def _spans(source: Source) -> list[_Span]:
    query = select(chunks.c.start, chunks.c.count, chunks.c.min_step, chunks.c.max_step).where(
        chunks.c.run_id == source.run_id, chunks.c.series_id == source.series_id, chunks.c.level == 0
    )
    rows = source.connection.execute(query.order_by(chunks.c.start)).all()
    if not rows:
        return []
    starts, counts, lows, highs = np.array(rows, np.int64).T
    is_apart = np.ones(len(rows), bool)
    is_apart[1:] = lows[1:] > np.maximum.accumulate(highs)[:-1]
    is_apart[:-1] &= highs[:-1] < np.minimum.accumulate(lows[::-1])[::-1][1:]
    return list(map(_Span, starts.tolist(), counts.tolist(), is_apart.tolist()))


def _decoded(spans: Sequence[_Span], stored: dict[int, Any]) -> tuple[Columns, int]:
    """The points of chunks, and how many could not be read."""
    parts: list[Columns] = []
    unreadable = 0
    for span in spans:
        try:
            parts.append(codec.decode(stored[span.start][0], span.length))
        except ValueError:
            unreadable += span.length
    return Columns.concatenate(parts), unreadable


def _rises(steps: NDArray[np.int64]) -> bool:
    return bool((steps[1:] > steps[:-1]).all())
