"""What exports keep in event files for trainboard alone, read back."""

from __future__ import annotations

import json
import struct
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields as fields_of
from typing import Any

from tensorboard.compat.proto.event_pb2 import Event

from ..kinds import KINDS
from ..kinds.base import Encoded
from .mappings.hparams import AboutRun
from .protobuf import KEPT_NUMBER, KEPT_RECORD, KEPT_RUN, KEPT_TAG, KEPT_WALL, SHOWN_ONLY, varint
from .raw_values import raw_data
from .wire import fields, whole_number

_DOUBLE = struct.Struct("<d")
_VARINT, _FIXED64, _BYTES = 0, 1, 2
_TYPES = {KEPT_NUMBER: _FIXED64, KEPT_WALL: _FIXED64, SHOWN_ONLY: _VARINT}
_MARKS = tuple(varint(field << 3 | _TYPES.get(field, _BYTES)) for field in range(KEPT_RECORD, SHOWN_ONLY + 1))
_ABOUT = tuple(field.name for field in fields_of(AboutRun))


def read_kept(payload: bytes, event: Event) -> list[tuple[str, Any]] | None:
    """Tags and values that an event keeps, instead of what it shows; None if it keeps nothing.

    A wall time that it keeps is put in the place of the one it shows. Raises ``ValueError``, ``KeyError``
    or ``TypeError`` for what no version of trainboard wrote.
    """
    if not any(mark in payload for mark in _MARKS):
        return None
    kept: dict[int, list[bytes]] = defaultdict(list)
    for field in fields(payload, 0, len(payload)):
        if field.number >= KEPT_RECORD:
            kept[field.number].append(payload[field.start : field.stop])
    if KEPT_WALL in kept:
        event.wall_time = _DOUBLE.unpack(kept.pop(KEPT_WALL)[0])[0]
    return list(_read(kept, event)) if kept else None


def _read(kept: Mapping[int, Sequence[bytes]], event: Event) -> Iterator[tuple[str, Any]]:
    if SHOWN_ONLY in kept:
        return
    if KEPT_NUMBER in kept:
        tag = kept[KEPT_TAG][0].decode() if KEPT_TAG in kept else event.summary.value[0].tag
        yield tag, _DOUBLE.unpack(kept[KEPT_NUMBER][0])[0]
    if KEPT_RUN in kept:
        yield "", _about(json.loads(kept[KEPT_RUN][0]))
    for record in kept.get(KEPT_RECORD, ()):
        parts = {part.number: record[part.start : part.stop] for part in fields(record, 0, len(record))}
        kind = KINDS.get(parts[1].decode())
        if kind is not None:
            header = json.loads(parts[3])
            yield parts[2].decode(), kind.decode(Encoded(header, _body(parts, header, event)))


def _about(told: dict[str, Any]) -> AboutRun:
    """Runs that go on tell no ending: whether they still do is told by when their files grew."""
    if told.get("status") == "running":
        told["status"] = None
    return AboutRun(**{name: told[name] for name in _ABOUT if name in told})


def _body(parts: Mapping[int, bytes], header: dict[str, Any], event: Event) -> bytes:
    """The body of a record: its own, one of the strings that are shown, or all that is shown."""
    if 5 in parts:
        return event.summary.value[0].tensor.string_val[whole_number(parts[5])]
    return raw_data(event, header["message"]) if 6 in parts else parts[4]
