"""The layers of a model's graph in a form in which two frameworks can be compared."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from .cards.graph_scopes import node_path
from .cards.graph_statistics import layer_key
from .cards.graph_style import family

if TYPE_CHECKING:
    from ..storage.kinds.graph import Graph, Node

MOST_LAYERS = 1_000
_NO_LAYERS = ("Input", "Output", "InputLayer")
_RESHAPING = ("flatten", "view", "reshape", "permute", "transpose", "contiguous", "squeeze", "unsqueeze")
_POOLING = ("mean", "amax")
"""What programs of PyTorch call where Keras has a layer that pools everything."""
_FUSED = " → "

Agreement = Literal["same", "transposed", "different"]


@dataclass(frozen=True)
class Layer:
    """One layer, or the activation that a layer of Keras has built in, whose id is ``<node> → relu``.

    ``statistics`` is what its outputs are called by the run's watch, "" where these are not its own: of a
    layer with a built-in activation, only what leaves that is seen; of one that is called several times,
    only its last call.
    """

    id: str
    node: str
    name: str
    op: str
    role: str
    shape: tuple[int | None, ...] | None
    parameters: int
    statistics: str


def layers_of(graph: Graph) -> list[Layer]:
    """The layers in order of execution; if they are more than ``MOST_LAYERS``, the first with parameters."""
    found = [layer for node in graph.nodes if node.op not in _NO_LAYERS for layer in _layers(node)]
    last = {layer.statistics: layer.id for layer in found}
    found = [
        layer if last[layer.statistics] == layer.id else replace(layer, statistics="") for layer in found
    ]
    if len(found) > MOST_LAYERS:
        found = [layer for layer in found if layer.parameters]
    return found[:MOST_LAYERS]


def shapes_agree(one: Sequence[int | None] | None, other: Sequence[int | None] | None) -> Agreement:
    """Whether two shapes are the same, but for the batch, or are so with the channels elsewhere."""
    if one is None or other is None or len(one) != len(other):
        return "same" if one is None and other is None else "different"
    first, second = tuple(one[1:]), tuple(other[1:])
    if _alike(first, second):
        return "same"
    moved = (first[1:] + first[:1], first[-1:] + first[:-1])
    return "transposed" if any(_alike(shape, second) for shape in moved) else "different"


def same_size(one: Sequence[int | None] | None, other: Sequence[int | None] | None) -> bool:
    """Whether outputs of two shapes can have as many values of each example."""
    sizes = [_size(shape) for shape in (one, other)]
    return None in sizes or sizes[0] == sizes[1]


def _size(shape: Sequence[int | None] | None) -> int | None:
    known = [] if shape is None else [length for length in shape[1:] if length is not None]
    return None if shape is None or len(known) < len(shape[1:]) else math.prod(known)


def parameters_agree(one: Layer, other: Layer) -> bool:
    """Whether two layers have as many parameters. Keras counts a normalization's moving averages, too."""
    few, many = sorted((one.parameters, other.parameters))
    return few == many or (one.role == other.role == "normalization" and many == 2 * few)


def _alike(one: Sequence[int | None], other: Sequence[int | None]) -> bool:
    return all(a == b or a is None or b is None for a, b in zip(one, other, strict=True))


def _layers(node: Node) -> list[Layer]:
    shape = tuple(node.shapes[0]) if node.shapes else None
    key = layer_key(node.id)
    activation = node.attributes.get("activation", "linear")
    layer = Layer(node.id, node.id, node_path(node), node.op, _role(node.op), shape, node.parameters, key)
    if activation in ("linear", "None") or layer.role in ("activation", "attention"):
        return [layer]  # a recurrent layer's activation is inside of it
    fused = f"{node.id}{_FUSED}{activation}"
    name = f"{node_path(node)}{_FUSED}{activation}"
    return [
        Layer(node.id, node.id, layer.name, node.op, layer.role, shape, node.parameters, ""),
        Layer(fused, node.id, name, activation, "activation", shape, 0, key),
    ]


def _role(op: str) -> str:
    """The family of an operation; "reshaping" of one that only moves values; else its own name."""
    name = op.lower()
    found = family(op)
    if found != "other":
        return found
    if name in _POOLING:
        return "pooling"
    return "reshaping" if any(part in name for part in _RESHAPING) else name
