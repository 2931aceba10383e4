"""Something that happened at one step and that people should know of."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from .base import Encoded, Kind

Level = Literal["info", "warning", "error"]


@dataclass(frozen=True)
class Event:
    """A title of a line, a text as logged (to be treated as untrusted), and data that JSON can hold."""

    title: str
    text: str = ""
    level: Level = "info"
    data: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.level not in get_args(Level):
            raise ValueError(f"level must be one of {', '.join(get_args(Level))} (got {self.level!r})")


def encode(value: Event) -> Encoded:
    said = {"title": value.title, "text": value.text, "data": value.data}
    # ASCII, so that a lone surrogate survives; in the body, where a database accepts NaN.
    return Encoded({"level": value.level}, json.dumps(said, separators=(",", ":")).encode())


def decode(encoded: Encoded) -> Event:
    return Event(**json.loads(encoded.body), level=encoded.header["level"])


KIND = Kind("event", Event, "records", encode, decode)
