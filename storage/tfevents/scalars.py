"""Scalars out of event files, many at once.

Nearly every record of a training log tells one number, and those of one tag differ in a wall time, a step
and a value only. So of records of one length the first is taken apart, and whichever agree with it in
everything but these and the letters of the tag are read with it, as columns. Their checksums are compared
the same way: by what the bytes that differ bring to them. All other records are left to others.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterator, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..chunks import Columns
from .checksums import brought_by_byte, crc, unmask
from .framing import FOOTER, HEADER, Records, window
from .wire import ScalarShape, scalar_shape

FEWEST = 16
"""Fewer records of one length are read one by one, which is quicker."""

Places = NDArray[np.int64]
Words = NDArray[np.uint64]

_WORD = 8
_LETTERS = np.uint64(0x9E3779B97F4A7C15)
_TO_16_BITS = np.uint64(48)


class Part(NamedTuple):
    """Some points of a tag, and where their records begin."""

    starts: Places
    points: Columns


class Scalars(NamedTuple):
    """Points by tag, see ``in_order``, and the numbers of the records that hold something else."""

    parts: dict[str, list[Part]]
    others: Places


def read_scalars(data: bytes, records: Records, known: Container[str]) -> Scalars:
    """Read what can be read in bulk. ``known`` are tags whose values are scalars without saying so."""
    read: dict[str, list[Part]] = defaultdict(list)
    others: list[Places] = []
    for length, numbers in _by_length(records.lengths):
        last_window = len(data) - length - HEADER - FOOTER - _WORD
        starts = records.starts[numbers]
        if len(numbers) < FEWEST or starts[0] > last_window:
            others.append(numbers)
            continue
        whole = int(np.searchsorted(starts, last_window, side="right"))
        left = _read_alike(data, starts[:whole], length, known, read)
        others += [numbers[:whole][left], numbers[whole:]]
    rest = np.sort(np.concatenate(others)) if others else np.empty(0, np.int64)
    return Scalars(read, rest)


def _by_length(lengths: Places) -> Iterator[tuple[int, Places]]:
    """Each length and the numbers of the records that have it."""
    short = np.minimum(lengths, 0xFFFF).astype(np.uint16)
    # Numpy sorts 16-bit integers by their digits, many times quicker than others.
    order = np.argsort(short, kind="stable")
    edges = np.flatnonzero(np.diff(short[order])) + 1
    for numbers in np.split(order, edges) if len(order) else ():
        yield int(lengths[numbers[0]]), numbers


def _read_alike(
    data: bytes, starts: Places, length: int, known: Container[str], read: Mapping[str, list[Part]]
) -> Places:
    """Read the scalars among records of one length; returns the indices of those that are left."""
    left: list[int] = []
    waiting = np.arange(len(starts))
    while len(waiting):
        first = int(starts[waiting[0]])
        record = data[first : first + HEADER + length + FOOTER]
        shape = scalar_shape(record[HEADER:-FOOTER])
        if shape is None:
            left.append(int(waiting[0]))
            waiting = waiting[1:]
            continue
        alike = _alike(data, starts[waiting], record, shape)
        taken = np.zeros(len(waiting), bool)
        for group in _by_tag(data, starts[waiting], alike, record, shape):
            taken[group] = True
            good = _read_group(data, starts[waiting[group]], length, shape, known, read)
            left += waiting[group][~good].tolist()
        waiting = waiting[~taken]
    return np.array(sorted(left), np.int64)


def _free(record: bytes, shape: ScalarShape) -> bytearray:
    """For each byte of a record the bits that may differ between records of one shape."""
    free = bytearray(len(record) + -len(record) % _WORD)
    at = HEADER + shape.wall
    free[at : at + 8] = b"\xff" * 8
    start, stop = (HEADER + place for place in shape.step)
    free[start:stop] = b"\x7f" * (stop - start)
    start, stop = (HEADER + place for place in shape.tag)
    free[start:stop] = b"\xff" * (stop - start)
    at = HEADER + shape.value
    free[at : at + np.dtype(shape.dtype).itemsize] = b"\xff" * np.dtype(shape.dtype).itemsize
    start, stop = (HEADER + place for place in shape.rounded)
    free[start:stop] = b"\xff" * (stop - start)
    free[len(record) - FOOTER :] = b"\xff" * (len(free) - len(record) + FOOTER)
    return free


def _alike(data: bytes, starts: Places, record: bytes, shape: ScalarShape) -> Places:
    """The indices of the records that differ from one only where the shape lets them."""
    fixed = ~np.frombuffer(_free(record, shape), "<u8")
    model = np.frombuffer(record + bytes(-len(record) % _WORD), "<u8")
    words = window(data, "<u8")
    differs = np.zeros(len(starts), np.uint64)
    for place in np.flatnonzero(fixed):
        differs |= (words[starts + place * _WORD] ^ model[place]) & fixed[place]
    return np.flatnonzero(differs == 0)


def _by_tag(
    data: bytes, starts: Places, alike: Places, record: bytes, shape: ScalarShape
) -> Iterator[Places]:
    """The indices ``alike``, those of each tag together, in order.

    Tags are told apart by 16 bits; of two that have these in common only one is yielded.
    """
    words = window(data, "<u8")
    begin, end = (HEADER + place for place in shape.tag)
    columns: list[Words] = []
    for at in range(begin, end, _WORD):
        column: Words = words[starts[alike] + at]
        kept = min(end - at, _WORD) * 8
        columns.append(column if kept == 64 else column & np.uint64((1 << kept) - 1))
    mixed = np.zeros(len(alike), np.uint64)
    for column in columns:
        mixed = (mixed ^ column) * _LETTERS
    short = (mixed >> _TO_16_BITS).astype(np.uint16)
    order = np.argsort(short, kind="stable") if len(alike) and (short != short[0]).any() else None
    if order is None:
        order = np.arange(len(alike))
    edges = np.flatnonzero(np.diff(short[order])) + 1
    firsts = np.repeat(np.concatenate(([0], edges)), np.diff(np.concatenate(([0], edges, [len(order)]))))
    same = np.ones(len(order), bool)
    for column in columns:
        ordered = column[order]
        same &= ordered == ordered[firsts]
    for group, agrees in zip(np.split(order, edges), np.split(same, edges), strict=True):
        yield alike[group[agrees]]


def _read_group(
    data: bytes,
    starts: Places,
    length: int,
    shape: ScalarShape,
    known: Container[str],
    read: Mapping[str, list[Part]],
) -> NDArray[np.bool_]:
    """Read the records of one tag; returns which of them are scalars with a right checksum."""
    begin = HEADER + int(starts[0])
    try:
        tag = data[begin + shape.tag[0] : begin + shape.tag[1]].decode()
    except UnicodeDecodeError:
        return np.zeros(len(starts), bool)
    if shape.plugin != "scalars" and (shape.plugin is not None or tag not in known):
        return np.zeros(len(starts), bool)
    good = _right_checksums(data, starts, length, shape)
    if not good.all():
        starts = starts[good]
    if len(starts):
        read[tag].append(Part(starts, _columns(data, starts + HEADER, shape)))
    return good


def _right_checksums(data: bytes, starts: Places, length: int, shape: ScalarShape) -> NDArray[np.bool_]:
    """Which records have the checksum of their payload, given that they differ only where the shape says."""
    octets = window(data, "u1")
    first = int(starts[0])
    crcs = unmask(window(data, "<u4")[starts + HEADER + length])
    brought = np.full(len(starts), crc(data[first + HEADER : first + HEADER + length]), np.uint32)
    size = np.dtype(shape.dtype).itemsize
    places = [
        *range(shape.wall, shape.wall + 8),
        *range(*shape.step),
        *range(shape.value, shape.value + size),
        *range(*shape.rounded),
    ]
    for place in places:
        differences = octets[starts + (HEADER + place)] ^ octets[first + HEADER + place]
        brought ^= brought_by_byte(length - 1 - place)[differences]
    return brought == crcs


def _columns(data: bytes, events: Places, shape: ScalarShape) -> Columns:
    walls = window(data, "<f8")[events + shape.wall]
    values = window(data, shape.dtype)[events + shape.value].astype(np.float64)
    octets = window(data, "u1")
    steps = np.zeros(len(events), np.uint64)
    for shift, place in enumerate(range(*shape.step)):
        steps |= (octets[events + place] & np.uint8(0x7F)).astype(np.uint64) << np.uint64(7 * shift)
    return Columns(steps.view(np.int64), walls, values)


def in_order(parts: list[Part]) -> Columns:
    """All points of a tag in the order of the file."""
    parts.sort(key=lambda part: int(part.starts[0]))
    points = Columns.concatenate([part.points for part in parts])
    starts = np.concatenate([part.starts for part in parts])
    return points if (np.diff(starts) > 0).all() else points.take(np.argsort(starts, kind="stable"))
