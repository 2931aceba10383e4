"""Plotly figures that a program logged, as it made them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from dash import Patch, html, set_props

from .figure import WITHOUT_WEBGL, plot
from .figure_ground import on_ground
from .record import Shown, frame, nothing, step_text

if TYPE_CHECKING:
    from ...storage.kinds.figure import Figure

MAX_BYTES = 8 << 20


def draw(shown: Shown | None, name: str = "", color: str = "", theme: str = "light") -> html.Figure:
    """A figure as wide as its card; words, if it is empty or too large."""
    return frame(shown, name, color, _body(shown, theme) if shown else [], "plotly")


def frame_of(shown: Shown, theme: str) -> Any:
    """What surrounds the data of a figure: while it stays the same, ``update`` shows another step's data."""
    figure = shown.record.value
    return [_problem(figure), on_ground(figure.layout, figure.data, theme)]


def update(shown: Shown) -> None:
    """Give the card of a figure the data of this record, leaving its axes to the person."""
    figure = shown.record.value
    if _problem(figure):
        return
    patch = Patch()
    patch["data"], patch["frames"] = _traces(figure), figure.frames
    set_props(_graph_id(shown), {"figure": patch})
    set_props(shown.step_id, {"children": step_text(shown)})


def _body(shown: Shown, theme: str) -> list[Any]:
    figure = shown.record.value
    problem = _problem(figure)
    if problem:
        return [nothing(problem)]
    ground = on_ground(figure.layout, figure.data, theme)
    layout = {**ground, "autosize": True, "width": None, "height": None}
    drawn = {"data": _traces(figure), "layout": layout, "frames": figure.frames}
    config = {"displaylogo": False, "responsive": True}
    return [plot(drawn, config, "plotly-frame", _graph_id(shown))]


def _problem(figure: Figure) -> str:
    """Why a figure is not drawn; nothing for one that is."""
    if not figure.data:
        return "This figure is empty: it has no traces."
    size = len(json.dumps(figure.data))
    return f"This figure is too large to show: {size >> 20} MiB of data." if size > MAX_BYTES else ""


def _traces(figure: Figure) -> list[dict[str, Any]]:
    return [{**trace, "type": _drawn_as(trace)} for trace in figure.data]


def _graph_id(shown: Shown) -> dict[str, Any]:
    return {"type": "media-figure", "run": shown.run_id, "tag": shown.tag, "rank": shown.rank}


def _drawn_as(trace: dict[str, Any]) -> str:
    kind = str(trace.get("type", "scatter"))
    return WITHOUT_WEBGL.get(kind, kind)
