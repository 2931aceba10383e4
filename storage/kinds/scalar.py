"""A number: every float64 is kept bit for bit, NaN and infinities included."""

from __future__ import annotations

import struct

from .base import Encoded, Kind

_DOUBLE = struct.Struct("<d")


def encode(value: float) -> Encoded:
    return Encoded({}, _DOUBLE.pack(value))


def decode(encoded: Encoded) -> float:
    return float(_DOUBLE.unpack(encoded.body)[0])


KIND = Kind("scalar", float, "chunks", encode, decode)
