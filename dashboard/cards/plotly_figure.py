"""Plotly figures that a program logged, as it made them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from dash import html

from .figure import plot
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
    layout = {**figure.layout, "autosize": True, "width": None, "height": None}
    drawn = {"data": figure.data, "layout": layout, "frames": figure.frames}
    return [plot(drawn, {"displaylogo": False, "responsive": True}, "plotly-frame")]
