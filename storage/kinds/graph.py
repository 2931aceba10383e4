"""A model's graph in one neutral form, whatever framework it was recorded from."""

from __future__ import annotations

import json
import zlib
from dataclasses import asdict, dataclass, field

from .base import Encoded, Kind


@dataclass(frozen=True)
class Node:
    """One operation or layer.

    ``id`` is unique in its graph. ``scope`` is the path of the module that holds it, "" at the top or
    names joined by "/". ``shapes`` and ``dtypes`` are of its outputs, None for an unknown length.
    ``parameters`` is the number of its own trainable and fixed numbers. ``flops`` is what it computed in
    floating-point operations, an addition and a multiplication being two, or None if its framework
    did not count them.
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


def encode(value: Graph) -> Encoded:
    header = {"framework": value.framework, "name": value.name, "partial": value.partial}
    content = {
        "nodes": [asdict(node) for node in value.nodes],
        "edges": [[edge.source, edge.target, edge.label] for edge in value.edges],
    }
    return Encoded(header, zlib.compress(json.dumps(content, separators=(",", ":")).encode()))


def decode(encoded: Encoded) -> Graph:
    content = json.loads(zlib.decompress(encoded.body))
    nodes = [Node(**node) for node in content["nodes"]]
    return Graph(nodes, [Edge(*edge) for edge in content["edges"]], **encoded.header)


KIND = Kind("graph", Graph, "records", encode, decode, blob=True)
