"""Columns of points as bytes: each column's bits as differences, their bytes regrouped, then zstd.

Bit-exact for every int64 and every float64, NaN payloads included. A training curve takes about
seven bytes a point.
"""

from __future__ import annotations

from collections.abc import Sequence
from threading import local
from typing import NamedTuple

import numpy as np
import zstandard
from numpy.typing import NDArray

CHUNK_POINTS = 4096
"""How many points seal a chunk."""

_FORMAT = b"\x01"
_LEVEL = 1


class _Codecs(local):
    """zstd's state, one a thread: making it costs more than packing a chunk, and it cannot be shared."""

    def __init__(self) -> None:
        self.compressor = zstandard.ZstdCompressor(level=_LEVEL)
        self.decompressor = zstandard.ZstdDecompressor()


_codecs = _Codecs()


class Columns(NamedTuple):
    """Points as arrays of one length: step int64, wall time float64 (seconds), value float64."""

    steps: NDArray[np.int64]
    walls: NDArray[np.float64]
    values: NDArray[np.float64]

    @classmethod
    def concatenate(cls, parts: Sequence[Columns]) -> Columns:
        if len(parts) == 1:
            return parts[0]
        if not parts:
            return cls(np.empty(0, np.int64), np.empty(0), np.empty(0))
        return cls(*(np.concatenate(column) for column in zip(*parts, strict=True)))

    def take(self, which: slice | NDArray[np.intp]) -> Columns:
        return Columns(self.steps[which], self.walls[which], self.values[which])


def encode(columns: Columns) -> bytes:
    """Pack one chunk."""
    bits = np.empty((3, len(columns.steps)), "<u8")
    for row, column in zip(bits, columns, strict=True):
        row[:] = column.view(np.uint64)
    bits[:, 1:] -= bits[:, :-1].copy()
    planes = np.ascontiguousarray(bits.view(np.uint8).reshape(3, -1, 8).transpose(0, 2, 1))
    return _FORMAT + _codecs.compressor.compress(planes.data)


def decode(data: bytes, count: int) -> Columns:
    """Unpack a chunk of ``count`` points. Raises ``ValueError`` if it is not one."""
    if data[:1] != _FORMAT:
        raise ValueError(f"chunk format {data[:1]!r} is unknown")
    try:
        raw = _codecs.decompressor.decompress(memoryview(data)[1:], max_output_size=24 * count)
    except zstandard.ZstdError as error:
        raise ValueError(f"chunk is damaged: {error}") from error
    planes = np.frombuffer(raw, np.uint8).reshape(3, 8, count)
    bits = planes.transpose(0, 2, 1).copy().view("<u8").reshape(3, count)
    np.cumsum(bits, axis=1, out=bits)
    return Columns(bits[0].view(np.int64), bits[1].view(np.float64), bits[2].view(np.float64))
