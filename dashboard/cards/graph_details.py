"""What is known of one box of a model graph: facts, neighbours, and what its run's watch told of it."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Any

from ...storage.errors import TrainboardError
from . import graph_statistics
from .graph_colors import seconds_text
from .graph_scopes import format_shape, node_path, scope_path

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ...storage import Store
    from ...storage.kinds.graph import Edge, Node
    from .graph_tree import Tree

MOST_LISTED = 20
MOST_HISTOGRAMS = 8
BINS = 40

Fact = tuple[str, str]


def details(tree: Tree, box_id: str, changes: Mapping[str, str] | None = None) -> dict[str, Any] | None:
    """All that is known of a box from its graph: of an operation its shapes, of a scope what it holds.

    ``changes`` are words for nodes that are different from what they were. None if there is no such box.
    """
    path = scope_path(box_id)
    if path is not None:
        return _of_scope(tree, path) if path in tree.place else None
    if box_id not in tree.node_place:
        return None
    told = _of_node(tree, tree.graph.nodes[tree.node_place[box_id]])
    if changes and box_id in changes:
        told["facts"].insert(0, ("Changed", changes[box_id]))
    return told


def watched(store: Store, run_id: str, tree: Tree, box_id: str, step: int | None = None) -> dict[str, Any]:
    """Statistics of an operation's layer, one row a source and parameter, and its histograms.

    They are those that were logged last or, with ``step``, last up to it.
    """
    if box_id not in tree.node_place:
        return {"statistics": [], "histograms": []}
    node = tree.graph.nodes[tree.node_place[box_id]]
    key = graph_statistics.layer_key(node.id)
    rows = []
    for source in graph_statistics.SOURCES:
        known = graph_statistics.read(store, run_id, source, step)
        for part, row in known.layers.get(key, {}).items():
            numbers = {name: _plain(value) for name, value in row.items()}
            rows.append({"source": source, "part": part, "step": known.step, **numbers})
    tags = graph_statistics.tags(store, run_id, node)[:MOST_HISTOGRAMS]
    return {
        "statistics": rows,
        "histograms": [one for tag in tags if (one := _histogram(store, run_id, tag, step))],
    }


def _of_node(tree: Tree, node: Node) -> dict[str, Any]:
    facts = [
        ("Operation", node.op),
        ("Scope", node.scope),
        ("Output shape", ", ".join(map(format_shape, node.shapes))),
        ("Data type", ", ".join(node.dtypes)),
        ("Parameters", f"{node.parameters:,}" if node.parameters else "none"),
        ("FLOPs", "" if node.flops is None else f"{node.flops:,}"),
        ("Time", "" if node.seconds is None else seconds_text(node.seconds)),
    ]
    users = [other for other in tree.graph.nodes if other.shares == node.id]
    edges = tree.graph.edges
    return {
        "title": node.name,
        "facts": _said(facts),
        "attributes": list(node.attributes.items()),
        "shares": [_named(tree, node.shares)] if node.shares else [],
        "shared": [_named(tree, one.id) for one in users[:MOST_LISTED]],
        "inputs": _ends(tree, [edge for edge in edges if edge.target == node.id], "source"),
        "outputs": _ends(tree, [edge for edge in edges if edge.source == node.id], "target"),
    }


def _of_scope(tree: Tree, path: str) -> dict[str, Any]:
    scope = tree.scopes[tree.place[path]]
    inside = tree.nodes_in(tree.place[path])
    operations = Counter(tree.graph.nodes[place].op for place in inside)
    facts = [
        ("Scope", path),
        ("Operations", f"{scope.operations:,}"),
        ("Parameters", f"{scope.parameters:,}" if scope.parameters else "none"),
        ("FLOPs", f"{scope.flops:,}" if scope.flops else ""),
        ("Time", seconds_text(scope.seconds) if scope.seconds else ""),
    ]
    holds = [(op or "unnamed", f"{count:,}") for op, count in operations.most_common(MOST_LISTED)]
    return {"title": scope.name, "facts": _said(facts), "holds": holds}


def _said(facts: Sequence[Fact]) -> list[Fact]:
    return [(name, text) for name, text in facts if text]


def _ends(tree: Tree, edges: Sequence[Edge], end: str) -> list[dict[str, str]]:
    found = [_named(tree, getattr(edge, end)) | {"label": edge.label} for edge in edges[:MOST_LISTED]]
    more = len(edges) - MOST_LISTED
    return found + ([{"id": "", "name": f"and {more:,} more", "label": ""}] if more > 0 else [])


def _named(tree: Tree, node_id: str) -> dict[str, str]:
    known = node_id in tree.node_place
    return {
        "id": node_id,
        "name": node_path(tree.graph.nodes[tree.node_place[node_id]]) if known else node_id,
    }


def _histogram(store: Store, run_id: str, tag: str, step: int | None) -> dict[str, Any] | None:
    """The last histogram under a tag, as ``BINS`` counts from its least to its greatest value."""
    try:
        steps, _, places = store.record_index(run_id, tag, "histogram")
        known = len(steps) if step is None else int((steps <= step).sum())
        record = store.record_at(run_id, tag, "histogram", int(places[known - 1])) if known else None
    except TrainboardError:
        return None
    if record is None:
        return None
    edges, counts = record.value.linear(BINS)
    ends = (_plain(float(edges[0])), _plain(float(edges[-1]))) if len(counts) else (None, None)
    return {"tag": tag, "step": record.step, "ends": ends, "counts": [round(float(one), 2) for one in counts]}


def _plain(value: float) -> float | str | None:
    """A number as JSON has it; of what is not finite its name."""
    if math.isnan(value):
        return None
    return value if math.isfinite(value) else ("∞" if value > 0 else "−∞")
