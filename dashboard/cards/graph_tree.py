"""A model graph as a tree of module scopes, with what each holds summed once, for any number of views of it.

A scope with hundreds of members is split into numbered pages, and these into pages again, so that no
level is ever too wide to be drawn.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ...storage.kinds.graph import Graph

PAGE = 100
MOST_MEMBERS = 2 * PAGE
ROOT = 0

Member = int
"""A scope by its place in ``Tree.scopes``, or a node as the complement (``~``) of its place in the graph."""


@dataclass
class Scope:
    """``path`` names it in its tree, "" the root. Sums are over all nodes inside, at any depth."""

    path: str
    name: str
    parent: int
    members: list[Member] = field(default_factory=list)
    operations: int = 0
    parameters: int = 0
    flops: int = 0
    seconds: float = 0.0


class Tree:
    """``scopes`` begin with the root, parents before children; ``scope_of`` is the scope of each node."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.scopes = [Scope("", "", -1)]
        self.place = {"": ROOT}
        self.node_place: dict[str, int] = {}
        for index, node in enumerate(graph.nodes):
            self.scopes[self._scope(node.scope)].members.append(~index)
            self.node_place[node.id] = index
        for place in range(len(self.scopes)):
            self._split(place)
        self.scope_of = np.zeros(len(graph.nodes), np.int64)
        for place, scope in enumerate(self.scopes):
            self.scope_of[[~member for member in scope.members if member < 0]] = place
        self._sum()

    @cached_property
    def edges(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The places of the nodes at both ends of each edge; an end that is no node is -1."""
        known = self.node_place
        ends = [(known.get(edge.source, -1), known.get(edge.target, -1)) for edge in self.graph.edges]
        pairs = np.array(ends, np.int64).reshape(-1, 2)
        return pairs[:, 0], pairs[:, 1]

    @cached_property
    def labels(self) -> tuple[list[str], NDArray[np.int64]]:
        """The distinct labels of edges, and which of them each edge has."""
        texts = dict.fromkeys(edge.label for edge in self.graph.edges)
        codes = {text: code for code, text in enumerate(texts)}
        return list(texts), np.array([codes[edge.label] for edge in self.graph.edges], np.int64)

    @cached_property
    def following(self) -> list[list[int]]:
        """The places of the nodes that each node's outputs go to."""
        return self._neighbours(*self.edges)

    @cached_property
    def preceding(self) -> list[list[int]]:
        """The places of the nodes that each node's inputs come from."""
        return self._neighbours(*reversed(self.edges))

    def around(self, place: int) -> Iterator[int]:
        """A scope and those around it, innermost first, without the root."""
        while place > ROOT:
            yield place
            place = self.scopes[place].parent

    def nodes_in(self, place: int) -> list[int]:
        """The places of all nodes inside a scope, at any depth."""
        inside, waiting = [], [place]
        for scope in waiting:
            for member in self.scopes[scope].members:
                (inside.append(~member) if member < 0 else waiting.append(member))
        return inside

    def _neighbours(self, sources: NDArray[np.int64], targets: NDArray[np.int64]) -> list[list[int]]:
        found: list[list[int]] = [[] for _ in self.graph.nodes]
        for source, target in zip(sources.tolist(), targets.tolist(), strict=True):
            if source >= 0 and target >= 0:
                found[source].append(target)
        return found

    def _scope(self, path: str) -> int:
        """The place of a scope, made with all those around it if it is new."""
        missing = []
        while path not in self.place:
            missing.append(path)
            path = path.rpartition("/")[0]
        parent = self.place[path]
        for path in reversed(missing):
            parent = self._add(path, path.rpartition("/")[2], parent)
            self.scopes[self.scopes[parent].parent].members.append(parent)
        return parent

    def _add(self, path: str, name: str, parent: int) -> int:
        place = self.place[path] = len(self.scopes)
        self.scopes.append(Scope(path, name, parent))
        return place

    def _split(self, place: int, first: int = 1) -> None:
        """Put the members of a crowded scope, numbered from ``first``, into pages that are not crowded."""
        members = self.scopes[place].members
        if len(members) <= MOST_MEMBERS:
            return
        size = PAGE
        while len(members) > MOST_MEMBERS * size:
            size *= PAGE
        self.scopes[place].members = [
            self._page(place, members[start : start + size], first + start)
            for start in range(0, len(members), size)
        ]

    def _page(self, parent: int, members: list[Member], first: int) -> int:
        name = f"{first:,}–{first + len(members) - 1:,}"
        place = self._add(f"{self.scopes[parent].path}/{name}".lstrip("/"), name, parent)
        self.scopes[place].members = members
        for member in members:
            if member >= 0:
                self.scopes[member].parent = place
        self._split(place, first)
        return place

    def _sum(self) -> None:
        for index, node in enumerate(self.graph.nodes):
            home = self.scopes[self.scope_of[index]]
            home.operations += 1
            home.parameters += node.parameters
            home.flops += node.flops or 0
            home.seconds += node.seconds or 0.0
        for place in self._inside_out():
            scope, parent = self.scopes[place], self.scopes[self.scopes[place].parent]
            parent.operations += scope.operations
            parent.parameters += scope.parameters
            parent.flops += scope.flops
            parent.seconds += scope.seconds

    def _inside_out(self) -> Iterator[int]:
        """All scopes but the root, each after those inside it; a page comes after what it holds."""
        order = [ROOT]
        for place in order:
            order += [member for member in self.scopes[place].members if member >= 0]
        yield from reversed(order[1:])
