"""Something that happened at a step, such as a model whose graph changed."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from .base import Encoded, Kind


@dataclass(frozen=True)
class Event:
    """``title`` in a few words, ``text`` in full as Markdown, and ``data``, which JSON can hold, for programs."""

    title: str
    text: str = ""
    level: Literal["info", "warn", "error"] = "info"
    data: dict[str, Any] = field(default_factory=dict)


def encode(value: Event) -> Encoded:
    return Encoded(asdict(value))


def decode(encoded: Encoded) -> Event:
    return Event(**encoded.header)


KIND = Kind("event", Event, "records", encode, decode)
