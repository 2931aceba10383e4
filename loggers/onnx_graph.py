"""The graph of an ONNX model, read from its file."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping
from math import prod
from pathlib import Path
from typing import Any

import onnx

from ..storage.kinds.graph import Edge, Graph, Node

_LONGEST_ATTRIBUTE = 200
_DRAWN_OTHERWISE = (
    onnx.AttributeProto.GRAPH,
    onnx.AttributeProto.GRAPHS,
    onnx.AttributeProto.TENSOR,
)
_CONTROL = ("If", "Loop", "Scan")

Tensors = dict[str, str]
"""For the name of a tensor, the id of the node that it comes from."""


def capture(model: Any) -> Graph:
    """Return the graph of an ``onnx.ModelProto``, or of the file at a path, whose weights are not read.

    A node has its operation type, the shapes that the file states or ``onnx.shape_inference`` finds
    (None for lengths that are named or unknown), and counts the numbers of the initialisers given to it
    that no node before it has counted. Slashes in the names of nodes make scopes; what ``If``, ``Loop``
    and ``Scan`` hold is drawn in scopes named after them. Raises OSError or ValueError for a file that
    cannot be read or is no ONNX model.
    """
    name = "onnx"
    if isinstance(model, str | os.PathLike):
        name, model = Path(model).stem, _load(Path(model))
    model, partial = _inferred(model)
    drawing = _Drawing()
    drawing.draw(model.graph, "", {})
    return Graph(drawing.nodes, list(drawing.edges.values()), "onnx", model.graph.name or name, partial)


def _load(path: Path) -> Any:
    try:
        model = onnx.load(path, load_external_data=False)
    except OSError:
        raise
    except Exception as error:  # protobuf's and onnx's own, of many types
        raise ValueError(f"{path} is no ONNX model: {error}") from error
    if not model.graph.node and not model.graph.output:
        raise ValueError(f"{path} is no ONNX model: it has no graph")
    return model


def _inferred(model: Any) -> tuple[Any, str | None]:
    """The model with shapes, as far as they can be found, and why not if there was an error."""
    try:
        return onnx.shape_inference.infer_shapes(model, data_prop=True), None
    except Exception as error:
        return model, f"shapes are unknown: {str(error).strip()}"


class _Drawing:
    """A graph in the making."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.edges: dict[tuple[str, str, str], Edge] = {}
        self._names: Counter[str] = Counter()
        self._counted: set[str] = set()
        self._sizes: dict[str, int] = {}
        self._values: dict[str, Any] = {}

    def draw(self, graph: Any, scope: str, around: Mapping[str, str]) -> None:
        """Draw ``graph`` in ``scope``; ``around`` are the tensors that it may use from outside."""
        tensors: Tensors = dict(around)
        self._sizes.update((one.name, prod(one.dims)) for one in graph.initializer)
        self._sizes.update((one.values.name, prod(one.values.dims)) for one in graph.sparse_initializer)
        for value in (*graph.input, *graph.value_info, *graph.output):
            self._values[value.name] = value.type.tensor_type
        for value in graph.input:
            if value.name not in self._sizes:
                tensors[value.name] = self._add(value.name, "Input", scope, [value.name])
        for operation in graph.node:
            self._draw_node(operation, scope, tensors)
        if not scope:
            for value in graph.output:
                self._connect([value.name], self._add(value.name, "Output", scope, [value.name]), tensors)

    def _draw_node(self, operation: Any, scope: str, tensors: Tensors) -> None:
        name = operation.name.strip("/") or operation.op_type
        node = self._add(
            name,
            operation.op_type,
            scope,
            operation.output,
            sum(self._sizes[one] for one in self._fresh(operation.input)),
            dict(_attributes(operation)),
        )
        self._connect(operation.input, node, tensors)
        tensors.update((output, node) for output in operation.output)
        for attribute in operation.attribute if operation.op_type in _CONTROL else ():
            for inner in [attribute.g] if attribute.HasField("g") else attribute.graphs:
                self.draw(inner, f"{node}/{attribute.name}", tensors)

    def _add(
        self,
        name: str,
        op: str,
        scope: str,
        outputs: Iterable[str],
        parameters: int = 0,
        attributes: dict[str, str] | None = None,
    ) -> str:
        path = self._unique(f"{scope}/{name}" if scope else name)
        kinds = [self._values[one] for one in outputs if one in self._values]
        self.nodes.append(
            Node(
                id=path,
                name=path.rpartition("/")[2],
                op=op,
                scope=path.rpartition("/")[0],
                shapes=[shape for shape in map(_shape, kinds) if shape is not None],
                dtypes=[onnx.TensorProto.DataType.Name(kind.elem_type).lower() for kind in kinds],
                parameters=parameters,
                attributes=attributes or {},
            )
        )
        return path

    def _fresh(self, names: Iterable[str]) -> set[str]:
        fresh = {name for name in names if name in self._sizes and name not in self._counted}
        self._counted |= fresh
        return fresh

    def _connect(self, names: Iterable[str], node: str, tensors: Tensors) -> None:
        for name in names:
            if name in tensors:
                shape = _shape(self._values[name]) if name in self._values else None
                edge = Edge(tensors[name], node, "" if shape is None else _label(shape))
                self.edges.setdefault((edge.source, edge.target, edge.label), edge)

    def _unique(self, path: str) -> str:
        self._names[path] += 1
        return path if self._names[path] == 1 else f"{path}#{self._names[path]}"


def _shape(kind: Any) -> list[int | None] | None:
    if not kind.HasField("shape"):
        return None
    return [dim.dim_value if dim.HasField("dim_value") else None for dim in kind.shape.dim]


def _label(shape: list[int | None]) -> str:
    return "x".join("N" if size is None else str(size) for size in shape) or "scalar"


def _attributes(operation: Any) -> Iterable[tuple[str, str]]:
    for attribute in operation.attribute:
        if attribute.type not in _DRAWN_OTHERWISE:
            value = onnx.helper.get_attribute_value(attribute)
            text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
            yield attribute.name, text[:_LONGEST_ATTRIBUTE]
