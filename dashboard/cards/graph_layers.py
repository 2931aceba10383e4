"""Layered drawing of one level of boxes, edges pointing down.

The method of Sugiyama, Tagawa and Toda (1981): ranks by longest path, order within a rank by
barycentres, horizontal positions by least squares under the widths of the boxes. An edge that passes
other ranks gets a lane of its own between their boxes, until there are too many lanes: the longest edges
then go straight. The same input always gives the same picture.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass

GAP_X, GAP_Y = 26.0, 46.0
LANE = 6.0
SWEEPS = 8
MOST_LANES = 4_000

Point = tuple[float, float]
Size = tuple[float, float]
Vertex = Hashable
Edge = tuple[Vertex, Vertex]


@dataclass
class Layers:
    """Vertices by rank from top to bottom, every edge cut into steps of one rank, and its lanes."""

    ranks: list[list[Vertex]]
    steps: list[Edge]
    lanes: dict[Edge, list[Vertex]]


@dataclass
class Placement:
    """Centres of the vertices, and the points that each edge passes between its ends.

    The origin is the top left corner. ``routes[None, vertex]`` and ``routes[vertex, None]`` are the
    ways in from the top and out through the bottom.
    """

    width: float
    height: float
    centres: dict[Vertex, Point]
    routes: dict[Edge, list[Point]]


def place(
    sizes: Mapping[Vertex, Size],
    edges: Iterable[Edge],
    entries: Iterable[Vertex] = (),
    exits: Iterable[Vertex] = (),
) -> Placement:
    """Place vertices of the given (width, height).

    ``entries`` are the vertices that an edge from outside reaches, ``exits`` those that one leaves.
    """
    vertices = list(sizes)
    forward = _acyclic(vertices, dict.fromkeys(edges))
    layers = _layers(vertices, forward, dict.fromkeys(entries), dict.fromkeys(exits))
    _order(layers)
    return _coordinates(layers, sizes)


def _acyclic(vertices: Sequence[Vertex], edges: Iterable[Edge]) -> list[Edge]:
    """The edges without those that close a cycle: these are drawn, but decide no rank."""
    following: dict[Vertex, list[Vertex]] = {vertex: [] for vertex in vertices}
    for source, target in edges:
        following[source].append(target)
    kept: list[Edge] = []
    active: set[Vertex] = set()
    done: set[Vertex] = set()
    for root in vertices:
        stack = [] if root in done else [(root, iter(following[root]))]
        active.update(root for root, _ in stack)
        while stack:
            vertex, rest = stack[-1]
            target = next((one for one in rest if one not in active), None)
            if target is None:
                stack.pop()
                active.discard(vertex)
                done.add(vertex)
                continue
            kept.append((vertex, target))
            if target not in done:
                active.add(target)
                stack.append((target, iter(following[target])))
    return kept


def _rank_of(vertices: Sequence[Vertex], edges: Sequence[Edge]) -> dict[Vertex, int]:
    """Longest path from a source; a source itself sits just above its first consumer."""
    after: dict[Vertex, list[Vertex]] = {vertex: [] for vertex in vertices}
    waiting = dict.fromkeys(vertices, 0)
    for source, target in edges:
        after[source].append(target)
        waiting[target] += 1
    sources = [vertex for vertex in vertices if not waiting[vertex]]
    rank, ready = dict.fromkeys(vertices, 0), list(sources)
    for vertex in ready:
        for target in after[vertex]:
            rank[target] = max(rank[target], rank[vertex] + 1)
            waiting[target] -= 1
            if not waiting[target]:
                ready.append(target)
    for vertex in sources:
        rank[vertex] = min((rank[target] for target in after[vertex]), default=1) - 1
    return rank


def _layers(
    vertices: Sequence[Vertex], edges: Sequence[Edge], entries: Iterable[Vertex], exits: Iterable[Vertex]
) -> Layers:
    rank = _rank_of(vertices, edges)
    ranks: list[list[Vertex]] = [[] for _ in range(max(rank.values(), default=0) + 1)]
    for vertex in vertices:
        ranks[rank[vertex]].append(vertex)
    layers = Layers(ranks, [], {})
    spans = {(source, target): range(rank[source] + 1, rank[target]) for source, target in edges}
    spans |= {(None, vertex): range(rank[vertex]) for vertex in entries}
    spans |= {(vertex, None): range(rank[vertex] + 1, len(ranks)) for vertex in exits}
    lanes = 0
    for edge, between in sorted(spans.items(), key=lambda span: len(span[1])):
        lanes += len(between)
        if lanes > MOST_LANES:
            break
        _cut(layers, edge, between)
    return layers


def _cut(layers: Layers, edge: Edge, between: range) -> None:
    lanes: list[Vertex] = [("lane", edge, rank) for rank in between]
    for lane, rank in zip(lanes, between, strict=True):
        layers.ranks[rank].append(lane)
    layers.lanes[edge] = lanes
    path = [end for end in (edge[0], *lanes, edge[1]) if end is not None]
    layers.steps += zip(path, path[1:], strict=False)


def _neighbours(steps: Iterable[Edge]) -> tuple[dict[Vertex, list[Vertex]], dict[Vertex, list[Vertex]]]:
    above: dict[Vertex, list[Vertex]] = {}
    below: dict[Vertex, list[Vertex]] = {}
    for source, target in steps:
        above.setdefault(target, []).append(source)
        below.setdefault(source, []).append(target)
    return above, below


def _order(layers: Layers) -> None:
    """Sort each rank by the mean position of its neighbours, down and up by turns; keep the best."""
    above, below = _neighbours(layers.steps)
    position = {vertex: index for rank in layers.ranks for index, vertex in enumerate(rank)}
    best, fewest = [list(rank) for rank in layers.ranks], _crossings(layers.ranks, below, position)
    for sweep in range(SWEEPS):
        if not fewest:
            break
        near, ranks = (below, reversed(layers.ranks)) if sweep % 2 else (above, layers.ranks)
        for rank in ranks:
            mean = {v: _mean([position[n] for n in near.get(v, ())], position[v]) for v in rank}
            rank.sort(key=mean.__getitem__)
            position.update((vertex, index) for index, vertex in enumerate(rank))
        crossings = _crossings(layers.ranks, below, position)
        if crossings < fewest:
            best, fewest = [list(rank) for rank in layers.ranks], crossings
    layers.ranks = best


def _mean(values: Sequence[float], default: float) -> float:
    return sum(values) / len(values) if values else default


def _crossings(
    ranks: Sequence[Sequence[Vertex]],
    below: Mapping[Vertex, Sequence[Vertex]],
    position: Mapping[Vertex, int],
) -> int:
    crossings = 0
    for rank in ranks:
        ends: list[int] = []
        for vertex in rank:
            targets = sorted(position[target] for target in below.get(vertex, ()))
            crossings += sum(len(ends) - bisect_left(ends, target + 1) for target in targets)
            for target in targets:
                insort(ends, target)
    return crossings


def _coordinates(layers: Layers, sizes: Mapping[Vertex, Size]) -> Placement:
    x = _across(layers, {v: sizes[v][0] if v in sizes else LANE for rank in layers.ranks for v in rank})
    left = min((x[v] - sizes[v][0] / 2 for v in sizes), default=0.0)
    right = max((x[v] + sizes[v][0] / 2 for v in sizes), default=0.0)
    for rank in layers.ranks:
        for lane in (v for v in rank if v not in sizes):
            left, right = min(left, x[lane] - GAP_X / 2), max(right, x[lane] + GAP_X / 2)
    centres: dict[Vertex, Point] = {}
    spans: dict[Vertex, tuple[float, float]] = {}
    top = 0.0
    for rank in layers.ranks:
        height = max((sizes[vertex][1] for vertex in rank if vertex in sizes), default=0.0)
        for vertex in rank:
            centres[vertex] = (x[vertex] - left, top + height / 2)
            spans[vertex] = (top, top + height)
        top += height + GAP_Y
    routes = {
        edge: [(centres[lane][0], border) for lane in lanes for border in spans[lane]]
        for edge, lanes in layers.lanes.items()
    }
    return Placement(right - left, max(top - GAP_Y, 0.0), {v: centres[v] for v in sizes}, routes)


def _across(layers: Layers, widths: Mapping[Vertex, float]) -> dict[Vertex, float]:
    """Horizontal centres: each vertex as near to its neighbours' mean as the widths of its rank allow."""
    above, below = _neighbours(layers.steps)
    x: dict[Vertex, float] = {}
    for rank in layers.ranks:
        x.update(zip(rank, _apart(rank, [0.0] * len(rank), widths, {}), strict=True))
    for sweep in range(SWEEPS + 1):
        near, ranks = (below, reversed(layers.ranks)) if sweep % 2 else (above, layers.ranks)
        for rank in ranks:
            wanted = [_mean([x[n] for n in near.get(v, ())], x[v]) for v in rank]
            x.update(zip(rank, _apart(rank, wanted, widths, near), strict=True))
    return x


def _apart(
    rank: Sequence[Vertex],
    wanted: Sequence[float],
    widths: Mapping[Vertex, float],
    near: Mapping[Vertex, Sequence[Vertex]],
) -> list[float]:
    """The positions nearest to ``wanted`` in least squares that keep the order and the gaps.

    With the gaps subtracted this is isotonic regression, solved by pooling adjacent violators.
    """
    offsets, offset = [], 0.0
    for index, vertex in enumerate(rank):
        if index:
            offset += (widths[rank[index - 1]] + widths[vertex]) / 2 + GAP_X
        offsets.append(offset)
    pools: list[list[float]] = []
    for vertex, aim, shift in zip(rank, wanted, offsets, strict=True):
        weight = 1.0 + len(near.get(vertex, ())) + (4.0 if widths[vertex] == LANE else 0.0)
        pool = [(aim - shift) * weight, weight, 1]
        while pools and pools[-1][0] / pools[-1][1] >= pool[0] / pool[1]:
            pool = [a + b for a, b in zip(pools.pop(), pool, strict=True)]
        pools.append(pool)
    solved = [total / weight for total, weight, count in pools for _ in range(int(count))]
    return [value + shift for value, shift in zip(solved, offsets, strict=True)]
