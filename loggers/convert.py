"""What users pass to ``log()``, turned into steps, tags, numbers and records.

Frameworks are recognised by the methods their values have (``item``, ``numpy``), never imported.
Whatever cannot be logged raises ``Refused`` here, whose text tells the user why and what to do.
"""

from __future__ import annotations

import operator
import reprlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import is_dataclass
from decimal import Decimal
from hashlib import blake2b
from numbers import Real
from typing import Any, NamedTuple

from ..storage.frames import MAX_PAYLOAD
from .arrays import TooLarge

LONGEST_TAG = 1_000
_DIGEST_BYTES = 8
_SMALLEST_STEP, _LARGEST_STEP = -(2**63), 2**63 - 1


class Refused(ValueError):
    """Something that cannot be logged. ``cause`` groups refusals that deserve one warning together."""

    def __init__(self, cause: str, message: str) -> None:
        super().__init__(message)
        self.cause = cause


class OnDevice(Refused):
    """A number that is not on this side of the bus yet."""

    def __init__(self) -> None:
        super().__init__("device", "it is on a device, for which nothing here waits: pass its .item()")


class TooLargeToLog(Refused):
    """A record that no store takes, which the page is told of in its place."""

    def __init__(self, size: int, what: str, most: int) -> None:
        found, limit = (f"{number >> 20} MiB" for number in (size, most))
        self.reason = f"it is {found}, and {what} may be {limit}"
        super().__init__("large", f"not logged, because {self.reason}")

    def as_event(self, tag: str) -> tuple[str, bytes]:
        """The kind and payload of an event that says so."""
        from ..storage.kinds.event import KIND, Event

        event = Event(f"Not logged: {tag}", f"Because {self.reason}.", "warning")
        return KIND.name, KIND.encode(event).to_bytes()


class Contents(NamedTuple):
    """The contents of one ``log()`` call: numbers, numbers still on a device, records as (tag, kind name,
    payload), and refusals."""

    numbers: list[tuple[str, float]]
    arriving: list[tuple[str, Any]]
    records: list[tuple[str, str, bytes]]
    refusals: list[Refused]


def to_step(step: Any) -> int:
    """A whole number that fits int64: a Python or numpy integer, an integral float, a 0-d tensor."""
    try:
        number = operator.index(step)
    except TypeError:
        number = _integral(step)
    if not _SMALLEST_STEP <= number <= _LARGEST_STEP:
        raise Refused("step range", f"step {_short(step)} does not fit 64 bits; this call was not logged")
    return number


def _integral(step: Any) -> int:
    try:
        number = to_float(step)
        if number.is_integer():
            return int(number)
    except Refused:
        pass
    raise Refused("step type", f"step must be a whole number, not {_short(step)}; this call was not logged")


def to_wall_time(moment: Any) -> float:
    """Seconds since the epoch."""
    try:
        return to_float(moment)
    except Refused:
        message = f"wall_time must be seconds since the epoch, not {_short(moment)}; this call was not logged"
        raise Refused("wall_time", message) from None


def to_tag(tag: Any) -> str:
    """A tag as stored: not empty, valid Unicode, and of at most ``LONGEST_TAG`` characters.

    A longer one keeps its beginning, followed by a hash of the whole, so distinct tags stay distinct.
    """
    if not isinstance(tag, str):
        raise Refused("tag type", f"a tag must be a string, not {_short(tag)}; its value was not logged")
    if not tag.strip():
        raise Refused("tag empty", "a tag must not be empty; its value was not logged")
    text = to_text(tag)
    if len(text) <= LONGEST_TAG:
        return text
    digest = blake2b(text.encode(), digest_size=_DIGEST_BYTES).hexdigest()
    return f"{text[: LONGEST_TAG - len(digest) - 1]}#{digest}"


def to_text(text: str) -> str:
    """The text that every database accepts: no lone surrogates and no NUL characters."""
    return text.encode("utf-8", "replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")


def to_float(value: Any) -> float:
    """The float that a number is: Python, Decimal, numpy scalar, or one-element array or tensor.

    Raises ``OnDevice`` for a tensor on a CUDA device.
    """
    try:
        read = _readers[type(value)]
    except KeyError:
        read = _readers[type(value)] = _reader(type(value))
    try:
        return read(value)
    except Refused:
        raise
    except Exception as error:
        raise _not_a_number(value, str(error)) from None


def _reader(kind: type) -> Callable[[Any], float]:
    if issubclass(kind, Real | Decimal):
        return float
    if hasattr(kind, "is_cuda"):
        return _read_torch
    if hasattr(kind, "item"):
        return _read_item
    if hasattr(kind, "numpy"):
        return _read_numpy
    return _read_nothing


def _read_item(value: Any) -> float:
    number = value.item()
    if type(number) is float:
        return number
    if not isinstance(number, Real):
        raise _not_a_number(value)
    return float(number)


def _read_torch(value: Any) -> float:
    if value.is_cuda and value.numel() == 1 and not value.is_complex():
        raise OnDevice
    return _read_item(value)


def _read_numpy(value: Any) -> float:
    return _read_item(value.numpy())


def _read_nothing(value: Any) -> float:
    raise _not_a_number(value)


_readers: dict[type, Callable[[Any], float]] = {float: float, int: float, bool: float}


def _not_a_number(value: Any, reason: str = "") -> Refused:
    shape = _shape(value)
    if shape not in ((), (1,)):
        what = f"an array of shape {shape}"
        could_be = "tb.Histogram(values), tb.Image(array), tb.Audio(samples) or tb.Table(rows)"
        return Refused("array", f"{what} is not a number: log {could_be}")
    what = f"{_short(value)} of type {type(value).__name__} is not a number"
    return Refused(f"value {type(value).__name__}", f"{what} ({reason})" if reason else what)


def _shape(value: Any) -> tuple[Any, ...]:
    """Its ``shape``; () if it has none, or one that cannot be read."""
    try:
        return tuple(getattr(value, "shape", ()))
    except Exception:
        return ()


def to_mapping(values: Any) -> Mapping[Any, Any]:
    if isinstance(values, Mapping):
        return values
    raise Refused("values type", f"log() takes a dict of tags and values, not {_short(values)}")


def to_contents(values: Mapping[Any, Any]) -> Contents:
    """Sort the values of one ``log()`` call; nested dicts are flattened with ``.`` between their keys."""
    contents = Contents([], [], [], [])
    for path, value in _flatten(values):
        try:
            tag = to_tag(path)
            record = _to_record(value)
            if record is not None:
                contents.records.append((tag, *record))
            else:
                contents.numbers.append((tag, to_float(value)))
        except OnDevice:
            contents.arriving.append((to_tag(path), value))
        except Refused as refusal:
            contents.refusals.append(Refused(refusal.cause, f"{_short(path)}: {refusal}"))
            if isinstance(refusal, TooLargeToLog):
                contents.records.append((to_tag(path), *refusal.as_event(to_tag(path))))
        except Exception as error:
            what = f"{_short(path)}: this {type(value).__name__} cannot be logged: {error!r}"
            contents.refusals.append(Refused(f"value {type(value).__name__}", what))
    return contents


def _flatten(values: Mapping[Any, Any], prefix: str = "") -> Iterator[tuple[Any, Any]]:
    for key, value in list(values.items()):
        path = f"{prefix}{key}" if prefix else key
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{path}.")
        else:
            yield path, value


def _to_record(value: Any) -> tuple[str, bytes] | None:
    """The kind and payload of a record such as an Image, or None if ``value`` is no record.

    Figures, pictures and frames of other libraries are made into one.
    """
    if type(value) in _readers and _readers[type(value)] is not _read_nothing:
        return None
    if isinstance(value, TooLarge):
        raise TooLargeToLog(*value)
    from ..storage.kinds import KINDS

    for kind in KINDS.values():
        if kind.stored == "records" and isinstance(value, kind.type):
            _refuse_large(_least_size(value))
            payload = kind.encode(value).to_bytes()
            _refuse_large(len(payload))
            return kind.name, payload
    from .figures import to_record

    try:
        record = to_record(value)
    except Exception as error:
        what = f"this {type(value).__name__} cannot be logged: {error}"
        raise Refused(f"value {type(value).__name__}", what) from error
    return None if record is None else _to_record(record)


def _least_size(record: Any) -> int:
    """Bytes that a record takes at least, told without encoding it."""
    held = getattr(record, "__dict__", {}).values()
    return sum(
        len(field) if isinstance(field, str | bytes) else getattr(field, "nbytes", 0) for field in held
    )


def _refuse_large(size: int) -> None:
    if size > MAX_PAYLOAD:
        raise TooLargeToLog(size, "a record", MAX_PAYLOAD)


def _short(value: Any) -> str:
    """What a value looks like, at a cost that does not grow with it."""
    if is_dataclass(value):
        return f"a {type(value).__name__}"
    text = _repr.repr(value[:_SHORT] if isinstance(value, bytes | bytearray) else value)
    return text if len(text) <= _SHORT else f"{text[: _SHORT - 3]}…"


_SHORT = 80
_repr = reprlib.Repr()
_repr.maxstring = _repr.maxother = _repr.maxlong = _SHORT
