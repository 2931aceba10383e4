"""The ground of a program's figures on a dark page, where the program left it to Plotly.

Plotly writes its usual template, dark ink on a light ground, into every figure that names none. On a dark
page such a figure gets the dark counterpart of that template on the card's own ground: the same colours of
traces, light ink. A figure that fixes a ground, another template, or ink that needs a light ground is shown
as it was made.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from .figure import INK

_GROUNDS = ("paper_bgcolor", "plot_bgcolor")
_USUAL = {"paper_bgcolor": "white", "plot_bgcolor": "#E5ECF6"}
_DARK_INK = 0.06
"""Colours with a lower luminance cannot be told from a dark page."""


def on_ground(layout: Mapping[str, Any], traces: list[dict[str, Any]], theme: str) -> dict[str, Any]:
    """The layout as the figure is drawn on a page of ``theme``."""
    if theme != "dark" or not _is_usual(layout):
        return dict(layout)
    own = {key: value for key, value in layout.items() if key != "template"}
    if any(_luminance(color) < _DARK_INK for color in _colors([own, *traces])):
        return dict(layout)
    return {**layout, "template": _dark_template()}


def _is_usual(layout: Mapping[str, Any]) -> bool:
    """Whether a figure has neither a ground nor a template of its own."""
    if any(layout.get(ground) for ground in _GROUNDS):
        return False
    template = layout.get("template") or {}
    usual = template.get("layout", {})
    return not template or {ground: usual.get(ground) for ground in _GROUNDS} == _USUAL


@cache
def _dark_template() -> dict[str, Any]:
    import plotly.io

    template = plotly.io.templates["plotly_dark"].to_plotly_json()
    ink = INK["dark"]
    grounds = dict.fromkeys(_GROUNDS, ink["paper"])
    return {**template, "layout": {**template["layout"], **grounds, "font": {"color": ink["strong"]}}}


def _colors(value: Any) -> Iterator[str]:
    """The single colours anywhere in a figure; those of arrays, one a point, stand for data."""
    if isinstance(value, list):
        for one in value:
            if isinstance(one, dict):
                yield from _colors(one)
    elif isinstance(value, dict):
        for key, one in value.items():
            if isinstance(one, str) and key.endswith("color"):
                yield one
            elif isinstance(one, dict | list):
                yield from _colors(one)


def _luminance(color: str) -> float:
    """The relative luminance, by ITU-R BT.709; 1, as of white, for what is no opaque colour."""
    from PIL import ImageColor

    try:
        red, green, blue = ((part / 255) ** 2.2 for part in ImageColor.getrgb(color))
    except ValueError:
        return 1.0
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
