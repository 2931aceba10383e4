"""Scalars out of event files, many at once.

Nearly every record of a training log tells one number, and those of one tag differ in a wall time, a step
and a value only. So of records of one length the first is taken apart, and whichever agree with it in
everything but these and the letters of the tag are read with it, as columns. Their checksums are compared
the same way: by what the bytes that differ bring to them. All other records are left to others.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..chunks import Columns
from .checksums import brought_by_byte, crc, unmask
from .framing import FOOTER, HEADER, Records, window
from .wire import ScalarShape, scalar_shape

FEWEST = 16
"""Fewer records of one length are read one by one, which is quicker."""
_MOST_ALONE = 16
"""After so many records like which there are few others of one length, the rest are read one by one, too."""

Places = NDArray[np.int64]
Words = NDArray[np.uint64]
Octets = NDArray[np.uint8]

_WORD = 8
_LETTERS = np.uint64(0x9E3779B97F4A7C15)
_TO_16_BITS = np.uint64(48)


class Part(NamedTuple):
    """Some points of a tag, and where their records begin."""

    starts: Places
    points: Columns


class Scalars(NamedTuple):
    """Points by tag, see ``in_order``, the numbers of the records that hold something else, and what is said
    of the tags."""

    parts: dict[str, list[Part]]
    others: Places
    descriptions: dict[str, str]


def read_scalars(data: bytes, records: Records, known: Container[str]) -> Scalars:
    """Read what can be read in bulk. ``known`` are tags whose values are scalars without saying so."""
    read: dict[str, list[Part]] = defaultdict(list)
    described: dict[str, str] = {}
    others: list[Places] = []
    for length, numbers in _by_length(records.lengths):
        last_window = len(data) - length - HEADER - FOOTER - _WORD
        starts = records.starts[numbers]
        if len(numbers) < FEWEST or starts[0] > last_window:
            others.append(numbers)
            continue
        whole = int(np.searchsorted(starts, last_window, side="right"))
        left = _read_alike(data, starts[:whole], length, known, read, described)
        others += [numbers[:whole][left], numbers[whole:]]
    rest = np.sort(np.concatenate(others)) if others else np.empty(0, np.int64)
    return Scalars(read, rest, described)


def _by_length(lengths: Places) -> Iterator[tuple[int, Places]]:
    """Each length and the numbers of the records that have it."""
    short = np.minimum(lengths, 0xFFFF).astype(np.uint16)
    # Numpy sorts 16-bit integers by their digits, many times quicker than others.
    order = np.argsort(short, kind="stable")
    edges = np.flatnonzero(np.diff(short[order])) + 1
    for numbers in np.split(order, edges) if len(order) else ():
        yield int(lengths[numbers[0]]), numbers


def _read_alike(
    data: bytes,
    starts: Places,
    length: int,
    known: Container[str],
    read: Mapping[str, list[Part]],
    described: dict[str, str],
) -> Places:
    """Read the scalars among records of one length; returns the indices of those that are left."""
    left: list[int] = []
    waiting = np.arange(len(starts))
    alone = 0
    while len(waiting) and alone < _MOST_ALONE:
        first = int(starts[waiting[0]])
        record = data[first : first + HEADER + length + FOOTER]
        shape = scalar_shape(record[HEADER:-FOOTER])
        if shape is None:
            left.append(int(waiting[0]))
            waiting = waiting[1:]
            continue
        rows = _rows(data, starts[waiting], len(record))
        differences = (rows.view("<u8") ^ rows[0].view("<u8")).T.copy()
        alike = np.flatnonzero(_differ_only_where_they_may(differences, record, shape))
        if len(alike) < len(rows):
            rows, differences = rows[alike], differences.take(alike, axis=1)
        taken = ~_right_checksums(rows, differences, length)
        numbers, points = waiting[alike], _columns(rows, shape)
        left += numbers[taken].tolist()
        for group in _by_tag(differences, np.flatnonzero(~taken), shape):
            taken[group] = True
            tag = _tag(rows[group[0]], shape, known)
            if tag is None:
                left += numbers[group].tolist()
            elif not shape.shown_only:
                read[tag].append(Part(starts[numbers[group]], points.take(group)))
                if text := record[HEADER:][slice(*shape.description)]:
                    described[tag] = text.decode("utf-8", "replace")
        waiting = np.delete(waiting, alike[taken])
        alone += len(alike) < FEWEST
    return np.array(sorted([*left, *waiting.tolist()]), np.int64)


def _rows(data: bytes, starts: Places, size: int) -> Octets:
    """The bytes of records of one size, a row each, and after them those up to a whole word."""
    whole = size + -size % _WORD
    return window(data, f"V{whole}")[starts].view(np.uint8).reshape(-1, whole)


def _differ_only_where_they_may(differences: Words, record: bytes, shape: ScalarShape) -> NDArray[np.bool_]:
    """Which records differ from the first only where the shape lets them, given by what of each word does."""
    fixed = ~_free(record, shape).view("<u8")
    differs = np.zeros(differences.shape[1], np.uint64)
    for place in np.flatnonzero(fixed):
        differs |= differences[place] & fixed[place]
    return differs == 0


def _free(record: bytes, shape: ScalarShape) -> Octets:
    """For each byte of a record the bits that may differ between records of one shape."""
    free = np.zeros(len(record) + -len(record) % _WORD, np.uint8)
    size = np.dtype(shape.dtype).itemsize
    values = (shape.wall, shape.wall + 8), (shape.value, shape.value + size), shape.rounded
    for start, stop in (*values, shape.tag):
        free[HEADER + start : HEADER + stop] = 0xFF
    start, stop = shape.step
    free[HEADER + start : HEADER + stop] = 0x7F
    free[len(record) - FOOTER :] = 0xFF
    return free


def _right_checksums(rows: Octets, differences: Words, length: int) -> NDArray[np.bool_]:
    """Which records have the checksum of their payload, told by what differs from the first one's."""
    end = HEADER + length
    stored = np.ascontiguousarray(rows[:, end : end + FOOTER]).view("<u4")[:, 0]
    brought = np.full(len(rows), crc(rows[0, HEADER:end].tobytes()), np.uint32)
    octets = differences.view(np.uint8).reshape(len(differences), -1, _WORD)
    ever = np.bitwise_or.reduce(differences, axis=1).view(np.uint8)[:end]
    for place in (HEADER + np.flatnonzero(ever[HEADER:])).tolist():
        brought ^= brought_by_byte(end - 1 - place)[octets[place // _WORD, :, place % _WORD]]
    return brought == unmask(stored)


def _by_tag(differences: Words, which: Places, shape: ScalarShape) -> Iterator[Places]:
    """Of the records ``which``, those of each tag together, in order.

    Tags are told apart by 16 bits; of two that have these in common only one is yielded.
    """
    begin, end = (HEADER + place for place in shape.tag)
    inside = np.zeros(len(differences) * _WORD, np.uint8)
    inside[begin:end] = 0xFF
    kept = inside.view("<u8")
    columns = [differences[number][which] & kept[number] for number in np.flatnonzero(kept)]
    columns = [column for column in columns if column.any()]
    mixed = np.zeros(len(which), np.uint64)
    for column in columns:
        mixed = (mixed ^ column) * _LETTERS
    short = (mixed >> _TO_16_BITS).astype(np.uint16)
    order = np.argsort(short, kind="stable") if columns else np.arange(len(which))
    edges = np.flatnonzero(np.diff(short[order])) + 1
    for group in np.split(order, edges) if len(which) else ():
        same = np.ones(len(group), bool)
        for column in columns:
            same &= column[group] == column[group[0]]
        yield which[group[same]]


def _tag(row: Octets, shape: ScalarShape, known: Container[str]) -> str | None:
    """The tag of a record, if it holds a scalar."""
    begin, end = (HEADER + place for place in shape.tag)
    try:
        tag = row[begin:end].tobytes().decode()
    except UnicodeDecodeError:
        return None
    return tag if shape.plugin == "scalars" or (shape.plugin is None and tag in known) else None


def _columns(rows: Octets, shape: ScalarShape) -> Columns:
    """The points of records of one shape."""
    walls = _numbers(rows, shape.wall, "<f8")
    with np.errstate(invalid="ignore"):  # of a NaN that signals
        values = _numbers(rows, shape.value, shape.dtype).astype(np.float64)
    steps = np.zeros(len(rows), np.uint64)
    for shift, place in enumerate(range(*shape.step)):
        steps |= (rows[:, HEADER + place] & np.uint8(0x7F)).astype(np.uint64) << np.uint64(7 * shift)
    return Columns(steps.view(np.int64), walls, values)


def _numbers(rows: Octets, place: int, dtype: str) -> NDArray[Any]:
    """The number of a type at a place of the payload of each record."""
    begin = HEADER + place
    own = rows[:, begin : begin + np.dtype(dtype).itemsize]
    return np.ascontiguousarray(own).view(dtype)[:, 0]


def in_order(parts: list[Part]) -> Columns:
    """All points of a tag in the order of the file."""
    parts.sort(key=lambda part: int(part.starts[0]))
    points = Columns.concatenate([part.points for part in parts])
    starts = np.concatenate([part.starts for part in parts])
    return points if (np.diff(starts) > 0).all() else points.take(np.argsort(starts, kind="stable"))
