"""Columns of 64-bit words as bytes: frame of reference, byte planes, zstd.

A column is stored as its differences from its least word or, where that takes fewer bits, as the
differences of its differences from the least of them; floats that float32 holds exactly are stored as
such. Bytes that are zero in every word are left out, and the rest is grouped by place. So a constant
or evenly spaced column costs its header alone, one of zeros nothing, and all come back bit for bit.
"""

from __future__ import annotations

import struct
from threading import local
from typing import NamedTuple

import numpy as np
import zstandard
from numpy.typing import NDArray

LEVEL = 1
Words = NDArray[np.uint64]

_DELTA, _FLOAT32 = 1, 2
_PRESENT = struct.Struct("<Q")
_HEADER = struct.Struct("<BBQQ")
_SIGN = np.uint64(1 << 63)


class _Codecs(local):
    """zstd's state, one a thread: making it costs more than packing a chunk, and it cannot be shared."""

    def __init__(self) -> None:
        self.compressor = zstandard.ZstdCompressor(level=LEVEL)
        self.decompressor = zstandard.ZstdDecompressor()


_codecs = _Codecs()


class _Frame(NamedTuple):
    """Words as ``residuals`` above ``base``; with ``delta``, of their differences, ``first`` apart."""

    delta: bool
    first: int
    base: int
    residuals: Words

    @property
    def bits(self) -> int:
        """Bits the greatest residual takes."""
        return int(self.residuals.max()).bit_length()


def compress(data: bytes | memoryview) -> bytes:
    return _codecs.compressor.compress(data)


def decompress(data: bytes | memoryview, limit: int) -> bytes:
    """Raises ``ValueError`` if it is damaged, or more than ``limit`` bytes."""
    try:
        return _codecs.decompressor.decompress(data, max_output_size=limit)
    except zstandard.ZstdError as error:
        raise ValueError(f"chunk is damaged: {error}") from error


def pack(table: Words) -> bytes:
    """Pack a table of words: at most 64 rows, each a column of at least one word."""
    present = [row for row, column in enumerate(table) if column.any()]
    parts = [_PRESENT.pack(sum(1 << row for row in present))]
    for row in present:
        parts += _pack_column(table[row])
    return compress(b"".join(parts))


def unpack(data: bytes | memoryview, columns: int, count: int) -> Words:
    """The table of ``columns`` rows of ``count`` words. Raises ``ValueError`` if the bytes are not one."""
    raw = decompress(data, _PRESENT.size + columns * (_HEADER.size + 8 * count))
    table = np.zeros((columns, count), "<u8")
    at = _PRESENT.size
    try:
        (present,) = _PRESENT.unpack_from(raw)
        for row in range(columns):
            if present >> row & 1:
                at = _unpack_column(raw, at, table[row])
    except (struct.error, ValueError) as error:
        raise ValueError(f"chunk is damaged: {error}") from error
    if at != len(raw) or present >> columns:
        raise ValueError("chunk is damaged: it holds more than its columns")
    return table


def _pack_column(words: Words) -> tuple[bytes, bytes]:
    narrow = _as_float32(words)
    frame = _best_frame(words if narrow is None else narrow)
    width = (frame.bits + 7) // 8
    kind = _DELTA * frame.delta + _FLOAT32 * (narrow is not None)
    planes = frame.residuals.astype("<u8", copy=False).view(np.uint8).reshape(-1, 8)[:, :width]
    return _HEADER.pack(kind, width, frame.first, frame.base), planes.T.tobytes()


def _unpack_column(raw: bytes, at: int, column: Words) -> int:
    """Fill ``column``, which is all zero; returns where the next one begins."""
    kind, width, first, base = _HEADER.unpack_from(raw, at)
    at += _HEADER.size
    count = len(column) - (kind & _DELTA)
    if width > 8 or kind > 3:
        raise ValueError(f"no column has kind {kind} and width {width}")
    target = column[kind & _DELTA :]
    if width:
        planes = np.frombuffer(raw, np.uint8, width * count, at).reshape(width, count)
        target.view(np.uint8).reshape(-1, 8)[:, :width] = planes.T
    if base:
        target += np.uint64(base)
    if kind & _DELTA:
        column[0] = first
        np.cumsum(column, out=column)
    if kind & _FLOAT32:
        column.view("<f8")[:] = column.astype("<u4").view("<f4")
    return at + width * count


def _as_float32(words: Words) -> Words | None:
    """The words' floats as the bits of float32, if none of them changes thereby."""
    values = words.view(np.float64)
    with np.errstate(all="ignore"):
        narrow = values.astype(np.float32)
        if not np.array_equal(narrow.astype(np.float64).view(np.uint64), words):
            return None
    return narrow.view(np.uint32).astype(np.uint64)


def _best_frame(words: Words) -> _Frame:
    base = words.min()
    plain = _Frame(False, 0, int(base), words - base)
    steps = words[1:] - words[:-1]
    if not len(steps):
        return plain
    # The least difference is the most negative one: order the words as signed integers.
    least = (steps ^ _SIGN).min() ^ _SIGN
    delta = _Frame(True, int(words[0]), int(least), steps - least)
    return delta if delta.bits < plain.bits else plain
