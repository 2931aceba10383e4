"""Events of points, made for many at once.

Alike but for step, wall time and value, they are a matrix of bytes with a record in each row.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from ..chunks import Columns
from .checksums import brought_by_byte, mask, masked, unmask
from .protobuf import (
    KEPT_NUMBER,
    KEPT_TAG,
    KEPT_WALL,
    SHOWN_ONLY,
    STEP,
    SUMMARY,
    WALL,
    data,
    double,
    single,
    whole,
)

Bytes = NDArray[np.uint8]
_HEADER = struct.Struct("<QI")
_ROWS = 1 << 14  # so many records stay in the processor's cache
_INT64_BYTES = 10
_AS_SCALAR = data(1, data(1, "scalars")) + whole(4, 1)
"""Metadata that name the plugin and its class of data: of others the fast reader leaves out what they say."""


def shown_points(tag: str, points: Columns, wall: float, description: str = "") -> Iterator[bytes]:
    """Records of points sorted by step; each keeps its number, too, unless float32 holds all of them.

    ``wall`` is shown in the place of wall times that are not finite; ``description`` is said by each.
    """
    parts = _shown(tag, points, description)
    if not is_single(points.values):
        parts += [double(KEPT_NUMBER, 0.0)[:-8], _octets(points.values)]
    yield from _records(points, parts, wall)


def copied_points(tag: str, points: Columns, wall: float, description: str = "") -> Iterator[bytes]:
    """Records of points sorted by step that are to be shown, and are kept elsewhere in the file."""
    yield from _records(points, [*_shown(tag, points, description), whole(SHOWN_ONLY, 1)], wall)


def kept_points(tag: str, points: Columns, wall: float) -> Iterator[bytes]:
    """Records of points that TensorBoard is not to show, in any order."""
    number: list[bytes | Bytes] = [double(KEPT_NUMBER, 0.0)[:-8], _octets(points.values)]
    yield from _records(points, [*number, data(KEPT_TAG, tag)], wall, padded=True)


def is_single(values: NDArray[np.float64]) -> bool:
    """Whether float32 holds all of these to the last bit."""
    with np.errstate(over="ignore"):
        back = values.astype(np.float32).astype(np.float64)
    return bool((back.view(np.uint64) == values.view(np.uint64)).all())


def _shown(tag: str, points: Columns, description: str = "") -> list[bytes | Bytes]:
    with np.errstate(over="ignore"):
        value = _octets(points.values.astype("<f4"))
    metadata = data(9, _AS_SCALAR + data(3, description)) if description else b""
    shown = metadata + data(1, tag) + single(2, 0.0)[:-4]
    inner = data(1, shown + bytes(4))
    return [data(SUMMARY, inner)[: -len(inner)] + inner[:-4], value]


def _records(
    points: Columns, parts: list[bytes | Bytes], instead: float, padded: bool = False
) -> Iterator[bytes]:
    """Records whose events have a wall time, a step, and ``parts``; steps of one length make a block.

    In no order they would make as many blocks as points: ``padded`` gives all steps the length of the
    longest, which Protocol Buffers allow. TensorBoard takes no wall time that is not finite: ``instead`` is
    in its place, and it is kept.
    """
    is_finite = np.isfinite(points.walls)
    if not is_finite.all():
        parts += [double(KEPT_WALL, 0.0)[:-8], _octets(points.walls)]
    wall, steps = _octets(np.where(is_finite, points.walls, instead)), points.steps
    lengths = _varint_lengths(steps)
    if padded:
        lengths[:] = lengths.max()
    edges = np.flatnonzero(np.diff(lengths)) + 1
    for low, high in zip([0, *edges.tolist()], [*edges.tolist(), len(steps)], strict=True):
        for begin in range(low, high, _ROWS):
            rows = slice(begin, min(begin + _ROWS, high))
            step = _varints(steps[rows], int(lengths[begin]))
            columns = [part if isinstance(part, bytes) else part[rows] for part in parts]
            before: list[bytes | Bytes] = [double(WALL, 0.0)[:-8], wall[rows], whole(STEP, 0)[:-1], step]
            yield _framed([*before, *columns], len(step))


def _framed(parts: Sequence[bytes | Bytes], count: int) -> bytes:
    """``count`` records, each of the same bytes but for the columns, in which each has a row."""
    widths = [len(part) if isinstance(part, bytes) else part.shape[1] for part in parts]
    length = sum(widths)
    fixed = b"".join(
        part if isinstance(part, bytes) else bytes(width) for part, width in zip(parts, widths, strict=True)
    )
    out = np.empty((count, length + 16), np.uint8)
    size = struct.pack("<Q", length)
    out[:, :-4] = np.frombuffer(_HEADER.pack(length, masked(size)) + fixed, np.uint8)
    crcs = unmask(np.full(count, masked(fixed), np.uint32))
    at = 0
    for part, width in zip(parts, widths, strict=True):
        if not isinstance(part, bytes):
            out[:, 12 + at : 12 + at + width] = part
            for place in range(width):
                crcs ^= brought_by_byte(length - 1 - at - place)[part[:, place]]
        at += width
    out[:, -4:] = _octets(mask(crcs))
    return out.tobytes()


def _octets(column: NDArray[np.generic]) -> Bytes:
    """The bytes of numbers, little-endian, a row each."""
    little = column.astype(column.dtype.newbyteorder("<"), copy=False)
    return np.ascontiguousarray(little).view(np.uint8).reshape(-1, column.dtype.itemsize)


def _varint_lengths(numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    unsigned = numbers.view(np.uint64)
    lengths = np.ones(len(numbers), np.int64)
    for byte in range(1, _INT64_BYTES):
        lengths += unsigned >> np.uint64(7 * byte) > 0
    return lengths


def _varints(numbers: NDArray[np.int64], length: int) -> Bytes:
    """Numbers that take ``length`` bytes each, as ``protobuf.varint`` writes them."""
    shifts = np.arange(length, dtype=np.uint64) * np.uint64(7)
    octets = (numbers.view(np.uint64)[:, np.newaxis] >> shifts & np.uint64(0x7F)).astype(np.uint8)
    octets[:, :-1] |= 0x80
    return octets
