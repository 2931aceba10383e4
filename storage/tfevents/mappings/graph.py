"""Graphs: TensorFlow's own, those of traced functions, and Keras's models."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from tensorboard.compat.proto.config_pb2 import RunMetadata
from tensorboard.compat.proto.graph_pb2 import GraphDef
from tensorboard.compat.proto.meta_graph_pb2 import MetaGraphDef

from ...kinds.graph import Edge, Graph, Node
from .graph_def import draw
from .value import Read, Value

TAG = "graph"


def of_definition(definition: bytes) -> Graph:
    """The graph of the bytes of a ``GraphDef``. Raises ``DecodeError``."""
    return draw(GraphDef.FromString(definition), "GraphDef")


def of_meta_graph(meta: bytes) -> Graph | None:
    """The graph of the bytes of a ``MetaGraphDef``, if there is one in it. Raises ``DecodeError``."""
    definition = MetaGraphDef.FromString(meta).graph_def
    return draw(definition, "MetaGraphDef") if definition.node else None


def read(value: Value) -> Read:
    yield TAG, of_definition(_text(value))


def read_traced(value: Value) -> Read:
    """Traced functions as they were before TensorFlow changed them; of several each in a scope."""
    trace = RunMetadata.FromString(_text(value))
    graphs = [one.pre_optimization_graph for one in trace.function_graphs] or list(trace.partition_graphs)
    graphs = [graph for graph in graphs if graph.node]
    if graphs:
        yield TAG, draw(graphs[0] if len(graphs) == 1 else _merged(graphs), value.tag)


def _merged(graphs: Sequence[GraphDef]) -> GraphDef:
    """One graph of several, as TensorBoard makes it: the names of the first begin with ``graph_1/``."""
    merged = GraphDef()
    for number, graph in enumerate(graphs, 1):
        scope = f"graph_{number}/"
        for node in graph.node:
            copied = merged.node.add()
            copied.CopyFrom(node)
            copied.name = f"{scope}{node.name}"
            sources = [source.removeprefix("^") for source in node.input]
            marks = ["^" * source.startswith("^") for source in node.input]
            copied.input[:] = [f"{mark}{scope}{source}" for mark, source in zip(marks, sources, strict=True)]
        known = {function.signature.name for function in merged.library.function}
        merged.library.function.extend(
            function for function in graph.library.function if function.signature.name not in known
        )
    return merged


def read_keras(value: Value) -> Read:
    """The layers of a functional or sequential model, from its JSON."""
    config = json.loads(_text(value))["config"]
    nodes: list[Node] = []
    edges: list[Edge] = []
    before: list[str] = []
    for layer in config["layers"]:
        name = layer.get("name") or layer["config"]["name"]
        settings = {key: str(each) for key, each in layer["config"].items() if isinstance(each, int | str)}
        nodes.append(Node(name, name, layer["class_name"], attributes=settings))
        sources = _sources(layer["inbound_nodes"]) if "inbound_nodes" in layer else before
        edges += [Edge(source, name) for source in dict.fromkeys(sources)]
        before = [name]
    yield TAG, Graph(nodes, edges, "keras", config["name"])


def _sources(inbound: Any) -> list[str]:
    """The names of layers anywhere in what Keras, 2 or 3, says of where a layer's inputs come from."""
    if isinstance(inbound, dict):
        history = inbound.get("config", {}).get("keras_history")
        return [history[0]] if history else _sources(list(inbound.values()))
    if not isinstance(inbound, list):
        return []
    if inbound and isinstance(inbound[0], str):
        return [inbound[0]]
    return [name for one in inbound for name in _sources(one)]


def _text(value: Value) -> bytes:
    return value.tensor.reshape(()).item()
