"""The wire format of protobufs, written: each function gives the bytes of one field.

For events that are made in bulk, and for fields of ours that TensorBoard's own classes do not have.
"""

from __future__ import annotations

import struct

WALL, STEP, SUMMARY = 1, 2, 5
"""The numbers of an event's fields."""
KEPT_RECORD, KEPT_RUN, KEPT_NUMBER, KEPT_TAG, KEPT_WALL, SHOWN_ONLY = range(1000, 1006)
"""Fields of our own in an event, which every other program skips because it does not know them.

They keep what TensorBoard cannot show, so that what is read back from an export is what was in the store:
records of any kind, a run, a number in double precision, the tag of one that is not shown, and a wall time
that is not finite. The last one says that what is shown is in the file elsewhere, or is no record.
"""
_FLOAT, _DOUBLE = struct.Struct("<f"), struct.Struct("<d")
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_UINT64 = 2**64 - 1


def varint(number: int) -> bytes:
    """A whole number, seven bits a byte, the lowest first; negative ones as two's complement of 64 bits."""
    number &= _UINT64
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def whole(field: int, number: int) -> bytes:
    """An integer, enum or bool."""
    return varint(field << 3 | _VARINT) + varint(number)


def single(field: int, number: float) -> bytes:
    return varint(field << 3 | _FIXED32) + _FLOAT.pack(number)


def double(field: int, number: float) -> bytes:
    return varint(field << 3 | _FIXED64) + _DOUBLE.pack(number)


def data(field: int, content: bytes | str) -> bytes:
    """Bytes, text, or a message."""
    if isinstance(content, str):
        content = content.encode("utf-8", "replace")
    return varint(field << 3 | _BYTES) + varint(len(content)) + content
