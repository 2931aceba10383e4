"""How each rank of a run is doing: how far it is, how it ended, and which is the slowest."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import Connection, func, select

from .endings import SPOOL_ENDINGS
from .schema import series, spools
from .series import SeriesRecord

if TYPE_CHECKING:
    from .store import Store

SLOWER = 1.1
"""A rank is told as the slowest if it takes so many times what the others take."""

_TIME = re.compile(
    # Of a step's phases only those before ranks wait for one another: the others are long where a rank waits.
    r"^steps/(data|copy|forward)$|(^|[/_. ])(time|times|seconds|secs?|duration|latency|ms)$",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class RankRecord:
    """One rank of a run.

    ``status`` is running, finished, crashed, stopped or killed, and running also where the rank fell
    silent and nobody knows. ``last_step`` and ``last_wall`` (seconds since the epoch) are those of its
    last points, None without any; ``behind`` is how many steps the furthest rank is ahead.
    """

    rank: int
    status: str
    host: str | None
    last_step: int | None
    last_wall: float | None
    behind: int


class Slowest(NamedTuple):
    """A rank, and how many times the median of the others it takes by the mean of a tag."""

    rank: int
    tag: str
    ratio: float


def ranks(store: Store, run_id: str) -> list[RankRecord]:
    """The ranks that a run was heard of, by number. A method of ``Store``; raises ``RunNotFound``."""
    hosts = store.run(run_id).environment.get("hosts") or {}
    with store.reading() as connection:
        return _read(connection, run_id, hosts)


def _read(connection: Connection, run_id: str, hosts: dict[str, str]) -> list[RankRecord]:
    ends = select(series.c.rank, func.max(series.c.last_step), func.max(series.c.last_wall))
    ends = ends.where(series.c.run_id == run_id).group_by(series.c.rank)
    last = {rank: (step, wall) for rank, step, wall in connection.execute(ends)}
    query = select(spools.c.rank, spools.c.finished).where(spools.c.run_id == run_id)
    endings: dict[int, list[int]] = {rank: [] for rank in last}
    for row in connection.execute(query):
        endings.setdefault(row.rank, []).append(row.finished)
    furthest = max((step for step, _ in last.values() if step is not None), default=0)
    found = []
    for rank, codes in sorted(endings.items()):
        step, wall = last.get(rank, (None, None))
        status = SPOOL_ENDINGS[min(codes, default=0)] or "running"
        behind = 0 if step is None else furthest - step
        found.append(RankRecord(rank, status, hosts.get(str(rank)), step, wall, behind))
    return found


def slowest(scalars: Sequence[SeriesRecord]) -> Slowest | None:
    """The rank that loses most time by a time-like tag of several ranks: ``time``, ``step_seconds`` …"""
    by_tag: dict[str, dict[int, float]] = {}
    for one in scalars:
        if one.kind == "scalar" and one.mean is not None and one.mean > 0 and _TIME.search(one.tag):
            by_tag.setdefault(one.tag, {})[one.rank] = one.mean
    told = [_most(tag, means) for tag, means in by_tag.items() if len(means) > 1]
    return max((found for found in told if found[1].ratio >= SLOWER), default=(0.0, None))[1]


def _most(tag: str, means: dict[int, float]) -> tuple[float, Slowest]:
    """The rank with the greatest mean, after how much greater it is than the median of the others."""
    rank = max(means, key=lambda one: means[one])
    others = median(mean for one, mean in means.items() if one != rank)
    return means[rank] - others, Slowest(rank, tag, means[rank] / others)
