"""Buckets: what is told of consecutive points of a series in place of the points themselves.

Buckets add up: sixteen neighbours make one bucket of the next level, and any number of them make one
place of a picture. A point is a bucket of one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .chunks import Columns
from .packing import Words, pack, unpack

FIELDS = (
    *("first_step", "last_step", "min_step", "max_step"),
    *("first_wall", "last_wall", "min_wall", "max_wall"),
    *("first", "last", "minimum", "maximum", "mean"),
    *("nan_count", "pos_inf_count", "neg_inf_count", "count"),
)
_FORMAT = b"\x03"
_ROW = {name: row for row, name in enumerate(FIELDS)}
_STORED = len(FIELDS) - 1
_EXTREMES = [_ROW[name] for name in ("min_step", "max_step", "min_wall", "max_wall")]
_ENDS = [_ROW[name] for name in ("first_step", "last_step", "first_wall", "last_wall")]


class Buckets(NamedTuple):
    """Buckets as one table of words, a row for each of ``FIELDS``, read with ``ints`` and ``floats``.

    ``first_step`` and ``last_step``, ``first_wall`` and ``last_wall``, ``first`` and ``last`` are of the
    first and the last point to arrive. ``min_wall`` and ``max_wall`` are NaN if any wall time is.
    ``minimum`` and ``maximum`` are over all values but NaN, ``mean`` is over finite values; each is NaN
    if there is none.
    """

    table: Words

    def __len__(self) -> int:
        return self.table.shape[1]

    def row(self, name: str) -> Words:
        """The bits of one of ``FIELDS``, as a view."""
        return self.table[_ROW[name]]

    def ints(self, name: str) -> NDArray[np.int64]:
        """A step or a count of each bucket, as a view."""
        return self.row(name).view(np.int64)

    def floats(self, name: str) -> NDArray[np.float64]:
        """A wall time (seconds) or a value of each bucket, as a view."""
        return self.row(name).view(np.float64)

    def take(self, which: slice | NDArray[np.intp] | NDArray[np.bool_]) -> Buckets:
        if isinstance(which, slice):
            return Buckets(self.table[:, which])
        # Several times quicker than indexing by a mask.
        return Buckets(self.table.take(np.flatnonzero(which) if which.dtype == bool else which, axis=1))


def concatenate(parts: Sequence[Buckets]) -> Buckets:
    tables = [part.table for part in parts] or [np.empty((len(FIELDS), 0), np.uint64)]
    return Buckets(np.concatenate(tables, axis=1)) if len(tables) > 1 else Buckets(tables[0])


def of_points(points: Columns) -> Buckets:
    """Each point as a bucket of one."""
    steps, walls, values = points
    made = Buckets(np.zeros((len(FIELDS), len(steps)), np.uint64))
    for name in ("first_step", "last_step", "min_step", "max_step"):
        made.ints(name)[:] = steps
    for name in ("first_wall", "last_wall", "min_wall", "max_wall"):
        made.floats(name)[:] = walls
    for name in ("first", "last", "minimum", "maximum"):
        made.floats(name)[:] = values
    finite = np.isfinite(values)
    made.floats("mean")[:] = np.where(finite, values, np.nan)
    if not finite.all():
        made.ints("nan_count")[:] = np.isnan(values)
        made.ints("pos_inf_count")[:] = np.isposinf(values)
        made.ints("neg_inf_count")[:] = np.isneginf(values)
    made.ints("count")[:] = 1
    return made


def unknown(number: int, count: int) -> Buckets:
    """Buckets of ``count`` points each, of which nothing is known but that they were there.

    Their steps and times span everything, so that a reader looks at the points themselves.
    """
    made = Buckets(np.zeros((len(FIELDS), number), np.uint64))
    made.ints("min_step")[:] = np.iinfo(np.int64).min
    made.ints("max_step")[:] = np.iinfo(np.int64).max
    for name in FIELDS[4:13]:
        made.floats(name)[:] = np.nan
    made.ints("nan_count")[:] = made.ints("count")[:] = count
    return made


def merge(buckets: Buckets, starts: NDArray[np.intp]) -> Buckets:
    """One bucket for every stretch of them that begins at one of ``starts`` and ends before the next."""
    ends = np.append(starts[1:], len(buckets)) - 1
    made = Buckets(np.empty((len(FIELDS), len(starts)), np.uint64))
    for name, at in (("first", starts), ("last", ends)):
        rows = [_ROW[name], _ROW[f"{name}_step"], _ROW[f"{name}_wall"]]
        made.table[rows] = buckets.table[rows].take(at, axis=1)
    np.minimum.reduceat(buckets.ints("min_step"), starts, out=made.ints("min_step"))
    np.maximum.reduceat(buckets.ints("max_step"), starts, out=made.ints("max_step"))
    np.minimum.reduceat(buckets.floats("min_wall"), starts, out=made.floats("min_wall"))
    np.maximum.reduceat(buckets.floats("max_wall"), starts, out=made.floats("max_wall"))
    np.fmin.reduceat(buckets.floats("minimum"), starts, out=made.floats("minimum"))
    np.fmax.reduceat(buckets.floats("maximum"), starts, out=made.floats("maximum"))
    for name in ("nan_count", "pos_inf_count", "neg_inf_count", "count"):
        np.add.reduceat(buckets.ints(name), starts, out=made.ints(name))
    made.floats("mean")[:] = _means(buckets, starts, finite_count(made))
    return made


def finite_count(buckets: Buckets) -> NDArray[np.int64]:
    """How many values of each bucket are neither NaN nor infinite."""
    special = buckets.ints("nan_count") + buckets.ints("pos_inf_count") + buckets.ints("neg_inf_count")
    return buckets.ints("count") - special


def _means(buckets: Buckets, starts: NDArray[np.intp], totals: NDArray[np.int64]) -> NDArray[np.float64]:
    finite = finite_count(buckets)
    # Divided before they are added: the sum of large values may overflow where their mean does not.
    weights = finite / np.repeat(np.maximum(totals, 1), np.diff(starts, append=len(buckets)))
    shares = np.where(finite > 0, buckets.floats("mean"), 0.0) * weights
    return np.where(totals > 0, np.add.reduceat(shares, starts), np.nan)


def encode(buckets: Buckets) -> bytes:
    """Pack buckets that all have the same count, which is not stored.

    Least and greatest steps and times are told by how they differ from the first and the last: while
    points arrive in order they do not, and cost nothing.
    """
    stored = buckets.table[:_STORED].copy()
    stored[_EXTREMES] ^= stored[_ENDS]
    return _FORMAT + pack(stored)


def decode(data: bytes, number: int, count: int) -> Buckets:
    """Unpack ``number`` buckets of ``count`` points each. Raises ``ValueError`` if they are none."""
    if data[:1] != _FORMAT:
        raise ValueError(f"chunk format {data[:1]!r} is unknown")
    table = np.empty((len(FIELDS), number), np.uint64)
    table[:_STORED] = unpack(memoryview(data)[1:], _STORED, number)
    table[_EXTREMES] ^= table[_ENDS]
    table[_STORED] = count
    return Buckets(table)
