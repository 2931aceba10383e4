"""Pictures and sounds that are several of one value in TensorBoard's logs: samples, as it calls them.

A store has them as records of several series: the first one, which tells how many there are, under the tag
of the value, the others under the tag with a number after it. Written again they are one value.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import Connection, select
from tensorboard.compat.proto.summary_pb2 import Summary

from ..schema import records
from ..series import SeriesKey, SeriesRecord
from .mappings.value import numbered
from .shown import Shown

if TYPE_CHECKING:
    from ..store import Store

KINDS_OF_SAMPLES = ("image", "video", "audio")
_NUMBER = re.compile(r"(.+)/[1-9]\d*", re.DOTALL)


class Place(NamedTuple):
    """A record: its series, and when it arrived in it."""

    key: SeriesKey
    position: int


Groups = dict[int, list[Place]]
"""For the position of each record that is the first of several, where the others are."""


def read_groups(connection: Connection, run_id: str, key: SeriesKey) -> Groups:
    """The groups of which a series has the first records; those of which any record is gone are none."""
    if key.kind not in KINDS_OF_SAMPLES:
        return {}
    of_series = (records.c.run_id == run_id) & (records.c.series_id == key.id)
    query = select(records.c.position, records.c.step, records.c.wall_time, records.c.header)
    rows = connection.execute(query.where(of_series).order_by(records.c.position)).all()
    firsts = [(row, samples) for row in rows if (samples := _samples(row.header)) > 1]
    groups: Groups = {row.position: [] for row, _ in firsts}
    for number in range(1, max((samples for _, samples in firsts), default=1)):
        other = _sample(key, number)
        waiting = _positions(connection, run_id, other)
        if not waiting:  # a header may tell of any number
            complete = {row.position for row, samples in firsts if samples <= number}
            return {position: group for position, group in groups.items() if position in complete}
        for row, samples in firsts:
            if samples > number and row.position in groups:
                if found := waiting[row.step, row.wall_time]:
                    groups[row.position].append(Place(other, found.popleft()))
                else:
                    del groups[row.position]
    return groups


def series_of_samples(store: Store, series: Sequence[SeriesRecord]) -> dict[SeriesKey, tuple[SeriesKey, ...]]:
    """Of series of first samples those of the second ones, the third ones …, which have nothing else.

    ``series`` are all of a run, or of one rank of it.
    """
    counts = {one.key: one.count for one in series}
    firsts = [one for one in series if one.kind in KINDS_OF_SAMPLES and _sample(one.key, 1) in counts]
    return {one.key: tuple(_others(store, one, counts)) for one in firsts}


def _others(store: Store, first: SeriesRecord, counts: Mapping[SeriesKey, int]) -> Iterator[SeriesKey]:
    members = _members(store, first.run_id, first.key, first.count)
    for number in count(1):
        key = _sample(first.key, number)
        if not 0 < members[key] == counts.get(key):
            return
        yield key


@lru_cache(maxsize=10_000)
def _members(store: Store, run_id: str, key: SeriesKey, of: int) -> Counter[SeriesKey]:
    """How many records of other series are in the groups of a series, while it has ``of`` records."""
    with store.reading() as connection:
        groups = read_groups(connection, run_id, key)
    return Counter(place.key for group in groups.values() for place in group)


def _sample(key: SeriesKey, number: int) -> SeriesKey:
    return key._replace(tag=numbered(key.tag, number))


def written_with_first(
    connection: Connection, run_id: str, key: SeriesKey, wanted: Callable[[str], bool]
) -> set[int]:
    """The positions of those records of a series that are written with the first of their group.

    ``wanted`` says which tags are written at all.
    """
    match = _NUMBER.fullmatch(key.tag)
    if match is None or not wanted(match[1]):
        return set()
    groups = read_groups(connection, run_id, key._replace(tag=match[1]))
    return {place.position for group in groups.values() for place in group if place.key == key}


def shown_together(shown: list[Shown]) -> tuple[list[Summary.Value], list[int | None]]:
    """What is shown of a record, or of several samples as one value; and which string each one's body is."""
    if len(shown) == 1:
        return shown[0].values, [shown[0].body_at]
    value = Summary.Value()
    value.CopyFrom(shown[0].values[0])
    strings, shape = value.tensor.string_val, value.tensor.tensor_shape.dim
    before = 0 if len(shape) > 1 else 2  # the width and height of images
    places = [shown[0].body_at]
    for sample in shown[1:]:
        theirs = sample.values[0].tensor
        places.append(None if sample.body_at is None else len(strings))
        strings.extend(theirs.string_val[before:])
        shape[0].size += theirs.tensor_shape.dim[0].size - before
    return [value], places


def _samples(header: Mapping[str, Any]) -> int:
    samples = header.get("samples", 1)
    return samples if isinstance(samples, int) else 1


def _positions(
    connection: Connection, run_id: str, key: SeriesKey
) -> defaultdict[tuple[int, float | None], deque[int]]:
    """By step and wall time the positions of a series' records, as they arrived."""
    query = select(records.c.step, records.c.wall_time, records.c.position).order_by(records.c.position)
    rows = connection.execute(query.where(records.c.run_id == run_id, records.c.series_id == key.id))
    found: defaultdict[tuple[int, float | None], deque[int]] = defaultdict(deque)
    for step, wall, position in rows:
        found[step, wall].append(position)
    return found
