"""What a box of a graph depends on, back to the inputs, and what depends on it, on to the outputs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .graph_scopes import scope_path

if TYPE_CHECKING:
    from .graph_tree import Tree


def on_the_way(tree: Tree, box_id: str) -> NDArray[np.int8]:
    """For each node -1 if the box's inputs come from it, 1 if its outputs go to it, 2 if in the box, else 0.

    A node of both kinds, as cycles have them, counts as one that the outputs go to.
    """
    marks = np.zeros(len(tree.graph.nodes), np.int8)
    path = scope_path(box_id)
    if path is not None:
        start = tree.nodes_in(tree.place[path]) if path in tree.place else []
    else:
        start = [tree.node_place[box_id]] if box_id in tree.node_place else []
    marks[_reached(tree.preceding, start)] = -1
    marks[_reached(tree.following, start)] = 1
    marks[start] = 2
    return marks


def _reached(neighbours: Sequence[Sequence[int]], start: Iterable[int]) -> list[int]:
    waiting = list(start)
    seen = set(waiting)
    for node in waiting:
        for other in neighbours[node]:
            if other not in seen:
                seen.add(other)
                waiting.append(other)
    return waiting
