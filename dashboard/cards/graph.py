"""A model's graph: read from the store, and drawn as boxes and links for the page."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .graph_colors import Health, shade
from .graph_layout import Drawing, box_label, count_text, lay_out
from .graph_paths import on_the_way
from .graph_scopes import Box, Link, View, first_view, view
from .graph_style import FAMILIES, family
from .graph_tree import Tree

if TYPE_CHECKING:
    from ...storage import Store
    from ...storage.kinds.graph import Graph

TAG = "graph"
CHANGES_TAG = "graph/changes"
FRAMEWORKS: Mapping[str, str] = {
    "torch": "PyTorch",
    "keras": "Keras",
    "tensorflow": "TensorFlow",
    "onnx": "ONNX",
}


@dataclass(frozen=True)
class Look:
    """How a graph is looked at.

    ``color`` is one of ``graph_colors.COLORS``, ``trace`` the id of a box whose inputs and outputs are
    followed, ``changes`` what became of nodes by id, as ``graph_changes`` tells it, and ``matches`` the
    ids of boxes that were searched for.
    """

    color: str = "op"
    trace: str = ""
    health: Health = ()
    changes: Mapping[str, str] = field(default_factory=dict)
    matches: Collection[str] = ()


def read(store: Store, run_id: str, place: int = -1) -> Graph | None:
    """The graph of a run that was logged at a place in their order, -1 the newest; None if it has none."""
    _, _, indices = store.record_index(run_id, TAG, "graph")
    if not -len(indices) <= place < len(indices):
        return None
    return store.record_at(run_id, TAG, "graph", int(indices[place])).value


def picture(tree: Tree, opened: Collection[str], look: Look | None = None) -> dict[str, Any]:
    """Boxes and links in view, with where they are in pixels, the picture's top left corner at the origin."""
    look = look or Look()
    seen = view(tree, opened)
    drawing = lay_out(seen)
    shades = shade(tree, seen.boxes, look.color, look.health)
    marks = on_the_way(tree, look.trace) if look.trace else None
    boxes = [_box(tree, box, drawing) for box in seen.boxes]
    for told, box in zip(boxes, seen.boxes, strict=True):
        if box.id in shades.of:
            told["shade"], told["amount"] = shades.of[box.id]
        told |= _marks(tree, box, marks, look)
    links = [_link(tree, link, drawing, marks, look.changes) for link in seen.links]
    return {
        "boxes": boxes,
        "links": links,
        "scale": shades.ends,
        "notes": _notes(seen),
        **_extent(boxes),
    }


def summary(graph: Graph) -> str:
    """``PyTorch · 12 operations · 1.2 M parameters · 3.4 M FLOPs``."""
    parameters = sum(node.parameters for node in graph.nodes)
    flops = sum(node.flops or 0 for node in graph.nodes)
    framework = FRAMEWORKS.get(graph.framework, graph.framework)
    parts = [framework, f"{len(graph.nodes):,} operations", f"{count_text(parameters)} parameters"]
    if flops:
        parts.append(f"{count_text(flops)} FLOPs")
    return " · ".join(filter(None, parts))


def draw(graph: Graph | None) -> dict[str, Any]:
    """A graph as it first opens; of None an empty picture."""
    if graph is None:
        return {"boxes": [], "links": [], "scale": None, "notes": [], "width": 0.0, "height": 0.0}
    tree = Tree(graph)
    return picture(tree, first_view(tree))


def _box(tree: Tree, box: Box, drawing: Drawing) -> dict[str, Any]:
    (x, y), (width, height) = drawing.centres[box.id], drawing.sizes[box.id]
    told: dict[str, Any] = {
        "id": box.id,
        "scope": box.scope,
        "kind": ("open" if box.is_open else "closed") if box.is_scope else "operation",
        "lines": box_label(box).split("\n"),
        "title": box.name,
        "x": round(x - width / 2, 1),
        "y": round(y - height / 2, 1),
        "width": round(width, 1),
        "height": round(height, 1),
    }
    name = "other" if box.is_scope else family(box.op)
    if name in FAMILIES:
        told["hue"] = FAMILIES[name][1]
    if not box.is_scope and tree.graph.nodes[box.place].shares:
        told["shares"] = tree.graph.nodes[box.place].shares
    return told


def _marks(tree: Tree, box: Box, marks: NDArray[np.int8] | None, look: Look) -> dict[str, Any]:
    """Whether a box is on the way, "in" or "out"; what became of it; how often it, or in it, is matched."""
    told: dict[str, Any] = {}
    if marks is None and not look.changes and not look.matches:
        return told
    nodes = tree.nodes_in(box.place) if box.is_scope else [box.place]
    names = [tree.graph.nodes[node].id for node in nodes]
    if marks is not None:
        found = set(marks[nodes].tolist())
        told["way"] = next((way for mark, way in ((2, "self"), (1, "out"), (-1, "in")) if mark in found), "")
    became = {look.changes.get(name) for name in names} if look.changes else {None}
    if became != {None}:
        told["change"] = became.pop() if len(became) == 1 else "changed"
    inside = () if box.is_open else names
    if look.matches and (matched := sum(name in look.matches for name in inside) or box.id in look.matches):
        told["matches"] = int(matched)
    return told


def _link(
    tree: Tree, link: Link, drawing: Drawing, marks: NDArray[np.int8] | None, changes: Mapping[str, str]
) -> dict[str, Any]:
    told: dict[str, Any] = {
        "source": link.source,
        "target": link.target,
        "points": [[round(x, 1), round(y, 1)] for x, y in _route(drawing, link)],
        "label": link.label,
        "count": len(link.edges),
    }
    sources, targets = (ends[link.edges] for ends in tree.edges)
    if marks is not None:
        first, second = marks[sources], marks[targets]
        inside = (first == -1) & (second != 1) & (second != 0)
        outside = (second == 1) & (first > 0)
        told["way"] = "in" if inside.any() else "out" if outside.any() else ""
    if changes:
        ends = {changes.get(tree.graph.nodes[place].id) for place in (*sources.tolist(), *targets.tolist())}
        told["change"] = next((change for change in ("removed", "added") if change in ends), "")
    return told


def _route(drawing: Drawing, link: Link) -> list[tuple[float, float]]:
    """From the lower edge of one box to the upper edge of the other."""
    (x0, y0), (x1, y1) = drawing.centres[link.source], drawing.centres[link.target]
    bottom, top = y0 + drawing.sizes[link.source][1] / 2, y1 - drawing.sizes[link.target][1] / 2
    return [(x0, bottom), *drawing.routes[link.source, link.target], (x1, top)]


def _notes(seen: View) -> list[str]:
    return [f"{seen.hidden_links:,} more links are not drawn"] if seen.hidden_links else []


def _extent(boxes: list[dict[str, Any]]) -> dict[str, float]:
    return {
        "width": max((box["x"] + box["width"] for box in boxes), default=0.0),
        "height": max((box["y"] + box["height"] for box in boxes), default=0.0),
    }
