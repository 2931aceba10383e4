"""How strongly each box of a graph is coloured: by parameters, FLOPs, time, or the health of its outputs."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .graph_layout import count_text
from .graph_style import FAMILIES, family

if TYPE_CHECKING:
    from .graph_scopes import Box
    from .graph_tree import Tree

COLORS: Mapping[str, str] = {
    "op": "Operation",
    "parameters": "Parameters",
    "flops": "FLOPs",
    "time": "Time",
    "health": "Health",
}
BAD = "bad"
"""The shade of a box some of whose numbers were not finite."""

Health = Sequence[float | None]
"""For each node ``graph_statistics.health``."""


@dataclass(frozen=True)
class Shades:
    """For each box by id its strength from 0 to 1, or ``BAD``, and in words; and the ends of the scale."""

    of: Mapping[str, tuple[float | str, str]]
    ends: tuple[str, str] | None


def shade(tree: Tree, boxes: Sequence[Box], color: str, health: Health = ()) -> Shades:
    """Colour closed boxes by one of ``COLORS``. Amounts are told apart by their logarithms."""
    closed = [box for box in boxes if not box.is_open]
    if color == "health":
        return _by_health(tree, closed, health)
    if color not in ("parameters", "flops", "time"):
        return Shades({}, None)
    words = seconds_text if color == "time" else count_text
    amounts = {box.id: _amount(tree, box, color) for box in closed}
    most = max(amounts.values(), default=0.0)
    least = min((amount for amount in amounts.values() if amount > 0), default=0.0)
    return Shades(
        {id: (_strength(amount, least, most), words(amount)) for id, amount in amounts.items() if amount > 0},
        (words(least), words(most)) if most else None,
    )


def legend(tree: Tree) -> list[tuple[str, str]]:
    """The (label, hue) of every family of operations that a graph has."""
    present = {family(op) for op in {node.op for node in tree.graph.nodes}}
    return [(label, hue) for key, (label, hue, _) in FAMILIES.items() if key in present]


def seconds_text(seconds: float) -> str:
    """``0.00123`` as ``1.23 ms``."""
    for unit, scale in (("s", 1.0), ("ms", 1e3)):
        if seconds * scale >= 1:
            return f"{seconds * scale:.3g} {unit}"
    return f"{seconds * 1e6:.3g} µs"


def _strength(amount: float, least: float, most: float) -> float:
    """From 0.12, so that the least is seen as well, to 1."""
    span = math.log(most / least) if least else 0.0
    return 0.12 + 0.88 * math.log(amount / least) / span if span else 1.0


def _amount(tree: Tree, box: Box, color: str) -> float:
    one = tree.scopes[box.place] if box.is_scope else tree.graph.nodes[box.place]
    amount: Callable[[], float | None] = {
        "parameters": lambda: one.parameters,
        "flops": lambda: one.flops,
        "time": lambda: one.seconds,
    }[color]
    return amount() or 0.0


def _by_health(tree: Tree, boxes: Sequence[Box], health: Health) -> Shades:
    shades: dict[str, tuple[float | str, str]] = {}
    for box in boxes if health else ():
        nodes = tree.nodes_in(box.place) if box.is_scope else [box.place]
        worst = max((value for node in nodes if (value := health[node]) is not None), default=None)
        if worst is not None:
            bad = math.isinf(worst)
            shades[box.id] = (BAD, "not finite") if bad else (worst, f"{worst:.0%} zeros")
    return Shades(shades, ("no zeros", "all zeros") if shades else None)
