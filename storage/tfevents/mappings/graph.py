"""Graphs: TensorFlow's own, those of traced functions, and Keras's models."""

from __future__ import annotations

import json
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
    """The graph of a traced ``tf.function``, as it was before TensorFlow changed it."""
    trace = RunMetadata.FromString(_text(value))
    graphs = [one.pre_optimization_graph for one in trace.function_graphs] or list(trace.partition_graphs)
    if graphs:
        yield TAG, draw(max(graphs, key=lambda graph: len(graph.node)), "GraphDef")


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
