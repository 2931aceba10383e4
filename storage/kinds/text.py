"""A text, plain or Markdown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .base import Encoded, Kind

Format = Literal["plain", "markdown"]


@dataclass(frozen=True)
class Text:
    """A text as logged; whoever shows it must treat it as untrusted."""

    text: str
    format: Format = "plain"

    def __post_init__(self) -> None:
        if self.format not in ("plain", "markdown"):
            raise ValueError(f"format must be 'plain' or 'markdown' (got {self.format!r})")


def encode(value: Text) -> Encoded:
    return Encoded({"format": value.format}, value.text.encode("utf-8", "surrogatepass"))


def decode(encoded: Encoded) -> Text:
    return Text(encoded.body.decode("utf-8", "surrogatepass"), encoded.header["format"])


KIND = Kind("text", Text, "records", encode, decode)
