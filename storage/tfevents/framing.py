"""The records of an event file, and what becomes of damage.

A record is its length (8 bytes, little-endian), the checksum of these, its payload, and the checksum of
that. The checksums of lengths are checked here: a wrong one leaves no doubt that whatever follows is lost,
up to the next place that has a right one. Those of payloads are for whoever reads these.
"""

from __future__ import annotations

import struct
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .checksums import masked, masked_of_lengths

HEADER, FOOTER = 12, 4
AROUND = HEADER + FOOTER
MAX_PAYLOAD = 1 << 29
"""A length above this is damage, whatever its checksum says: no store takes a value that long."""

_LENGTH = struct.Struct("<Q")
_SHORT = 1 << 16
_FIRST_LOOK = 1 << 8
_SAMPLE, _STRIDE = 64, 1 << 14


class Damage(NamedTuple):
    """Bytes that could not be read: where they begin and end, and why."""

    start: int
    stop: int
    reason: str

    def moved(self, by: int) -> Damage:
        return Damage(self.start + by, self.stop + by, self.reason)


class Records(NamedTuple):
    """The whole records of some bytes.

    ``starts`` are where they begin and ``lengths`` those of their payloads, int64. ``consumed`` bytes need
    not be read again. The record there, if it is not whole, needs ``wanted`` bytes; 0 if nobody knows.
    """

    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]
    consumed: int
    wanted: int
    damage: list[Damage]


def window(data: bytes, dtype: str) -> NDArray[Any]:
    """A view with an element at every byte, of so many bytes as ``dtype`` has."""
    size = np.dtype(dtype).itemsize
    return np.ndarray((max(len(data) - size + 1, 0),), dtype, data, strides=(1,))


def split(data: bytes) -> Records:
    """Find the whole records of ``data``, which begins where one does, unless it is damaged there.

    Zeros at the end are what a file system shows for what has not arrived yet.
    """
    arrived = _arrived(data)
    data = data[: arrived + FOOTER - 1]  # a checksum may end in a few zeros
    parts: list[NDArray[np.int64]] = []
    damage: list[Damage] = []
    at = wanted = 0
    most = len(data)
    while True:
        starts, at, more = _walk(data, at, most)
        parts.append(starts)
        if more:
            most *= 8
            continue
        wanted = _wanted(data, at)
        if wanted is None and at + HEADER > arrived:
            wanted = 0
        if wanted is not None:
            break
        found = _next_header(data, at + 1)
        damage.append(Damage(at, found, "a length has a wrong checksum"))
        at, most = found, _SAMPLE  # where there is damage there may be more, soon
    starts = np.concatenate(parts)
    return Records(starts, _lengths(data, starts), at, wanted, damage)


def _arrived(data: bytes) -> int:
    """How many bytes there are before the zeros at the end, if these are many."""
    return len(data.rstrip(b"\0")) if data.endswith(bytes(AROUND)) else len(data)


def _walk(data: bytes, at: int, most: int) -> tuple[NDArray[np.int64], int, bool]:
    """The starts of whole records from ``at`` on, one right after the other, where they end, and whether
    there may be more; about ``most`` of them.
    """
    parts: list[NDArray[np.int64]] = []
    sample = _SAMPLE
    ended = False
    while not ended and sum(map(len, parts)) < most:
        starts, at, ended = _step(data, at, sample)
        parts.append(starts)
        if not ended:
            repeated, at = _stride(data, np.diff(starts, append=at), at, min(most, _STRIDE))
            parts.append(repeated)
            sample = _SAMPLE if len(repeated) > sample else 2 * sample
    found = np.concatenate(parts)
    wrong = _wrong_lengths(data, found)
    return (found, at, not ended) if wrong is None else (found[:wrong], int(found[wrong]), False)


def _step(data: bytes, at: int, count: int) -> tuple[NDArray[np.int64], int, bool]:
    """At most ``count`` records, one by one: where they start and end, and whether no whole one follows."""
    starts: list[int] = []
    note, read, last = starts.append, _LENGTH.unpack_from, len(data) - AROUND
    while at <= last and len(starts) < count:
        after = at + AROUND + read(data, at)[0]
        if after > len(data):
            return np.array(starts, np.int64), at, True
        note(at)
        at = after
    return np.array(starts, np.int64), at, at > last


def _stride(data: bytes, sizes: NDArray[np.int64], at: int, most: int) -> tuple[NDArray[np.int64], int]:
    """At most so many records that go on as those before, of these sizes: a loop logs the same each time.

    Returns their starts, and where the first one is that does not.
    """
    period = _period(sizes[len(sizes) // 2 :])
    pattern = sizes[-period:]
    times = min((len(data) - at) // int(pattern.sum()), most // max(period, 1)) if period else 0
    if not times:
        return np.empty(0, np.int64), at
    repeated = np.tile(pattern, times)
    starts = at + np.cumsum(repeated) - repeated
    differs = _lengths(data, starts) + AROUND != repeated
    first = int(differs.argmax())
    if differs[first]:
        return starts[:first], int(starts[first])
    return starts, at + int(repeated.sum())


def _period(sizes: NDArray[np.int64]) -> int:
    """After how many records these sizes repeat, at least once; 0 if they do not."""
    likely = np.flatnonzero(sizes[len(sizes) // 2 : -1] == sizes[-1]) + len(sizes) // 2
    periods = (len(sizes) - 1 - likely)[::-1].tolist()
    return next((n for n in periods if np.array_equal(sizes[n:], sizes[:-n])), 0)


def _lengths(data: bytes, starts: NDArray[np.int64]) -> NDArray[np.int64]:
    return window(data, "<i8")[starts] if len(starts) else starts


def _wrong_lengths(data: bytes, starts: NDArray[np.int64]) -> int | None:
    """The index of the first record whose length has a wrong checksum."""
    if not len(starts):
        return None
    lengths = _lengths(data, starts)
    stored = window(data, "<u4")[starts + 8]
    short = np.minimum(lengths, _SHORT)
    # Of few different lengths each is told once; a table of them is quicker than sorting.
    counts = np.bincount(short)
    right = np.zeros(len(counts), np.uint32)
    different = np.flatnonzero(counts)
    right[different] = masked_of_lengths(different)
    expected = right[short]
    long = np.flatnonzero(lengths >= _SHORT)
    expected[long] = masked_of_lengths(lengths[long])
    wrong = expected != stored
    first = int(wrong.argmax())
    return first if wrong[first] else None


def _wanted(data: bytes, at: int) -> int | None:
    """How many bytes the record that begins at ``at``, and is not whole, needs; None if it is damaged."""
    header = data[at : at + HEADER]
    if len(header) < HEADER:
        return 0
    length = _LENGTH.unpack_from(header)[0]
    if length <= MAX_PAYLOAD and masked(header[:8]) == int.from_bytes(header[8:], "little"):
        return length + AROUND
    return None


def _next_header(data: bytes, at: int) -> int:
    """The next place with a length and its right checksum, or where to look on when more is there."""
    end = len(data) - HEADER + 1
    begin, size = at, _FIRST_LOOK
    while begin < end:
        lengths = window(data, "<u8")[begin : min(begin + size, end)]
        likely = np.flatnonzero((lengths > 0) & (lengths <= MAX_PAYLOAD))
        right = masked_of_lengths(lengths[likely]) == window(data, "<u4")[begin + likely + 8]
        if right.any():
            return begin + int(likely[right.argmax()])
        begin, size = begin + size, min(2 * size, _SHORT)
    return max(at, end)
