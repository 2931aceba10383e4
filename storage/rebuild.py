"""The levels of a series, built anew from its points while holding one open chunk of each level."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from .buckets import Buckets, concatenate
from .pyramid import LEVEL_CHUNK, by_fan_out


class LevelChunk(NamedTuple):
    """A chunk of a level: the number of its first bucket in the level, and its buckets."""

    level: int
    start: int
    buckets: Buckets


def built_levels(first: Iterable[Buckets]) -> Iterator[LevelChunk]:
    """The chunks of all levels above points whose buckets of level 1 are ``first``, as they fill."""
    opened: list[Buckets] = []
    written: list[int] = []
    for buckets in first:
        yield from _extend(opened, written, 1, buckets)
    for level, rest in enumerate(opened, 1):
        if len(rest):
            yield LevelChunk(level, written[level - 1], rest)


def _extend(opened: list[Buckets], written: list[int], level: int, risen: Buckets) -> Iterator[LevelChunk]:
    """Add buckets to a level: its full chunks, and what these make in the levels above."""
    if len(opened) < level:
        opened.append(concatenate([]))
        written.append(0)
    whole = concatenate([opened[level - 1], risen])
    full = len(whole) - len(whole) % LEVEL_CHUNK
    for at in range(0, full, LEVEL_CHUNK):
        yield LevelChunk(level, written[level - 1] + at, whole.take(slice(at, at + LEVEL_CHUNK)))
    written[level - 1] += full
    opened[level - 1] = whole.take(slice(full, None))
    if full:
        yield from _extend(opened, written, level + 1, by_fan_out(whole.take(slice(0, full))))
