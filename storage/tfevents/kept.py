"""What exports keep in event files for trainboard alone, read back."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from typing import Any

from tensorboard.compat.proto.event_pb2 import Event

from ..kinds import KINDS
from ..kinds.base import Encoded
from .mappings.hparams import AboutRun
from .protobuf import KEPT_NUMBER, KEPT_RECORD, KEPT_RUN, varint
from .wire import fields, whole_number

_DOUBLE = struct.Struct("<d")
_BYTES, _FIXED64 = 2, 1
_MARKS = tuple(
    varint(field << 3 | kind)
    for field, kind in ((KEPT_RECORD, _BYTES), (KEPT_RUN, _BYTES), (KEPT_NUMBER, _FIXED64))
)


def read_kept(payload: bytes, event: Event) -> list[tuple[str, Any]] | None:
    """Tags and values that an event keeps, instead of what it shows; None if it keeps nothing.

    Raises ``ValueError`` or ``KeyError`` for what no version of trainboard wrote.
    """
    if not any(mark in payload for mark in _MARKS):
        return None
    kept = [field for field in fields(payload, 0, len(payload)) if field.number >= KEPT_RECORD]
    return (
        [said for field in kept for said in _read(field.number, payload[field.start : field.stop], event)]
        if kept
        else None
    )


def _read(field: int, content: bytes, event: Event) -> Iterator[tuple[str, Any]]:
    if field == KEPT_NUMBER:
        yield event.summary.value[0].tag, _DOUBLE.unpack(content)[0]
    elif field == KEPT_RUN:
        told = json.loads(content)
        status = None if told["status"] == "running" else told["status"]
        yield (
            "",
            AboutRun(
                told["config"],
                told["group"],
                status,
                told["tags"],
                told["notes"],
                told["project"],
                told["name"],
                told.get("descriptions") or {},
            ),
        )
    elif field == KEPT_RECORD:
        parts = {part.number: content[part.start : part.stop] for part in fields(content, 0, len(content))}
        kind = KINDS.get(parts[1].decode())
        if kind is not None:
            body = _shown_string(event, parts[5]) if 5 in parts else parts[4]
            yield parts[2].decode(), kind.decode(Encoded(json.loads(parts[3]), body))


def _shown_string(event: Event, number: bytes) -> bytes:
    return event.summary.value[0].tensor.string_val[whole_number(number)]
