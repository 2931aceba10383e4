"""Runs, series and points as readers see them.

- A **run** is one execution of a training program; each of its processes is a **rank**.
- A **series** is (run, rank, tag, kind); its **points** are (step, wall time, value).
- Steps may come late, repeated or out of order. Every point is kept, in arrival order.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas

SILENCE_S = 15.0
"""A running run that was not heard of for this long was killed."""


class SeriesKey(NamedTuple):
    """What tells one series of a run from another."""

    rank: int
    kind: str
    tag: str

    @property
    def id(self) -> int:
        """63 bits that stand for this key in the store."""
        return _series_id(self)


@lru_cache(maxsize=1 << 14)
def _series_id(key: SeriesKey) -> int:
    text = f"{key.rank}\0{key.kind}\0{key.tag}".encode("utf-8", "replace")
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "little") >> 1


@dataclass(frozen=True)
class SeriesRecord:
    """A series and its summary.

    ``first_step`` and ``last_step`` are the smallest and the greatest step, ``first_wall`` and
    ``last_wall`` the earliest and the latest wall time. The rest is for scalars, and None for other
    kinds: ``last`` is the value at the greatest step (of several, the last to arrive); ``minimum`` and
    ``maximum`` are over all values but NaN, so an infinity counts, and ``min_step`` and ``max_step``
    are where they were first reached; ``mean`` is over finite values. Each is None if there is no such
    value.
    """

    run_id: str
    rank: int
    tag: str
    kind: str
    count: int
    first_step: int | None
    last_step: int | None
    first_wall: float | None
    last_wall: float | None
    last: float | None
    minimum: float | None
    maximum: float | None
    mean: float | None
    min_step: int | None
    max_step: int | None
    finite_count: int
    nan_count: int
    pos_inf_count: int
    neg_inf_count: int

    @property
    def key(self) -> SeriesKey:
        return SeriesKey(self.rank, self.kind, self.tag)


@dataclass(frozen=True)
class RunRecord:
    """A run. Times are seconds since the epoch.

    ``status`` is running, finished, crashed, stopped or killed; a run that fell silent without a word
    is killed. ``dropped`` counts what its spool could not hold, ``damaged`` what was unreadable in it or
    became so in the store. ``archived_at`` and ``deleted_at`` are None for a run that is neither.
    ``controls`` are the knobs and buttons that its program declared, ``rules`` its rules, by name;
    ``descriptions`` are Markdown texts about its tags.
    """

    id: str
    project: str
    name: str
    group: str | None
    tags: list[str]
    notes: str
    config: dict[str, Any]
    environment: dict[str, Any]
    status: str
    exit_code: int | None
    error: str | None
    created_at: float
    updated_at: float
    ended_at: float | None
    dropped: int
    damaged: int
    revision: int
    archived_at: float | None
    deleted_at: float | None
    controls: dict[str, Any]
    rules: dict[str, Any]
    descriptions: dict[str, str]
    _read_summary: Callable[[], dict[str, Any]] = field(repr=False, compare=False)

    @cached_property
    def summary(self) -> dict[str, Any]:
        """The last value of every scalar of rank 0, under what the program itself put into its summary."""
        return self._read_summary()


def run_status(stored: str, updated_at: float, now: float) -> str:
    """The status of a run that was last heard of at ``updated_at``, both times by the store's clock."""
    is_silent = now - updated_at > SILENCE_S
    if stored == "finishing":
        return "finished" if is_silent else "running"
    return "killed" if stored == "running" and is_silent else stored


@dataclass(frozen=True)
class Points:
    """Points of one series as arrays of one length.

    If ``exact``, every point of the query is here. If not, each entry stands for a bucket of ``count``
    points: ``step``, ``wall_time`` and ``value`` are those of one real point (the first bucket's first,
    every other bucket's last), ``minimum`` and ``maximum`` are over its values but NaN, ``mean`` over
    its finite values (NaN where there is none).
    ``total`` is the number of points in the query's window, ``unreadable`` of which are damaged in the
    store and not told by any entry.
    """

    step: NDArray[np.int64]
    wall_time: NDArray[np.float64]
    value: NDArray[np.float64]
    exact: bool
    total: int
    unreadable: int = 0
    minimum: NDArray[np.float64] | None = None
    maximum: NDArray[np.float64] | None = None
    mean: NDArray[np.float64] | None = None
    count: NDArray[np.int64] | None = None
    nan_count: NDArray[np.int64] | None = None
    pos_inf_count: NDArray[np.int64] | None = None
    neg_inf_count: NDArray[np.int64] | None = None

    def to_pandas(self) -> pandas.DataFrame:
        """A table with the columns step, wall_time and value, and those of the buckets if thinned.

        Raises ``MissingExtra`` without pandas.
        """
        from .dataframes import of_points

        return of_points(self)
