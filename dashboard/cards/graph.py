"""A model's graph: read from the store, and drawn as cytoscape elements."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from .graph_layout import CHARACTER, Drawing, box_label, count_text, lay_out
from .graph_scopes import Box, View, ancestors, first_view, paged, view
from .graph_style import family, stylesheet

if TYPE_CHECKING:
    from ...storage import Store
    from ...storage.kinds.graph import Graph

TAG = "graph"
FRAMEWORKS: Mapping[str, str] = {
    "torch": "PyTorch",
    "keras": "Keras",
    "tensorflow": "TensorFlow",
    "onnx": "ONNX",
}


def read(store: Store, run_id: str, tag: str = TAG) -> Graph | None:
    """The newest graph of a run, or None if it has none."""
    _, _, indices = store.record_index(run_id, tag, "graph")
    if not len(indices):
        return None
    return store.record_at(run_id, tag, "graph", int(indices[-1])).value


def elements(
    graph: Graph, opened: Collection[str], anchor: tuple[str, float, float] | None = None
) -> list[dict[str, Any]]:
    """The boxes and links in view, with positions.

    ``anchor`` names a box and the point where the middle of its upper edge must be, so that what a
    person has just clicked stays under the pointer.
    """
    seen = view(graph, opened)
    drawing = lay_out(seen)
    dx, dy = _shift(drawing, anchor)
    most = max((box.parameters for box in seen.boxes if not box.is_open), default=0)
    boxes = [_box_element(box, drawing, (dx, dy), most) for box in seen.boxes]
    return boxes + _link_elements(seen, drawing)


def summary(graph: Graph) -> str:
    """``PyTorch · 12 operations · 1.2 M parameters · 3.4 M FLOPs``."""
    parameters = sum(node.parameters for node in graph.nodes)
    flops = sum(node.flops or 0 for node in graph.nodes)
    framework = FRAMEWORKS.get(graph.framework, graph.framework)
    parts = [framework, f"{len(graph.nodes):,} operations", f"{count_text(parameters)} parameters"]
    if flops:
        parts.append(f"{count_text(flops)} FLOPs")
    return " · ".join(filter(None, parts))


def draw(graph: Graph | None, theme: str = "light") -> dict[str, Any]:
    """Elements and style of a graph as it first opens; of None an empty picture."""
    if graph is None:
        return {"elements": [], "stylesheet": stylesheet(theme, "op")}
    graph = paged(graph)
    return {"elements": elements(graph, first_view(graph)), "stylesheet": stylesheet(theme, "op")}


def _shift(drawing: Drawing, anchor: tuple[str, float, float] | None) -> tuple[float, float]:
    if anchor is None or anchor[0] not in drawing.centres:
        return 0.0, 0.0
    box, x, top = anchor
    centre, height = drawing.centres[box], drawing.sizes[box][1]
    return x - centre[0], top - (centre[1] - height / 2)


def _box_element(box: Box, drawing: Drawing, shift: tuple[float, float], most: int) -> dict[str, Any]:
    (x, y), (width, height) = drawing.centres[box.id], drawing.sizes[box.id]
    depth = sum(1 for _ in ancestors(box.scope))
    heat = math.log1p(box.parameters) / math.log1p(most) if most and not box.is_open else 0.0
    data = {
        "id": box.id,
        "label": box_label(box),
        "indent": round(len(box.name) * CHARACTER / 2 + 22 - width / 2, 1),
        "width": round(width, 1),
        "height": round(height, 1),
        "family": "scope" if box.is_scope else family(box.op),
        "heat": round(heat, 3),
        "depth": depth % 2,
        "level": depth,
    }
    if box.path is not None:
        data["path"] = box.path
    kind = ("open" if box.is_open else "closed") if box.is_scope else "operation"
    position = {"x": round(x + shift[0], 1), "y": round(y + shift[1], 1)}
    return {"data": data, "position": position, "classes": kind, "grabbable": False}


def _link_elements(seen: View, drawing: Drawing) -> list[dict[str, Any]]:
    made = []
    for link in seen.links:
        weights, distances = _bends(drawing, link.source, link.target)
        data = {
            "id": f"\x1e{link.source}\x1e{link.target}",
            "source": link.source,
            "target": link.target,
            "label": link.label,
            "weights": weights,
            "distances": distances,
        }
        made.append({"data": data, "classes": "merged" if link.count > 1 else ""})
    return made


def _bends(drawing: Drawing, source: str, target: str) -> tuple[list[float], list[float]]:
    """The route of a link as cytoscape wants it: along, and beside, the line between the two centres."""
    (x0, y0), (x1, y1) = drawing.centres[source], drawing.centres[target]
    bottom, top = y0 + drawing.sizes[source][1] / 2, y1 - drawing.sizes[target][1] / 2
    route = drawing.routes[source, target]
    first, last = route[0] if route else (x1, top), route[-1] if route else (x0, bottom)
    points = [(x0, (bottom + first[1]) / 2), *route, (x1, (last[1] + top) / 2)]
    dx, dy = x1 - x0, y1 - y0
    square = dx * dx + dy * dy or 1.0
    weights = [((x - x0) * dx + (y - y0) * dy) / square for x, y in points]
    distances = [((y - y0) * dx - (x - x0) * dy) / math.sqrt(square) for x, y in points]
    return [round(weight, 4) for weight in weights], [round(distance, 1) for distance in distances]
