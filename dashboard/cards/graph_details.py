"""What is known of one box of a model graph, as a panel of facts."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from dash import html

from .graph_scopes import format_shape, node_id

if TYPE_CHECKING:
    from ...storage.kinds.graph import Graph, Node


def details(graph: Graph, box_id: str) -> html.Div:
    """All that is known of a box: of an operation its shapes and attributes, of a scope what it holds."""
    wanted = node_id(box_id)
    if wanted is None:
        return _scope_details(graph, box_id[1:])
    node = next((node for node in graph.nodes if node.id == wanted), None)
    return html.Div("This operation is not in the graph.") if node is None else _node_details(graph, node)


def _facts(rows: list[tuple[str, str]]) -> html.Dl:
    return html.Dl([html.Div([html.Dt(name), html.Dd(text)]) for name, text in rows if text])


def _node_details(graph: Graph, node: Node) -> html.Div:
    names = {one.id: one.name for one in graph.nodes}
    into = [f"{names.get(e.source, e.source)}  {e.label}" for e in graph.edges if e.target == node.id]
    out = [f"{names.get(e.target, e.target)}  {e.label}" for e in graph.edges if e.source == node.id]
    facts = [
        ("Operation", node.op),
        ("Scope", node.scope),
        ("Output shape", ", ".join(map(format_shape, node.shapes))),
        ("Data type", ", ".join(node.dtypes)),
        ("Parameters", f"{node.parameters:,}" if node.parameters else "none"),
        ("FLOPs", "" if node.flops is None else f"{node.flops:,}"),
        ("Inputs", "\n".join(into)),
        ("Outputs", "\n".join(out)),
    ]
    attributes = [(name, str(value)) for name, value in node.attributes.items()]
    parts: list[Any] = [html.H2(node.name), _facts(facts)]
    if attributes:
        parts += [html.H3("Attributes"), _facts(attributes)]
    return html.Div(parts)


def _scope_details(graph: Graph, path: str) -> html.Div:
    inside = [node for node in graph.nodes if node.scope == path or node.scope.startswith(f"{path}/")]
    operations = Counter(node.op for node in inside)
    parameters = sum(node.parameters for node in inside)
    flops = sum(node.flops or 0 for node in inside)
    facts = [
        ("Scope", path),
        ("Operations", f"{len(inside):,}"),
        ("Parameters", f"{parameters:,}" if parameters else "none"),
        ("FLOPs", f"{flops:,}" if flops else ""),
    ]
    counts = [(op or "unnamed", f"{count:,}") for op, count in operations.most_common(20)]
    return html.Div([html.H2(path.rpartition("/")[2]), _facts(facts), html.H3("Holds"), _facts(counts)])
