"""Plotly figures that a program logged, as it made them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from dash import html

from .figure import WITHOUT_WEBGL, plot
from .record import Shown, frame, nothing

if TYPE_CHECKING:
    from ...storage.kinds.figure import Figure

MAX_BYTES = 8 << 20


def draw(shown: Shown | None, name: str = "", color: str = "", theme: str = "light") -> html.Figure:
    """A figure as wide as its card; words, if it is empty or too large."""
    return frame(shown, name, color, _body(shown.record.value) if shown else [], "plotly")


def _body(figure: Figure) -> list[Any]:
    if not figure.data:
        return [nothing("This figure is empty: it has no traces.")]
    size = len(json.dumps(figure.data))
    if size > MAX_BYTES:
        return [nothing(f"This figure is too large to show: {size >> 20} MiB of data.")]
    # The revision keeps a person's zoom when the next step arrives.
    layout = {"uirevision": "kept", **figure.layout, "autosize": True, "width": None, "height": None}
    data = [{**trace, "type": _drawn_as(trace)} for trace in figure.data]
    drawn = {"data": data, "layout": layout, "frames": figure.frames}
    return [plot(drawn, {"displaylogo": False, "responsive": True}, "plotly-frame")]


def _drawn_as(trace: dict[str, Any]) -> str:
    kind = str(trace.get("type", "scatter"))
    return WITHOUT_WEBGL.get(kind, kind)
