"""What changed from one graph of a model to the next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..storage.kinds.graph import Shape, same_shape

if TYPE_CHECKING:
    from ..storage.kinds.event import Event
    from ..storage.kinds.graph import Graph

_MOST_NAMED = 8


@dataclass(frozen=True)
class GraphChanges:
    """Names of nodes that came and went, and shapes of those that stayed, as they were and are."""

    added: list[str]
    removed: list[str]
    shapes: dict[str, tuple[Shape, Shape]]

    @classmethod
    def between(cls, before: Mapping[str, Shape], after: Mapping[str, Shape]) -> GraphChanges:
        """Compare nodes by name. A first length that differs is a batch's, and no change."""
        return cls(
            added=[name for name in after if name not in before],
            removed=[name for name in before if name not in after],
            shapes={
                name: (before[name], shape)
                for name, shape in after.items()
                if name in before and not same_shape(before[name], shape)
            },
        )

    def event(self, model: str) -> Event:
        """The changes as an event: in words for people, in full for programs."""
        from ..storage.kinds.event import Event

        shapes = [f"{name} {_text(old)} → {_text(new)}" for name, (old, new) in self.shapes.items()]
        parts = {"Added": self.added, "Removed": self.removed, "Other shapes": shapes}
        text = "\n".join(f"- {what}: {_listed(names)}" for what, names in parts.items() if names)
        data = {
            "model": model,
            "added": self.added,
            "removed": self.removed,
            "shapes": {name: [_plain(old), _plain(new)] for name, (old, new) in self.shapes.items()},
        }
        text = text or "The order of its operations changed."
        return Event(f"The graph of {model} changed", text, "info", data)


def shapes_of(graph: Graph) -> dict[str, Shape]:
    """The first output's shape of every node."""
    return {node.id: node.shapes[0] if node.shapes else None for node in graph.nodes}


def _text(shape: Shape) -> str:
    if shape is None:
        return "unknown"
    return "×".join("?" if length is None else str(length) for length in shape) or "scalar"


def _plain(shape: Shape) -> list[int | None] | None:
    return None if shape is None else list(shape)


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _MOST_NAMED
    return ", ".join(names[:_MOST_NAMED]) + (f" and {more:,} more" if more > 0 else "")
