"""A model's graph in one neutral form, whatever framework it was recorded from."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .base import Encoded, Kind

Shape = Sequence[int | None] | None


@dataclass(frozen=True)
class Node:
    """One operation or layer.

    ``id`` is unique in its graph. ``scope`` is the path of the module that holds it, "" at the top or
    names joined by "/". ``shapes`` and ``dtypes`` are of its outputs, None for an unknown length.
    ``parameters`` is the number of its own trainable and fixed numbers. ``flops`` is what it computed in
    floating-point operations, an addition and a multiplication being two, or None if its framework
    did not count them. ``seconds`` is how long it took when the graph was recorded, or None.
    ``shares`` is the id of the node that counts the parameters which this one uses, too.
    """

    id: str
    name: str
    op: str
    scope: str = ""
    shapes: list[list[int | None]] = field(default_factory=list)
    dtypes: list[str] = field(default_factory=list)
    parameters: int = 0
    attributes: dict[str, str] = field(default_factory=dict)
    flops: int | None = None
    seconds: float | None = field(default=None, compare=False)
    shares: str | None = None


@dataclass(frozen=True)
class Edge:
    """Something that flows from one node, by id, to another; ``label`` is its shape, as "1x64x8x8"."""

    source: str
    target: str
    label: str = ""


@dataclass(frozen=True)
class Graph:
    """Nodes in order of execution, and edges. ``partial`` says why the graph is incomplete, if it is."""

    nodes: list[Node]
    edges: list[Edge]
    framework: str = ""
    name: str = ""
    partial: str | None = None


def same_shape(one: Shape, other: Shape) -> bool:
    """Whether two shapes are the same but for the batch; None in one of them stands for any length."""
    if one is None or other is None or len(one) != len(other):
        return one is None and other is None
    return all(a == b or a is None or b is None for a, b in zip(one[1:], other[1:], strict=True))


def as_json(value: Graph) -> dict[str, Any]:
    """A graph as JSON can hold it."""
    header = {"framework": value.framework, "name": value.name, "partial": value.partial}
    edges = [[edge.source, edge.target, edge.label] for edge in value.edges]
    return {**header, "nodes": [dict(vars(node)) for node in value.nodes], "edges": edges}


def of_json(content: Mapping[str, Any]) -> Graph:
    """The graph that ``as_json`` was given."""
    header = {name: content[name] for name in ("framework", "name", "partial")}
    nodes = [Node(**node) for node in content["nodes"]]
    return Graph(nodes, [Edge(*edge) for edge in content["edges"]], **header)


def encode(value: Graph) -> Encoded:
    content = as_json(value)
    header = {name: content.pop(name) for name in ("framework", "name", "partial")}
    return Encoded(header, zlib.compress(json.dumps(content, separators=(",", ":")).encode()))


def decode(encoded: Encoded) -> Graph:
    return of_json({**json.loads(zlib.decompress(encoded.body)), **encoded.header})


KIND = Kind("graph", Graph, "records", encode, decode, blob=True)
