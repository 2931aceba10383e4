"""A Plotly figure, as the JSON it is drawn from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .base import Encoded, Kind
from .parts import pack_json, unpack_json


@dataclass(frozen=True)
class Figure:
    """Plotly's traces, layout and frames: plain JSON, as ``plotly.io.to_json`` writes it."""

    data: list[dict[str, Any]]
    layout: dict[str, Any] = field(default_factory=dict)
    frames: list[dict[str, Any]] = field(default_factory=list)


def encode(value: Figure) -> Encoded:
    return Encoded({}, pack_json({"data": value.data, "layout": value.layout, "frames": value.frames}))


def decode(encoded: Encoded) -> Figure:
    return Figure(**unpack_json(encoded.body))


KIND = Kind("figure", Figure, "records", encode, decode, blob=True)
