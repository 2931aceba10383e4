"""The frames of a spool: what a training process says, as bytes that survive its death.

A spool segment is a sequence of 32-byte frames. A *scalar batch* is one frame per number, all from
one ``log()`` call; a *message* is one header frame followed by its payload, padded to whole frames.
Layout of a frame, little-endian:

====== ======= ==============================================================
offset dtype   meaning
====== ======= ==============================================================
0      int64   step
8      float64 wall time, seconds since the epoch
16     float64 value of a scalar; of a message, uint32 length and uint32 CRC-32 of its payload
24     uint32  series, numbered from 0 within its segment
28     uint32  mark: low 8 bits a ``FrameType``, high 24 bits a position or a check
====== ======= ==============================================================

The mark that carries the check is written last, so whatever a dying process leaves half written is
recognised: a zero mark ends the segment, and a wrong check condemns one batch, not the rest.

The check of a batch is its bytes, read as one little-endian integer with the check left out, modulo
the largest prime below 2**24. Python computes that in one step, and numpy frame by frame.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from enum import IntEnum
from typing import NamedTuple

FRAME_SIZE = 32
FORMAT = 1
MAX_BATCH = 256
MAX_PAYLOAD = 100 << 20
"""The largest record that every store takes, a server's too; a larger one would block its spool."""

CHECK_MODULUS = 16_777_213

_MARK = struct.Struct("<I")
_HEADER = struct.Struct("<qdIIII")
_batch_layouts: dict[int, struct.Struct] = {}


class FrameType(IntEnum):
    """What a frame says. 0 is reserved: it is what an unwritten frame holds."""

    SCALAR = 1
    SCALAR_END = 2
    OPEN = 3
    RUN = 4
    SERIES = 5
    RECORD = 6
    UPDATE = 7
    FINISH = 8


class Frames(NamedTuple):
    """Bytes ready for a segment, and the four bytes among them that must be written last."""

    data: bytes
    commit_at: int

    @property
    def mark(self) -> bytes:
        return self.data[self.commit_at : self.commit_at + 4]


def scalar_batch(fields: Sequence[float]) -> Frames:
    """Pack the numbers of one ``log()`` call.

    ``fields`` is flat, five entries a number: step, wall time, value, series, and ``FrameType.SCALAR
    | position << 8`` with positions 0, 1, 2 …, of at most ``MAX_BATCH`` numbers. The last mark is
    replaced by the one that carries the check. Raises ``struct.error`` if a step does not fit int64.
    """
    count = len(fields) // 5
    layout = _batch_layouts.get(count)
    if layout is None:
        layout = _batch_layouts[count] = struct.Struct("<" + "qddII" * count)
    body = layout.pack(*fields)[:-4]
    check = (int.from_bytes(body, "little") + (FrameType.SCALAR_END << (len(body) * 8))) % CHECK_MODULUS
    return Frames(body + _MARK.pack(FrameType.SCALAR_END | check << 8), len(body))


def message(kind: FrameType, payload: bytes, series: int = 0, step: int = 0, wall: float = 0.0) -> Frames:
    """Pack one message: its header frame, then ``payload`` padded with zeros to whole frames."""
    header = _HEADER.pack(step, wall, len(payload), zlib.crc32(payload), series, kind)
    check = int.from_bytes(header, "little") % CHECK_MODULUS
    padding = bytes(-len(payload) % FRAME_SIZE)
    data = header[:-4] + _MARK.pack(kind | check << 8) + payload + padding
    return Frames(data, FRAME_SIZE - 4)
