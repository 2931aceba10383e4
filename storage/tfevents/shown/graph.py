"""A graph in our neutral form as the definition of one of TensorFlow's."""

from __future__ import annotations

from collections import Counter, defaultdict

from tensorboard.compat.proto.attr_value_pb2 import AttrValue
from tensorboard.compat.proto.graph_pb2 import GraphDef
from tensorboard.compat.proto.node_def_pb2 import NodeDef
from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto
from tensorboard.compat.proto.versions_pb2 import VersionDef

from ...kinds.graph import Graph, Node
from .value import clean

RUN_GRAPH = "__run_graph__"
"""The tag under which TensorBoard has the graph of a run."""


def graph_definition(graph: Graph) -> bytes:
    """The bytes of a ``GraphDef``: nodes by their paths, and what they were made with as attributes."""
    names = _names(graph.nodes)
    inputs: dict[str, list[str]] = defaultdict(list)
    for edge in graph.edges:
        if edge.source in names and edge.target in names:
            inputs[edge.target].append(names[edge.source])
    nodes = [_node(node, names[node.id], inputs[node.id]) for node in graph.nodes]
    return GraphDef(node=nodes, versions=VersionDef(producer=22)).SerializeToString()


def _names(nodes: list[Node]) -> dict[str, str]:
    """For the id of each node a name that no other has."""
    taken: Counter[str] = Counter()
    names: dict[str, str] = {}
    for node in nodes:
        path = clean(f"{node.scope}/{node.name}" if node.scope else node.name)
        taken[path] += 1
        names[node.id] = path if taken[path] == 1 else f"{path}_{taken[path] - 1}"
    return names


def _node(node: Node, name: str, inputs: list[str]) -> NodeDef:
    attributes = {clean(key): _text(text) for key, text in node.attributes.items()}
    attributes |= {"dtypes": _text(", ".join(node.dtypes))} if node.dtypes else {}
    attributes |= {"parameters": AttrValue(i=node.parameters)} if node.parameters else {}
    attributes |= {"flops": AttrValue(i=node.flops)} if node.flops is not None else {}
    if node.shapes:
        shapes = [_shape(shape) for shape in node.shapes]
        attributes["_output_shapes"] = AttrValue(list=AttrValue.ListValue(shape=shapes))
    return NodeDef(name=name, op=clean(node.op), input=inputs, attr=attributes)


def _shape(shape: list[int | None]) -> TensorShapeProto:
    sizes = (-1 if size is None else size for size in shape)
    return TensorShapeProto(dim=[TensorShapeProto.Dim(size=size) for size in sizes])


def _text(text: str) -> AttrValue:
    return AttrValue(s=text.encode("utf-8", "replace"))
