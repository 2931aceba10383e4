"""CRC-32C as event files have it: masked, of one string or of many that differ in few bytes.

A checksum is linear: two strings of one length differ in theirs by the sum of what each differing byte
brings, which depends on the byte's difference and on how many bytes follow it, and on nothing else.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import google_crc32c
import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint32]

_MASK = 0xA282EAD8
_NEAR = 256


def crc(data: bytes) -> int:
    return google_crc32c.value(data)


def masked(data: bytes) -> int:
    """The checksum that an event file keeps of some bytes."""
    plain = crc(data)
    return ((plain >> 15 | plain << 17) + _MASK) & 0xFFFFFFFF


def mask(crcs: Words) -> Words:
    """Checksums as event files keep them."""
    return (crcs >> np.uint32(15) | crcs << np.uint32(17)) + np.uint32(_MASK)


def unmask(stored: Words) -> Words:
    """The checksums themselves."""
    rotated = stored - np.uint32(_MASK)
    return rotated >> np.uint32(17) | rotated << np.uint32(15)


@cache
def brought_by_byte(following: int) -> Words:
    """What each difference of a byte (0 to 255) brings to the checksum, with so many bytes after it."""
    if not following:
        ones = (crc(bytes([byte])) for byte in range(256))
        return np.array([one ^ crc(b"\0") for one in ones], np.uint32)
    if following > _NEAR:
        most = 1 << following.bit_length() - 1
        return _applied(_zeros(most), brought_by_byte(following - most))
    return _after_zero(brought_by_byte(following - 1))


def _after_zero(crcs: Words) -> Words:
    """What differences of checksums become by a byte that does not differ."""
    return brought_by_byte(0)[crcs & np.uint32(0xFF)] ^ crcs >> np.uint32(8)


@cache
def _zeros(count: int) -> Words:
    """What each of the 32 bits of a difference becomes by so many bytes, a power of two."""
    if count == 1:
        return _after_zero(np.uint32(1) << np.arange(32, dtype=np.uint32))
    half = _zeros(count // 2)
    return _applied(half, half)


def _applied(bits: Words, crcs: Words) -> Words:
    """The sum of what each bit that is set becomes."""
    parts = np.where(crcs[:, np.newaxis] >> np.arange(32, dtype=np.uint32) & np.uint32(1), bits, np.uint32(0))
    return np.bitwise_xor.reduce(parts, axis=1)


def masked_of_lengths(lengths: NDArray[Any]) -> Words:
    """The checksums of lengths below 2**32 as event files write them: 8 bytes, little-endian."""
    octets = np.ascontiguousarray(lengths, "<u4").view(np.uint8).reshape(-1, 4)
    crcs = np.full(len(octets), crc(bytes(8)), np.uint32)
    for place in range(4):
        crcs ^= brought_by_byte(7 - place)[octets[:, place]]
    return mask(crcs)
