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
        self.compressor = zstandard.ZstdCompressor(level=LEVEL, write_checksum=True)
        self.decompressor = zstandard.ZstdDecompressor()


_codecs = _Codecs()


class _Header(NamedTuple):
    """What comes before the bytes of a column: ``width`` bytes a residual, above ``base``."""

    kind: int
    width: int
    first: int
    base: int


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
    try:
        headers = _fill_residuals(raw, table)
    except (struct.error, ValueError, IndexError) as error:
        raise ValueError(f"chunk is damaged: {error}") from error
    bases = np.zeros((columns, 1), np.uint64)
    bases[list(headers), 0] = [header.base for header in headers.values()]
    table += bases
    for row, header in headers.items():
        if header.kind & _DELTA:
            table[row, 0] = header.first
            np.add.accumulate(table[row], out=table[row])
    narrow = [row for row, header in headers.items() if header.kind & _FLOAT32]
    table.view("<f8")[narrow] = table[narrow].astype("<u4").view("<f4")
    return table


def _fill_residuals(raw: bytes, table: Words) -> dict[int, _Header]:
    """Put the residuals of each column into the table, which is all zero; returns the headers by row."""
    places = table.view(np.uint8).reshape(*table.shape, 8)
    planes = np.frombuffer(raw, np.uint8)
    headers: dict[int, _Header] = {}
    at = _PRESENT.size
    (present,) = _PRESENT.unpack_from(raw)
    for row in range(present.bit_length()):
        if not present >> row & 1:
            continue
        header = headers[row] = _Header(*_HEADER.unpack_from(raw, at))
        if header.width > 8 or header.kind > _DELTA | _FLOAT32:
            raise ValueError(f"no column has kind {header.kind} and width {header.width}")
        at += _HEADER.size
        own = places[row, header.kind & _DELTA :]
        # One after the other: copied together, they take twice as long.
        for place in range(header.width):
            own[:, place] = planes[at : at + len(own)]
            at += len(own)
    if at != len(raw):
        raise ValueError("it holds more than its columns")
    return headers


def _pack_column(words: Words) -> tuple[bytes, bytes]:
    narrow = _as_float32(words)
    frame = _best_frame(words if narrow is None else narrow)
    width = (frame.bits + 7) // 8
    kind = _DELTA * frame.delta + _FLOAT32 * (narrow is not None)
    planes = frame.residuals.astype("<u8", copy=False).view(np.uint8).reshape(-1, 8)[:, :width]
    return _HEADER.pack(kind, width, frame.first, frame.base), planes.T.tobytes()


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
