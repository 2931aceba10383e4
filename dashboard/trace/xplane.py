"""Profiles as TensorFlow and JAX write them, ``*.xplane.pb``, as the events of Chrome's format."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from google.protobuf import message
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

_PACKAGE = "trainboard.xplane"
_PICOSECONDS = 1e-6
"""In microseconds, which Chrome's format counts in."""
_Field = FieldDescriptorProto
_FIELDS: dict[str, list[tuple[str, int, str]]] = {
    "XSpace": [("planes", 1, "XPlane")],
    "XPlane": [("name", 2, "text"), ("lines", 3, "XLine"), ("event_metadata", 4, "Entry")],
    "Entry": [("key", 1, "number"), ("value", 2, "XEventMetadata")],
    "XEventMetadata": [("name", 2, "text")],
    "XLine": [
        ("name", 2, "text"),
        ("timestamp_ns", 3, "number"),
        ("events", 4, "XEvent"),
        ("display_name", 11, "text"),
    ],
    "XEvent": [("metadata_id", 1, "number"), ("offset_ps", 2, "number"), ("duration_ps", 3, "number")],
}
"""What is read of the messages of XLA's ``xplane.proto``: the name, number and type of each field."""
_PLAIN = {"text": _Field.TYPE_BYTES, "number": _Field.TYPE_INT64}


class BadProfile(ValueError):
    """Bytes that are no profile."""


def events(data: bytes) -> Iterator[dict[str, Any]]:
    """Planes (the host, devices) become processes, their lines threads. Raises ``BadProfile``."""
    space = _space()()
    try:
        space.ParseFromString(data)
    except message.DecodeError as error:
        raise BadProfile("these bytes are no profile of TensorFlow") from error
    for process, plane in enumerate(space.planes):
        names = {entry.key: _text(entry.value.name) for entry in plane.event_metadata}
        yield _name("process_name", process, 0, _text(plane.name))
        for thread, line in enumerate(plane.lines):
            yield _name("thread_name", process, thread, _text(line.display_name or line.name))
            for event in line.events:
                yield {
                    "ph": "X",
                    "pid": process,
                    "tid": thread,
                    "name": names.get(event.metadata_id, "unnamed"),
                    "ts": line.timestamp_ns / 1000 + event.offset_ps * _PICOSECONDS,
                    "dur": event.duration_ps * _PICOSECONDS,
                }


def _name(what: str, process: int, thread: int, name: str) -> dict[str, Any]:
    return {"ph": "M", "pid": process, "tid": thread, "name": what, "args": {"name": name}}


def _text(given: bytes) -> str:
    return given.decode("utf-8", "replace")


def _space() -> type[Any]:
    """The class of a whole profile, made of ``_FIELDS``: fields that are not read are passed over."""
    file = FileDescriptorProto(name="trainboard/xplane.proto", package=_PACKAGE)
    for name, fields in _FIELDS.items():
        made = file.message_type.add(name=name)
        for field, number, kind in fields:
            is_many = kind in _FIELDS and kind != "XEventMetadata"
            told = made.field.add(name=field, number=number)
            told.label = _Field.LABEL_REPEATED if is_many else _Field.LABEL_OPTIONAL
            told.type = _PLAIN.get(kind, _Field.TYPE_MESSAGE)
            if kind in _FIELDS:
                told.type_name = f".{_PACKAGE}.{kind}"
    pool = DescriptorPool()
    pool.Add(file)
    return GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.XSpace"))
