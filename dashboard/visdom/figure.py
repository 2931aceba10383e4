"""Figures as Visdom's client sends them, in the words that today's Plotly understands.

Since version 3 Plotly ignores titles that are plain strings, and it never knew some of what the client sends.
"""

from __future__ import annotations

import math
import re
from typing import Any

from ..cards.figure import WITHOUT_WEBGL

Json = dict[str, Any]
_AXIS = re.compile(r"[xyz]axis\d*$")
_TYPES = {"custom": "scatter", **WITHOUT_WEBGL}
_SYMBOLS = {"dot": "circle"}
_TEXT_POSITIONS = {
    "left": "middle left",
    "right": "middle right",
    "top": "top center",
    "bottom": "bottom center",
    "center": "middle center",
}


def drawable(content: Json) -> Json:
    """A plot's data and layout for Plotly; what cannot be drawn as a number is a gap (null)."""
    return {
        "data": [_trace(finite(trace)) for trace in content.get("data") or [] if isinstance(trace, dict)],
        "layout": _layout(finite(content.get("layout") or {})),
    }


def finite(value: Any) -> Any:
    """The same JSON with null for NaN and infinities, which a browser cannot read."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list):
        return [finite(item) for item in value]
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    return value


def _layout(layout: Json) -> Json:
    made = {key: _axis(item) if _AXIS.match(key) else item for key, item in _titled(layout).items()}
    scene = made.get("scene")
    if isinstance(scene, dict):
        made["scene"] = {key: _axis(item) if _AXIS.match(key) else item for key, item in scene.items()}
    return made


def _axis(axis: Any) -> Any:
    if not isinstance(axis, dict):
        return axis
    made = _titled(axis)
    if isinstance(made.get("nticks"), float):
        made["nticks"] = max(round(made["nticks"]), 0)
    if made.get("overlaying") and not {"tickvals", "dtick"} & made.keys():
        made.setdefault("tickmode", "auto")  # Plotly's own choice is the heights of the other axis's ticks
    return made


def _titled(part: Json) -> Json:
    """With its title as an object, and the font of the title in it."""
    made = dict(part)
    if isinstance(made.get("title"), (str, int, float)):
        made["title"] = {"text": str(made["title"])}
    font = made.pop("titlefont", None)
    if font is not None:
        made["title"] = {**(made.get("title") or {}), "font": font}
    return made


def _trace(trace: Json) -> Json:
    made = dict(trace)
    made["type"] = _TYPES.get(str(made.get("type")), made.get("type", "scatter"))
    position = made.get("textposition")
    if isinstance(position, str):
        made["textposition"] = _TEXT_POSITIONS.get(position, position)
    if isinstance(made.get("marker"), dict):
        made["marker"] = _marker(made["marker"])
    if isinstance(made.get("colorbar"), dict):
        made["colorbar"] = _titled(made["colorbar"])
    if made["type"] == "contour":
        for old, new in (("cmin", "zmin"), ("cmax", "zmax")):
            if old in made:
                made[new] = made.pop(old)
    if made["type"] == "mesh":  # two-dimensional, which Plotly draws as flat in three
        made |= {"type": "mesh3d", "z": [0] * len(made.get("x") or [])}
    return made


def _marker(marker: Json) -> Json:
    symbol = marker.get("symbol")
    if isinstance(symbol, list):
        return {**marker, "symbol": [_SYMBOLS.get(str(one), one) for one in symbol]}
    return {**marker, "symbol": _SYMBOLS.get(str(symbol), symbol)} if symbol is not None else marker
