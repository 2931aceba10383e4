"""Two graphs of one model as one graph, in which every node says whether it came, went or changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ...storage.kinds.graph import Graph, same_shape
from .graph_scopes import format_shape

if TYPE_CHECKING:
    from ...storage.kinds.graph import Node

Change = Literal["added", "removed", "changed"]


@dataclass(frozen=True)
class Difference:
    """Both graphs in one, what became of nodes by id, and of changed ones what is different in words."""

    graph: Graph
    nodes: Mapping[str, Change]
    words: Mapping[str, str]


def difference(before: Graph, after: Graph) -> Difference:
    """Compare nodes by id. A first length that differs is a batch's, and no change.

    What went stands before what followed it.
    """
    was, now = ({node.id: node for node in graph.nodes} for graph in (before, after))
    words = {id: text for id, node in now.items() if id in was and (text := _words(was[id], node))}
    nodes: dict[str, Change] = {id: "changed" for id in words}
    nodes |= {id: "added" for id in now if id not in was}
    nodes |= {id: "removed" for id in was if id not in now}
    ends = {(edge.source, edge.target) for edge in after.edges}
    gone = [edge for edge in before.edges if (edge.source, edge.target) not in ends]
    merged = Graph(_merged(before, after), [*after.edges, *gone], after.framework, after.name, after.partial)
    return Difference(merged, nodes, words)


def _merged(before: Graph, after: Graph) -> list[Node]:
    now = {node.id for node in after.nodes}
    ahead: dict[str | None, list[Node]] = {}
    waiting: list[Node] = []
    for node in before.nodes:
        if node.id in now:
            ahead[node.id], waiting = waiting, []
        else:
            waiting.append(node)
    return [one for node in after.nodes for one in (*ahead.get(node.id, ()), node)] + waiting


def _words(old: Node, new: Node) -> str:
    """What is different of a node, "" if nothing is."""
    parts = [f"{old.op} → {new.op}"] if old.op != new.op else []
    first, second = (node.shapes[0] if node.shapes else None for node in (old, new))
    if not same_shape(first, second):
        parts.append(f"{format_shape(first or [])} → {format_shape(second or [])}")
    if old.parameters != new.parameters:
        parts.append(f"{old.parameters:,} → {new.parameters:,} parameters")
    names = {**old.attributes, **new.attributes}
    parts += [
        f"{name}: {old.attributes.get(name, 'none')} → {new.attributes.get(name, 'none')}"
        for name in names
        if old.attributes.get(name) != new.attributes.get(name)
    ]
    return "; ".join(parts)
