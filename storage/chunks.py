"""Columns of points as bytes.

Bit-exact for every int64 and every float64, NaN payloads included. A sealed chunk of a training curve
takes about five and a half bytes a point.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .packing import compress, decompress, pack, unpack

CHUNK_POINTS = 4096
"""How many points seal a chunk."""

_DIFFERENCES = b"\x01"
_PACKED = b"\x02"
_WORTH_PACKING = 256


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

    def take(self, which: slice | NDArray[np.intp] | NDArray[np.bool_]) -> Columns:
        return Columns(self.steps[which], self.walls[which], self.values[which])


def encode(columns: Columns) -> bytes:
    """Pack one chunk: a long one well, a short one, which will be merged soon, quickly."""
    bits = np.array([column.view(np.uint64) for column in columns], "<u8")
    if bits.shape[1] >= _WORTH_PACKING:
        return _PACKED + pack(bits)
    bits[:, 1:] -= bits[:, :-1].copy()
    planes = np.ascontiguousarray(bits.view(np.uint8).reshape(3, -1, 8).transpose(0, 2, 1))
    return _DIFFERENCES + compress(planes.data)


def decode(data: bytes, count: int) -> Columns:
    """Unpack a chunk of ``count`` points. Raises ``ValueError`` if it is not one."""
    body = memoryview(data)[1:]
    if data[:1] == _PACKED:
        bits = unpack(body, 3, count)
    elif data[:1] == _DIFFERENCES:
        bits = _from_differences(decompress(body, 24 * count), count)
    else:
        raise ValueError(f"chunk format {data[:1]!r} is unknown")
    return Columns(bits[0].view(np.int64), bits[1].view(np.float64), bits[2].view(np.float64))


def _from_differences(raw: bytes, count: int) -> NDArray[np.uint64]:
    planes = np.frombuffer(raw, np.uint8).reshape(3, 8, count)
    bits = planes.transpose(0, 2, 1).copy().view("<u8").reshape(3, count)
    np.cumsum(bits, axis=1, out=bits)
    return bits
