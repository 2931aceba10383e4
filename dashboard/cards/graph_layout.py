"""Where every box of a graph view goes: each open scope is drawn on its own and then is one large box."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from .graph_layers import Edge, Placement, Point, Size, Vertex, place
from .graph_scopes import Box, Link, View

PADDING, HEADER = 18.0, 30.0
LINE_HEIGHT, CHARACTER, LONGEST = 16.0, 6.7, 30
ROOT = ""


@dataclass
class Drawing:
    """Centre and size of each box by id, and the points of each link between its two ends."""

    centres: dict[str, Point] = field(default_factory=dict)
    sizes: dict[str, Size] = field(default_factory=dict)
    routes: dict[tuple[str, str], list[Point]] = field(default_factory=dict)


@dataclass
class _Level:
    """What one open scope holds directly, and the links that run inside it or cross its border."""

    children: list[Box] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)
    entries: list[Vertex] = field(default_factory=list)
    exits: list[Vertex] = field(default_factory=list)


def lay_out(view: View) -> Drawing:
    """Place every box of ``view``, y downwards, the whole picture's top left corner at the origin."""
    boxes = {box.id: box for box in view.boxes}
    paths = {link: list(_path(boxes, link.source, link.target)) for link in view.links}
    levels = _levels(view, paths)
    placements: dict[str, Placement] = {}
    drawing = Drawing()
    for scope in (*(box.id for box in reversed(view.boxes) if box.is_open), ROOT):
        level = levels[scope]
        sizes = {child.id: _size(child, placements.get(child.id)) for child in level.children}
        placements[scope] = place({**sizes}, level.edges, level.entries, level.exits)
        drawing.sizes.update(sizes)
    corners = _move_into_place(levels, placements, drawing)
    for link, path in paths.items():
        drawing.routes[link.source, link.target] = [
            (x + corners[scope][0], y + corners[scope][1])
            for scope, edge in path
            for x, y in placements[scope].routes.get(edge, ())
        ]
    return drawing


def box_label(box: Box) -> str:
    """The lines on a box: its name, and what it does or holds; a scope shows whether it is open."""
    if box.is_open:
        return f"▾ {_short(box.name)}"
    if box.op == box.name:
        return _short(box.name)
    return f"{'▸ ' if box.is_scope else ''}{_short(box.name)}\n{_short(box_summary(box))}"


def box_summary(box: Box) -> str:
    """``Conv2d`` of an operation, ``12 ops · 1.2 M`` of a scope with 1.2 million parameters."""
    if not box.is_scope:
        return box.op
    operations = f"{box.operations} op{'s' if box.operations != 1 else ''}"
    return f"{operations} · {count_text(box.parameters)} params" if box.parameters else operations


def count_text(number: float) -> str:
    """``1234567`` as ``1.23 M``."""
    for unit in ("", " k", " M", " G"):
        if abs(number) < 999.5 or unit == " G":
            break
        number /= 1000
    return f"{number:.3g}{unit}"


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _size(box: Box, inside: Placement | None) -> Size:
    width = max(len(line) for line in box_label(box).split("\n")) * CHARACTER + 26
    if inside is None:
        return max(width, 76.0), 2 * LINE_HEIGHT + 12
    return max(width, inside.width + 2 * PADDING), inside.height + HEADER + PADDING


def _levels(view: View, paths: dict[Link, list[tuple[str, Edge]]]) -> defaultdict[str, _Level]:
    levels: defaultdict[str, _Level] = defaultdict(_Level)
    for box in view.boxes:
        levels[box.scope].children.append(box)
    for path in paths.values():
        for scope, (source, target) in path:
            if source is None:
                levels[scope].entries.append(target)
            elif target is None:
                levels[scope].exits.append(source)
            else:
                levels[scope].edges.append((source, target))
    return levels


def _path(boxes: dict[str, Box], source: str, target: str) -> Iterator[tuple[str, Edge]]:
    """The scopes that a link runs through, innermost of its source first, and its part in each."""
    out, into = _with_scopes(boxes, source), _with_scopes(boxes, target)
    common = 0
    while common < min(len(out), len(into)) and out[common] == into[common]:
        common += 1
    for depth in range(len(out) - 1, common, -1):
        yield out[depth - 1], (out[depth], None)
    yield (out[common - 1] if common else ROOT), (out[common], into[common])
    for depth in range(common + 1, len(into)):
        yield into[depth - 1], (None, into[depth])


def _with_scopes(boxes: dict[str, Box], box: str) -> list[str]:
    """A box after the scopes around it, outermost first."""
    path = [box]
    while boxes[path[-1]].scope != ROOT:
        path.append(boxes[path[-1]].scope)
    return path[::-1]


def _move_into_place(
    levels: Mapping[str, _Level], placements: dict[str, Placement], drawing: Drawing
) -> dict[str, Point]:
    """From each level's own coordinates to the picture's; returns where each level begins."""
    corners: dict[str, Point] = {ROOT: (0.0, 0.0)}
    waiting = [ROOT]
    for scope in waiting:
        left, top = corners[scope]
        for child in levels[scope].children:
            x, y = placements[scope].centres[child.id]
            drawing.centres[child.id] = (x + left, y + top)
            if child.id in placements:
                width, height = drawing.sizes[child.id]
                inside = placements[child.id].width
                corners[child.id] = (x + left - inside / 2, y + top - height / 2 + HEADER)
                waiting.append(child.id)
    return corners
