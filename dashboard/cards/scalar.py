"""Scalars: a bounded read of one series for a line chart, its bytes for the page, and the chart."""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..components import ScalarChart

if TYPE_CHECKING:
    from ...storage import Points, Store
    from ...storage.points import Axis
    from ...storage.rank_points import RankPoints

EXACT = ("step", "wall", "value")
THINNED = (*EXACT, "low", "high", "bad")
RANKED = (*THINNED, "ranks", "low_rank", "high_rank")
MERGES = ("mean", "min", "max", "sum")
"""What a line may show of a tag that several ranks have."""

_LENGTH = struct.Struct("<I")
_ALIGNMENT = 8


@dataclass(frozen=True)
class Wanted:
    """One series of one card, and how many of its points, in the order of arrival, the page has already.

    For ``rank`` one of ``MERGES``: the tag over all ranks, always as a whole. With ``formula`` the tag is
    one that is computed from others, as ``derived.derive`` does.
    """

    run: str
    tag: str
    rank: int | str = 0
    since: int = 0
    formula: bool = False


@dataclass(frozen=True)
class Line:
    """What the page lacks of one series.

    ``columns`` has one float64 row a quantity, one column a point: ``EXACT`` for points as they were
    logged, ``THINNED`` for buckets, whose value is the mean of the finite points, ``low`` and ``high``
    their extremes, and ``bad`` the number of NaN and infinite ones. With ``append`` the points follow
    those the page has, in the order of arrival; otherwise they replace them, sorted. ``total`` is the
    number of points of the series (in the window), and the ``since`` of the next request. Of several
    ``ranks`` brought together the columns are ``RANKED``: ``low`` and ``high`` are over ranks, and the
    last three tell how many have a point there, and which have those two.
    """

    columns: NDArray[np.float64]
    append: bool
    exact: bool
    total: int
    ranks: int = 0

    @property
    def names(self) -> tuple[str, ...]:
        return RANKED if self.ranks else EXACT if self.exact else THINNED


def read(
    store: Store,
    wanted: Wanted,
    *,
    width: int,
    axis: Axis = "step",
    window: tuple[float, float] | None = None,
) -> Line:
    """Read at most ``2 * width`` points: those after ``wanted.since``, or the whole series thinned.

    ``axis`` is "step", "relative" or "wall"; a ``window`` on it asks for that part in full detail.
    Raises ``RunNotFound`` and ``SeriesNotFound``.
    """
    if isinstance(wanted.rank, str):
        found = store.rank_points(wanted.run, wanted.tag, axis=axis, window=window, width=width)
        columns = _merged(found, wanted.rank)
        return Line(columns, append=False, exact=found.exact, total=found.total, ranks=len(found.ranks))
    if wanted.since and window is None:
        points = store.points_since(wanted.run, wanted.tag, wanted.since, rank=wanted.rank)
        if len(points.value) <= width:
            return Line(_columns(points), append=True, exact=True, total=wanted.since + points.total)
    points = store.points(wanted.run, wanted.tag, rank=wanted.rank, axis=axis, window=window, width=width)
    return Line(_columns(points), append=False, exact=points.exact, total=points.total)


def _merged(points: RankPoints, merge: str) -> NDArray[np.float64]:
    """``RANKED``; around a mean lie the extremes, anything else is a line alone. A sum is of no rank (-1)."""
    low, high = points.min_rank, points.max_rank
    if merge == "mean":
        values = (points.mean, points.minimum, points.maximum)
        told = (low, high)
    else:
        values = ({"min": points.minimum, "max": points.maximum, "sum": points.sum}[merge],) * 3
        told = ({"min": low, "max": high, "sum": np.full_like(low, -1)}[merge],) * 2
    return np.array([points.step, points.wall_time, *values, points.bad, points.count, *told], np.float64)


def _columns(points: Points) -> NDArray[np.float64]:
    columns: list[Any] = [points.step, points.wall_time]
    if points.exact:
        columns.append(points.value)
    else:
        special = np.array([points.nan_count, points.pos_inf_count, points.neg_inf_count], np.float64)
        columns += [points.mean, points.minimum, points.maximum, special.sum(axis=0)]
    return np.array(columns, np.float64)


def pack(lines: Sequence[Line | None]) -> bytes:
    """The reply to one batched request: a header, then every line's columns as little-endian float64.

    The header is JSON, its length before it as uint32, padded with spaces to eight bytes so that the page
    reads the numbers in place. A series that does not exist is ``null``.
    """
    entries = [line and _entry(line) for line in lines]
    return with_header(entries, [line.columns for line in lines if line is not None])


def with_header(entries: Sequence[Any], columns: Sequence[NDArray[np.float64]]) -> bytes:
    """A header about lines, then the columns of each."""
    header = json.dumps(entries, separators=(",", ":")).encode()
    header += b" " * (-(_LENGTH.size + len(header)) % _ALIGNMENT)
    packed = [one.astype("<f8").tobytes() for one in columns]
    return b"".join([_LENGTH.pack(len(header)), header, *packed])


def _entry(line: Line) -> dict[str, Any]:
    entry = {"n": line.columns.shape[1], "append": line.append, "exact": line.exact, "total": line.total}
    return entry | {"ranks": line.ranks} if line.ranks else entry


def draw(lines: Sequence[tuple[str, str, Line]], label: str, height: int = 240) -> ScalarChart:
    """A chart of lines, each with its name and its colour (``#rrggbb``)."""
    return ScalarChart(lines=[_as_props(*line) for line in lines], label=label, height=height)


def _as_props(name: str, color: str, line: Line) -> dict[str, Any]:
    columns = {key: column.tolist() for key, column in zip(line.names, line.columns, strict=True)}
    return {"name": name, "color": color, "total": line.total, "exact": line.exact, **columns}
