"""A profiler's timeline in Chrome's trace format."""

from __future__ import annotations

import gzip
from dataclasses import dataclass

from .base import Encoded, Kind

_GZIP = b"\x1f\x8b"


@dataclass(frozen=True)
class Trace:
    """The JSON of a trace, gzipped, and a name such as "steps 10 to 12"."""

    gzipped: bytes
    name: str = ""

    @classmethod
    def from_bytes(cls, data: bytes, name: str = "") -> Trace:
        """Make one of a file's bytes, gzipped or not."""
        return cls(data if data.startswith(_GZIP) else gzip.compress(data, mtime=0), name)


def encode(value: Trace) -> Encoded:
    return Encoded({"name": value.name}, value.gzipped)


def decode(encoded: Encoded) -> Trace:
    return Trace(encoded.body, encoded.header["name"])


KIND = Kind("trace", Trace, "records", encode, decode, blob=True)
