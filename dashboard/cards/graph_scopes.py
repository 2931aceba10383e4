"""What of a model graph is in view: a tree of module scopes, some open, the rest folded to one box.

Folding keeps the picture readable whatever the size of the model: operations of a closed scope become
one box with their number and their parameters summed, and the edges that cross its border are merged.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...storage import patterns
from ...storage.kinds.graph import Node
from .graph_tree import ROOT, Tree

MAX_VISIBLE = 300
MAX_LINKS = 1_500
SEARCH_SECONDS = 1.0


@dataclass(frozen=True)
class Box:
    """One rectangle of the picture: an operation, a closed scope, or an open scope that holds others.

    ``scope`` is the id of the box around it, "" at the top. ``place`` is where ``Tree`` has the scope or
    the node. A scope's id is ``scope_id`` of its path, an operation's that of its node.
    """

    id: str
    name: str
    scope: str
    place: int
    is_scope: bool = False
    is_open: bool = False
    op: str = ""
    operations: int = 1
    parameters: int = 0


@dataclass(frozen=True, eq=False)
class Link:
    """All edges from one box in view to another; ``edges`` are their places in the graph."""

    source: str
    target: str
    label: str
    edges: NDArray[np.int64]


@dataclass(frozen=True)
class View:
    """The boxes and links in view; an open scope comes before what it holds.

    ``hidden_links`` is how many more there are than can be drawn.
    """

    boxes: list[Box]
    links: list[Link]
    hidden_links: int = 0


def scope_id(path: str) -> str:
    """The id of a scope's box, which ends with a slash as no node's own id does."""
    return f"{path}/"


def scope_path(box_id: str) -> str | None:
    """The path of the scope that a box stands for, or None for an operation."""
    return box_id[:-1] if box_id.endswith("/") else None


def view(tree: Tree, opened: Collection[str]) -> View:
    """The boxes and merged edges in view when the scopes of ``opened`` are open.

    A scope is in view only if every scope around it is open.
    """
    boxes: list[Box] = []
    of_scope = np.full(len(tree.scopes), -1, np.int64)
    of_node = np.full(len(tree.graph.nodes), -1, np.int64)
    waiting = [(member, "") for member in reversed(tree.scopes[ROOT].members)]
    while waiting:
        member, around = waiting.pop()
        if member < 0:
            of_node[~member] = len(boxes)
            boxes.append(_node_box(tree.graph.nodes[~member], ~member, around))
            continue
        box = _scope_box(tree, member, around, opened)
        if box.is_open:
            waiting += [(one, box.id) for one in reversed(tree.scopes[member].members)]
        else:
            of_scope[member] = len(boxes)
        boxes.append(box)
    _fill(tree, of_scope)
    stands_for = np.where(of_node >= 0, of_node, of_scope[tree.scope_of])
    return View(boxes, *_links(tree, boxes, stands_for))


def first_view(tree: Tree) -> frozenset[str]:
    """Scopes to open at first: those that hold everything, so that the picture begins with a choice."""
    opened: set[str] = set()
    members = tree.scopes[ROOT].members
    while len(members) == 1 and members[0] >= 0:
        opened.add(tree.scopes[members[0]].path)
        members = tree.scopes[members[0]].members
    return frozenset(opened)


def open_scope(tree: Tree, opened: Collection[str], path: str) -> frozenset[str]:
    """Open ``path`` and all around it; if that shows too many boxes, close everything else."""
    around = frozenset(tree.scopes[place].path for place in tree.around(tree.place.get(path, ROOT)))
    wanted = frozenset(opened) | around
    return wanted if _visible(tree, wanted) <= MAX_VISIBLE else around


def close_scope(tree: Tree, opened: Collection[str], path: str) -> frozenset[str]:
    """Close ``path`` and all inside it."""
    place = tree.place.get(path, ROOT)
    known = [(one, tree.place[one]) for one in opened if one in tree.place]
    return frozenset(one for one, at in known if place not in tree.around(at))


def reveal(tree: Tree, opened: Collection[str], box_id: str) -> frozenset[str]:
    """Open what is around a box."""
    path = scope_path(box_id)
    if path is not None:
        parent = tree.scopes[tree.place.get(path, ROOT)].parent
    elif box_id in tree.node_place:
        parent = int(tree.scope_of[tree.node_place[box_id]])
    else:
        return frozenset(opened)
    return open_scope(tree, opened, tree.scopes[max(parent, ROOT)].path)


def find(tree: Tree, text: str, is_pattern: bool = False) -> list[str]:
    """The ids of the boxes, scopes first, whose path or operation matches, whatever the case.

    ``text`` is contained or, with ``is_pattern``, found as a regular expression. Raises ``BadPattern``.
    """
    wanted = text.strip().casefold()
    if not wanted:
        return []
    with patterns.time_limit(SEARCH_SECONDS):

        def matches(where: str) -> bool:
            if is_pattern:
                return patterns.search(f"(?i){text}", where) is not None
            return wanted in where.casefold()

        scopes = [scope_id(one.path) for one in tree.scopes[1:] if matches(one.path)]
        return scopes + [one.id for one in tree.graph.nodes if matches(f"{node_path(one)} {one.op}")]


def format_shape(shape: Sequence[int | None]) -> str:
    """``(None, 8, 8)`` as ``?×8×8``; a scalar as ``scalar``."""
    return "×".join("?" if size is None or size < 0 else str(size) for size in shape) or "scalar"


def node_path(node: Node) -> str:
    """The name of a node with its scope: ``body/block0/conv1``."""
    return f"{node.scope}/{node.name}" if node.scope else node.name


def _visible(tree: Tree, opened: Collection[str]) -> int:
    """How many boxes that are not open are in view."""
    count, waiting = 0, list(tree.scopes[ROOT].members)
    while waiting:
        member = waiting.pop()
        if member >= 0 and tree.scopes[member].path in opened:
            waiting += tree.scopes[member].members
        else:
            count += 1
    return count


def _fill(tree: Tree, of_scope: NDArray[np.int64]) -> None:
    """A scope inside a closed one is stood for by that one's box."""
    waiting: list[int] = [ROOT]
    for place in waiting:
        for member in tree.scopes[place].members:
            if member >= 0:
                if of_scope[place] >= 0:
                    of_scope[member] = of_scope[place]
                waiting.append(member)


def _scope_box(tree: Tree, place: int, around: str, opened: Collection[str]) -> Box:
    scope = tree.scopes[place]
    return Box(
        id=scope_id(scope.path),
        name=scope.name,
        scope=around,
        place=place,
        is_scope=True,
        is_open=scope.path in opened,
        operations=scope.operations,
        parameters=scope.parameters,
    )


def _node_box(node: Node, place: int, around: str) -> Box:
    return Box(node.id, node.name, around, place, op=node.op, parameters=node.parameters)


def _links(tree: Tree, boxes: Sequence[Box], stands_for: NDArray[np.int64]) -> tuple[list[Link], int]:
    """Edges between different boxes, merged; where there are too many, those of the most edges."""
    sources, targets = (np.where(ends >= 0, stands_for[ends], -1) for ends in tree.edges)
    crossing = np.flatnonzero((sources >= 0) & (targets >= 0) & (sources != targets))
    pairs = sources[crossing] * len(boxes) + targets[crossing]
    order = np.argsort(pairs, kind="stable")
    found, starts = np.unique(pairs[order], return_index=True)
    groups = np.split(crossing[order], starts[1:]) if len(found) else []
    if len(groups) > MAX_LINKS:
        most = np.argsort([-len(group) for group in groups], kind="stable")[:MAX_LINKS]
        kept = sorted(most.tolist())
    else:
        kept = list(range(len(groups)))
    ends = [divmod(int(found[index]), len(boxes)) for index in kept]
    links = [
        Link(boxes[source].id, boxes[target].id, _link_label(tree, groups[index]), groups[index])
        for index, (source, target) in zip(kept, ends, strict=True)
    ]
    return links, len(groups) - len(kept)


def _link_label(tree: Tree, edges: NDArray[np.int64]) -> str:
    texts, codes = tree.labels
    distinct = [texts[code] for code in np.unique(codes[edges]) if texts[code]]
    if len(edges) == 1:
        return distinct[0] if distinct else ""
    return f"{distinct[0]}  ({len(edges)})" if len(distinct) == 1 else f"{len(edges)} tensors"
