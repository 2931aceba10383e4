"""An environment as one HTML file that needs no server."""

from __future__ import annotations

import html
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import plotly

from ...storage.panes import read_panes
from .figure import drawable, finite

if TYPE_CHECKING:
    from ...storage import Store

_USUAL = (480, 360)
"""Pixels of a window whose program asked for none."""
_MARGIN = {"l": 32, "r": 16, "t": 16, "b": 32}
_NO_AXIS = {"visible": False, "fixedrange": True}
_PAGE = """<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy"
  content="default-src 'none'; style-src 'unsafe-inline'; img-src data: blob:; media-src data:;
  script-src 'unsafe-inline'">
<title>{title}</title>
<style>
body {{ margin: 16px; font: 13px/1.4 system-ui, sans-serif; }}
body {{ display: flex; flex-wrap: wrap; align-items: start; gap: 8px; }}
section {{ border: 1px solid #dfe2e6; border-radius: 4px; padding: 8px; }}
section {{ box-sizing: border-box; max-width: 100%; overflow: auto; }}
h1 {{ width: 100%; font-size: 18px; margin: 0; }}
h2 {{ font-size: 13px; margin: 0 0 4px; }}
iframe {{ border: 0; }}
img {{ max-width: 100%; }}
td {{ padding: 2px 12px 2px 0; }}
</style>
<h1>{title}</h1>
{windows}
<script>{plotly}</script>
<script>
for (const place of document.querySelectorAll(".plot")) {{
  const {{ data, layout }} = JSON.parse(place.dataset.figure);
  Plotly.newPlot(place, data, {{ ...layout, width: place.clientWidth, height: place.clientHeight }});
}}
</script>
</html>
"""


def as_page(store: Store, name: str) -> str | None:
    """An environment as one HTML file that loads nothing, or None if there is none."""
    with store.reading() as connection:
        panes = read_panes(connection, name)
    if panes is None:
        return None
    drawn = "\n".join(_section(pane) for pane in panes.values())
    library = Path(plotly.__path__[0]) / "package_data" / "plotly.min.js"
    script = library.read_text().replace("</script", "<\\/script")
    return _PAGE.format(title=html.escape(name), windows=drawn, plotly=script)


def _section(pane: dict[str, Any]) -> str:
    return f"<section><h2>{html.escape(str(pane.get('title') or pane['id']))}</h2>{_body(pane)}</section>"


def _body(pane: dict[str, Any]) -> str:
    kind, content = pane["type"], pane["content"]
    if kind == "plot":
        return _figure(pane, drawable(content))
    if kind == "embeddings" and isinstance(content, dict):
        return _figure(pane, _embeddings(content.get("data") or []))
    if kind == "network" and isinstance(content, dict):
        return _figure(pane, _network(content.get("nodes") or [], content.get("edges") or []))
    if kind == "text":
        source = html.escape(str(content), quote=True)
        return f'<iframe sandbox style="{_size(pane)}" srcdoc="{source}"></iframe>'
    if kind in ("image", "image_history"):
        images = content if isinstance(content, list) else [content]
        return "".join(_image(image) for image in images)
    if kind == "properties" and isinstance(content, list):
        return f"<table>{''.join(map(_property, content))}</table>"
    return f"<pre>{html.escape(json.dumps(finite(content), indent=1))}</pre>"


def _size(pane: dict[str, Any]) -> str:
    asked = (pane.get("width"), pane.get("height"))
    width, height = (
        int(one) if isinstance(one, int | float) and 0 < one < 10_000 else usual
        for one, usual in zip(asked, _USUAL, strict=True)
    )
    return f"width: {width}px; height: {height}px"


def _figure(pane: dict[str, Any], figure: dict[str, Any]) -> str:
    data = html.escape(json.dumps(figure), quote=True)
    return f'<div class="plot" style="{_size(pane)}" data-figure="{data}"></div>'


def _embeddings(points: list[dict[str, Any]]) -> dict[str, Any]:
    """A trace for each group of points."""
    groups: dict[Any, list[dict[str, Any]]] = {}
    for point in points:
        groups.setdefault(point.get("group"), []).append(point)
    return {
        "data": [
            {
                "type": "scatter",
                "mode": "markers",
                "name": str(group[0].get("label") or key),
                "x": [finite(point["position"][0]) for point in group],
                "y": [finite(point["position"][1]) for point in group],
                "text": [str(point.get("name", "")) for point in group],
            }
            for key, group in groups.items()
        ],
        "layout": {"showlegend": True, "margin": _MARGIN},
    }


def _network(nodes: list[dict[str, Any]], edges: list[dict[str, Any]]) -> dict[str, Any]:
    """Nodes on a circle in their order, as nothing here can compute a better place; edges as lines."""
    angles = [2 * math.pi * at / max(len(nodes), 1) for at in range(len(nodes))]
    at = {node.get("name"): place for place, node in enumerate(nodes)}
    lines: dict[str, list[float | None]] = {"x": [], "y": []}
    for edge in edges:
        ends = [at.get(edge.get("source")), at.get(edge.get("target"))]
        if None in ends:
            continue
        lines["x"] += [*(math.cos(angles[end]) for end in ends if end is not None), None]
        lines["y"] += [*(math.sin(angles[end]) for end in ends if end is not None), None]
    spots = {
        "x": [math.cos(angle) for angle in angles],
        "y": [math.sin(angle) for angle in angles],
        "text": [str(node.get("label", node.get("name", ""))) for node in nodes],
    }
    return {
        "data": [
            {"type": "scatter", "mode": "lines", "hoverinfo": "skip", "line": {"color": "#b6bcc4"}, **lines},
            {"type": "scatter", "mode": "markers+text", "textposition": "top center", **spots},
        ],
        "layout": {
            "showlegend": False,
            "margin": _MARGIN,
            "xaxis": _NO_AXIS,
            "yaxis": {**_NO_AXIS, "scaleanchor": "x"},
        },
    }


def _property(item: dict[str, Any]) -> str:
    value = item.get("value")
    if item.get("type") == "select" and isinstance(value, int) and value < len(item.get("values") or []):
        value = item["values"][value]
    return f"<tr><td>{html.escape(str(item.get('name')))}</td><td>{html.escape(str(value))}</td></tr>"


def _image(image: dict[str, Any]) -> str:
    source = html.escape(str(image.get("src")), quote=True)
    caption = html.escape(str(image.get("caption") or ""))
    return f'<figure><img src="{source}" alt=""><figcaption>{caption}</figcaption></figure>'
