"""The wire format of protobufs, as far as it takes to find where the numbers of a scalar are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from .protobuf import KEPT_NUMBER, KEPT_TAG, SHOWN_ONLY

_DTYPES = {1: "<f4", 2: "<f8", 3: "<i4", 4: "u1", 5: "<i2", 6: "i1", 9: "<i8", 10: "?", 17: "<u2", 19: "<f2"}
"""Of TensorFlow's types of tensors those that numpy has, by number."""
_TYPED = {(1, 5): "<f4", (2, 6): "<f8"}
"""Types and the fields that hold their values in a fixed number of bytes."""
_CONTENT = 4
_FIXED = {1: 8, 5: 4}
_VARINT, _BYTES = 0, 2
_PLUGIN_DATA, _DESCRIPTION = 1, 3
"""Fields of what a value says of its tag."""


class Field(NamedTuple):
    """A field's number, its wire type, and where its value begins and ends."""

    number: int
    type: int
    start: int
    stop: int


class ScalarShape(NamedTuple):
    """Where an event that tells one scalar keeps what; places are in the event.

    ``step`` and ``tag`` are the first and the last place but one; without a step there is none, which is
    step 0. ``plugin`` is None where the event does not tell. ``rounded`` are the places of the value in
    single precision beside one in double, which is the one that counts. ``description`` is where the tag's
    begins and ends. One that is ``shown_only`` is kept elsewhere.
    """

    wall: int
    step: tuple[int, int]
    tag: tuple[int, int]
    value: int
    dtype: str
    plugin: str | None
    rounded: tuple[int, int] = (0, 0)
    description: tuple[int, int] = (0, 0)
    shown_only: bool = False


def fields(data: bytes, start: int, stop: int) -> Iterator[Field]:
    """The fields of a message. Raises ``ValueError`` where it is none."""
    while start < stop:
        key, at = _varint(data, start)
        kind = key & 7
        if kind == _BYTES:
            length, at = _varint(data, at)
            start = at + length
        elif kind == _VARINT:
            start = _varint(data, at)[1]
        elif kind in _FIXED:
            start = at + _FIXED[kind]
        else:
            raise ValueError(f"wire type {kind} is unknown")
        if start > stop:
            raise ValueError("a field is longer than its message")
        yield Field(key >> 3, kind, at, start)


def whole_number(data: bytes) -> int:
    """The integer that a field's bytes are."""
    return _varint(data, 0)[0]


def scalar_shape(event: bytes) -> ScalarShape | None:
    """The shape of an event with one scalar, its wall time and nothing else; None for any other."""
    try:
        said = {field.number: field for field in fields(event, 0, len(event))}
        step = said[2][2:] if 2 in said else (0, 0)
        if said.keys() - {2} == {1, KEPT_NUMBER, KEPT_TAG}:
            value = said[KEPT_NUMBER].start
            return ScalarShape(said[1].start, step, said[KEPT_TAG][2:], value, "<f8", "scalars")
        if not {1, 5} <= said.keys() <= {1, 2, 5, KEPT_NUMBER, SHOWN_ONLY}:
            return None
        (value,) = fields(event, said[5].start, said[5].stop)
        parts = {part.number: part for part in fields(event, value.start, value.stop)}
        number = _number(event, parts)
        if number is None or 1 not in parts:
            return None
        plugin, description = "scalars" if 2 in parts else None, (0, 0)
        if 9 in parts:
            metadata = {field.number: field for field in fields(event, parts[9].start, parts[9].stop)}
            plugin = _plugin(event, metadata.get(_PLUGIN_DATA))
            description = metadata[_DESCRIPTION][2:] if _DESCRIPTION in metadata else (0, 0)
    except (ValueError, IndexError):
        return None
    shape = ScalarShape(
        *(said[1].start, step, parts[1][2:], *number, plugin),
        description=description,
        shown_only=SHOWN_ONLY in said,
    )
    if KEPT_NUMBER not in said:
        return shape
    rounded = (shape.value, shape.value + int(shape.dtype[-1]))
    return shape._replace(value=said[KEPT_NUMBER].start, dtype="<f8", rounded=rounded)


def _number(event: bytes, parts: dict[int, Field]) -> tuple[int, str] | None:
    """Where the one number of a value is, and its type."""
    if 2 in parts:
        return parts[2].start, "<f4"
    if 8 not in parts:
        return None
    tensor = {field.number: field for field in fields(event, parts[8].start, parts[8].stop)}
    held = [field for number, field in tensor.items() if number not in (1, 2, 3)]
    if len(held) != 1 or 1 not in tensor or _has_dimensions(event, tensor.get(2)):
        return None
    (data,), (code, _) = held, _varint(event, tensor[1].start)
    dtype = _DTYPES.get(code) if data.number == _CONTENT else _TYPED.get((code, data.number))
    if dtype is None or data.stop - data.start != np.dtype(dtype).itemsize:
        return None
    return data.start, dtype


def _has_dimensions(event: bytes, shape: Field | None) -> bool:
    return shape is not None and shape.stop > shape.start


def _plugin(event: bytes, told: Field | None) -> str | None:
    for part in fields(event, told.start, told.stop) if told else ():
        if part.number == 1:
            return event[part.start : part.stop].decode()
    return None


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while shift < 64:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at += 1
        if byte < 0x80:
            return value, at
        shift += 7
    raise ValueError("a number has too many bytes")
