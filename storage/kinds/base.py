"""What a kind of record must provide."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, Literal, NamedTuple, TypeVar

T = TypeVar("T")
_LENGTH = struct.Struct("<I")


class Encoded(NamedTuple):
    """A record as stored: a small JSON header, and a body that may be large."""

    header: dict[str, Any]
    body: bytes = b""

    def to_bytes(self) -> bytes:
        header = json.dumps(self.header, separators=(",", ":")).encode()
        return _LENGTH.pack(len(header)) + header + self.body

    @classmethod
    def from_bytes(cls, data: bytes) -> Encoded:
        (length,) = _LENGTH.unpack_from(data)
        return cls(json.loads(data[4 : 4 + length]), bytes(data[4 + length :]))


def told_samples(samples: int) -> dict[str, int]:
    """What a header says of how many of one value a record is the first of; nothing of one."""
    return {"samples": samples} if samples > 1 else {}


@dataclass(frozen=True)
class Kind(Generic[T]):
    """One kind of record, registered in ``storage.kinds.KINDS``.

    ``name`` is what the store and the wire call it, ``type`` the Python class a program logs and a
    reader gets back. ``stored`` says where its series live: "chunks" (packed columns of numbers) or
    "records" (one row a step). With ``blob`` the body is content-addressed and stored once however
    often it is logged. ``encode`` and ``decode`` must round-trip every value exactly.
    """

    name: str
    type: type[T]
    stored: Literal["chunks", "records"]
    encode: Callable[[T], Encoded]
    decode: Callable[[Encoded], T]
    blob: bool = False
