"""A text, plain or Markdown."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from .base import Encoded, Kind

Format = Literal["plain", "markdown"]


@dataclass(frozen=True)
class Text:
    """A text as logged; whoever shows it must treat it as untrusted.

    ``source`` is what TensorBoard's log had that this was made of, see ``tfevents.shown``.
    """

    text: str
    format: Format = "plain"
    source: bytes = field(default=b"", repr=False)

    def __post_init__(self) -> None:
        if self.format not in ("plain", "markdown"):
            raise ValueError(f"format must be 'plain' or 'markdown' (got {self.format!r})")


def encode(value: Text) -> Encoded:
    body = value.text.encode("utf-8", "surrogatepass")
    if not value.source:
        return Encoded({"format": value.format}, body)
    return Encoded({"format": value.format, "length": len(body)}, body + value.source)


def decode(encoded: Encoded) -> Text:
    length = encoded.header.get("length", len(encoded.body))
    text = encoded.body[:length].decode("utf-8", "surrogatepass")
    return Text(text, encoded.header["format"], encoded.body[length:])


KIND = Kind("text", Text, "records", encode, decode)
