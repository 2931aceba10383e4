"""What of a model graph is in view: a tree of module scopes, some open, the rest folded to one box.

Folding keeps the picture readable whatever the size of the model: operations of a closed scope become
one box with their number and their parameters summed, and the edges that cross its border are merged.
A scope with hundreds of direct children is split into numbered pages, so no level is ever too wide.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from ...storage.kinds.graph import Edge, Graph, Node

PAGE = 100
MAX_VISIBLE = 300


@dataclass(frozen=True)
class Box:
    """One rectangle of the picture: an operation, a closed scope, or an open scope that holds others.

    ``scope`` is the path of the scope around it. ``id`` of a scope is ``scope_id(path)``.
    """

    id: str
    name: str
    scope: str
    op: str = ""
    path: str | None = None
    is_open: bool = False
    operations: int = 1
    parameters: int = 0
    shape: str = ""

    @property
    def is_scope(self) -> bool:
        return self.path is not None


@dataclass(frozen=True)
class Link:
    """All edges from one box in view to another."""

    source: str
    target: str
    count: int
    label: str


@dataclass(frozen=True)
class View:
    """The boxes and links in view; an open scope comes before what it holds."""

    boxes: list[Box]
    links: list[Link]


def scope_id(path: str) -> str:
    """The id of a scope's box; a node's own id never begins so."""
    return f"\x1f{path}"


def node_id(box_id: str) -> str | None:
    """The id of the node that a box stands for, or None for a scope."""
    return None if box_id.startswith("\x1f") else box_id


def ancestors(path: str) -> Iterator[str]:
    """``a/b/c`` gives ``a``, ``a/b``, ``a/b/c``; the empty path gives nothing."""
    end = path.find("/")
    while end >= 0:
        yield path[:end]
        end = path.find("/", end + 1)
    if path:
        yield path


def paged(graph: Graph) -> Graph:
    """Split scopes of more than ``2 * PAGE`` direct nodes into numbered pages of ``PAGE`` nodes."""
    direct = Counter(node.scope for node in graph.nodes)
    crowded = {scope for scope, count in direct.items() if count > 2 * PAGE}
    if not crowded:
        return graph
    seen: Counter[str] = Counter()
    nodes = []
    for node in graph.nodes:
        if node.scope in crowded:
            page, seen[node.scope] = seen[node.scope] // PAGE, seen[node.scope] + 1
            first, last = page * PAGE + 1, min((page + 1) * PAGE, direct[node.scope])
            node = replace(node, scope="/".join(filter(None, [node.scope, f"{first}–{last}"])))
        nodes.append(node)
    return replace(graph, nodes=nodes)


def view(graph: Graph, opened: Collection[str]) -> View:
    """The boxes and merged edges in view when the scopes of ``opened`` are open.

    A scope is in view only if every scope around it is open.
    """
    opened = frozenset(opened)
    scopes = _scope_boxes(graph, opened)
    boxes: dict[str, Box] = {}
    stands_for: dict[str, str] = {}
    for node in graph.nodes:
        hidden_by = None
        for path in ancestors(node.scope):
            boxes.setdefault(scope_id(path), scopes[path])
            if path not in opened:
                hidden_by = scope_id(path)
                break
        if hidden_by is None:
            boxes[node.id] = _node_box(node)
        stands_for[node.id] = hidden_by or node.id
    return View(list(boxes.values()), _merged(graph.edges, stands_for))


def first_view(graph: Graph) -> frozenset[str]:
    """Scopes to open at first: those that hold everything, so that the picture begins with a choice."""
    opened: set[str] = set()
    while True:
        boxes = [box for box in view(graph, opened).boxes if not box.is_open]
        if len(boxes) != 1 or boxes[0].path is None:
            return frozenset(opened)
        opened.add(boxes[0].path)


def open_scope(graph: Graph, opened: Collection[str], path: str) -> frozenset[str]:
    """Open ``path`` and all around it; if that shows too many boxes, close everything else."""
    wanted = frozenset(opened) | set(ancestors(path))
    if sum(not box.is_open for box in view(graph, wanted).boxes) > MAX_VISIBLE:
        return frozenset(ancestors(path))
    return wanted


def close_scope(opened: Collection[str], path: str) -> frozenset[str]:
    """Close ``path`` and all inside it."""
    return frozenset(one for one in opened if one != path and not one.startswith(f"{path}/"))


def find(graph: Graph, text: str, limit: int = 20) -> list[Node]:
    """The nodes whose path or operation contains ``text``, whatever the case; best matches first."""
    wanted = text.strip().lower()
    if not wanted:
        return []
    found = []
    for node in graph.nodes:
        where = f"{node.scope}/{node.name} {node.op}".lower()
        if wanted in where:
            found.append((not node.name.lower().startswith(wanted), len(where), node))
    return [node for _, _, node in sorted(found, key=lambda match: match[:2])[:limit]]


def format_shape(shape: Sequence[int | None]) -> str:
    """``(None, 8, 8)`` as ``?×8×8``; a scalar as ``scalar``."""
    return "×".join("?" if size is None or size < 0 else str(size) for size in shape) or "scalar"


def _scope_boxes(graph: Graph, opened: frozenset[str]) -> dict[str, Box]:
    operations: Counter[str] = Counter()
    parameters: Counter[str] = Counter()
    for node in graph.nodes:
        for path in ancestors(node.scope):
            operations[path] += 1
            parameters[path] += node.parameters
    boxes = {}
    for path, count in operations.items():
        around, _, name = path.rpartition("/")
        boxes[path] = Box(
            id=scope_id(path),
            name=name,
            scope=around,
            path=path,
            is_open=path in opened,
            operations=count,
            parameters=parameters[path],
        )
    return boxes


def _node_box(node: Node) -> Box:
    shape = format_shape(node.shapes[0]) if node.shapes else ""
    return Box(node.id, node.name, node.scope, op=node.op, parameters=node.parameters, shape=shape)


def _merged(edges: Sequence[Edge], stands_for: dict[str, str]) -> list[Link]:
    labels: dict[tuple[str, str], list[str]] = {}
    for edge in edges:
        source, target = stands_for.get(edge.source), stands_for.get(edge.target)
        if source and target and source != target:
            labels.setdefault((source, target), []).append(edge.label)
    return [Link(*ends, len(texts), _link_label(texts)) for ends, texts in labels.items()]


def _link_label(labels: list[str]) -> str:
    distinct = {label for label in labels if label}
    if len(labels) == 1:
        return labels[0]
    if len(distinct) == 1:
        return f"{distinct.pop()}  ({len(labels)})"
    return f"{len(labels)} tensors"
