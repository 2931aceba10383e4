"""A scalar series of any length from its first step to its last, in parts that fit into memory."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, RowMapping

from .chunk_rows import Window
from .points import query_points
from .series import Points

MOST_POINTS = 1 << 18
_WAYS = 64


def blocks(
    connection: Connection, series: RowMapping, most: int = MOST_POINTS, window: Window | None = None
) -> Iterator[Points]:
    """The points of a series sorted by step, equal steps in arrival order and in one block.

    A block has no more than ``most`` points, unless it has one step only. ``series`` is the series' row;
    ``window`` the first and the last step, if not all are wanted.
    """
    if series["count"]:
        window = window or (series["first_step"], series["last_step"])
        yield from _within(connection, series, window, most)


def _within(connection: Connection, series: RowMapping, window: Window, most: int) -> Iterator[Points]:
    first, last = window

    def ask(width: int | None) -> Points:
        return query_points(
            connection, series, axis="step", origin=series["created_at"], window=window, width=width
        )

    found = ask(_WAYS)
    if found.total <= most or len(np.unique(found.step)) < 2:
        yield found if found.exact else ask(None)
        return
    ends = _ends(found, last, most)
    for begin, end in zip([first, *(ends[:-1] + 1).tolist()], ends.tolist(), strict=True):
        yield from _within(connection, series, (begin, end), most)


def _ends(found: Points, last: float, most: int) -> NDArray[np.int64]:
    """Where to cut a window, that parts are few: to read one of points in no order is to read all chunks."""
    counts = np.ones(len(found.step), np.int64) if found.count is None else found.count
    part = (np.cumsum(counts) - 1) // max(most - counts.max(), 1)
    # Of a thinned answer each step ends a bucket: there the window can be cut.
    ends = np.unique(np.append(found.step[np.append(part[1:] != part[:-1], True)], last))
    return ends if len(ends) > 1 else np.unique(np.append(found.step, last))
