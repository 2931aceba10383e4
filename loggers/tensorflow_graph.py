"""The graph of a ``tf.function``, a ``tf.Graph`` or a ``GraphDef``, read from its definition."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from math import prod
from typing import Any

import tensorflow as tf

from ..storage.kinds.graph import Edge, Graph, Node
from .tensorflow_flops import flops_of

MOST_NODES = 20_000
_LONGEST_ATTRIBUTE = 200
_VARIABLES = {"VarHandleOp", "VariableV2", "Variable"}
_HIDDEN = ("T", "_output_shapes", "value", "f", "cond", "body", "then_branch", "else_branch", "branches")


def capture(graph: Any, inputs: Any = None) -> Graph:
    """Return the operations of ``graph``, those of the functions that it calls in scopes named as the calls.

    ``graph`` is a ``tf.function``, which is traced on ``inputs`` (a tuple is its arguments, anything else
    its one argument; they may be left out where it has an ``input_signature`` or no arguments), a
    concrete function, a ``tf.Graph`` or a ``GraphDef``. A variable is a node that counts its numbers.
    The branches of conditions and bodies of loops are drawn once. FLOPs are TensorFlow's own, for
    operations all of whose shapes are known; a ``GraphDef`` has none.

    Raises what tracing raises, and TypeError for a function that needs inputs and has none.
    """
    name = getattr(graph, "__name__", type(graph).__name__)
    if hasattr(graph, "get_concrete_function"):
        arguments = () if inputs is None else inputs if isinstance(inputs, tuple) else (inputs,)
        graph = graph.get_concrete_function(*arguments)
    if isinstance(graph, tf.types.experimental.ConcreteFunction):
        function: Any = graph
        inner, variables = function.graph, _captured_variables(function)
        return _draw(inner.as_graph_def(add_shapes=True), name, variables, flops_of(inner))
    if isinstance(graph, tf.Graph):
        return _draw(graph.as_graph_def(add_shapes=True), name, {}, flops_of(graph))
    return _draw(graph, name, {}, {})


def capture_model(model: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Graph:
    """The graph of a Keras model called on symbolic tensors: its operations, in the scopes of its layers."""
    specs = tf.nest.map_structure(_spec, (args, dict(kwargs)))
    call = tf.function(lambda args, kwargs: model(*args, **kwargs))
    graph = capture(call.get_concrete_function(*specs))
    return replace(graph, framework="keras", name=model.name)


def _spec(tensor: Any) -> Any:
    return tf.TensorSpec(tensor.shape, tensor.dtype) if hasattr(tensor, "shape") else tensor


def _captured_variables(function: Any) -> dict[str, Any]:
    """The variables that a function uses, by the name of the placeholder that stands for each."""
    by_handle = {id(variable.handle): variable for variable in function.variables}
    return {
        inner.op.name: by_handle[id(outer)]
        for outer, inner in function.graph.captures
        if id(outer) in by_handle
    }


def _draw(
    definition: Any, name: str, variables: Mapping[str, Any], flops: Mapping[tuple[str, str], int]
) -> Graph:
    drawing = _Drawing(definition.library, variables, flops)
    drawing.draw(definition.node, "", "", {})
    partial = None
    if len(drawing.nodes) > MOST_NODES:
        kept = {node.id for node in drawing.nodes[:MOST_NODES]}
        drawing.edges = {key: e for key, e in drawing.edges.items() if {e.source, e.target} <= kept}
        partial = f"only the first {MOST_NODES:,} operations are drawn"
    return Graph(drawing.nodes[:MOST_NODES], list(drawing.edges.values()), "tensorflow", name, partial)


Sources = dict[str, list[list[str]]]
"""For the name of an operation, the ids of the nodes that each of its outputs comes from."""


class _Drawing:
    """A graph in the making, functions drawn in place of their calls."""

    def __init__(
        self, library: Any, variables: Mapping[str, Any], flops: Mapping[tuple[str, str], int]
    ) -> None:
        self.nodes: list[Node] = []
        self.edges: dict[tuple[str, str, str], Edge] = {}
        self._functions = {function.signature.name: function for function in library.function}
        self._variables = variables
        self._flops = flops
        self._shapes: dict[str, list[list[int | None]]] = {}
        self._calling: list[str] = []

    def draw(self, operations: Iterable[Any], scope: str, function: str, sources: Sources) -> Sources:
        """Draw operations in ``scope``; ``sources`` are those of the function's arguments."""
        operations = list(operations)
        sources = dict(sources)
        for operation in _ordered(operations):
            path = f"{scope}/{operation.name}" if scope else operation.name
            called = [] if len(self.nodes) > MOST_NODES else list(self._called(operation))
            if called:
                sources[operation.name] = self._draw_call(operation, path, called, sources)
            else:
                self._draw_node(operation, path, function, sources)
                sources[operation.name] = [[path]]
        return sources

    def _called(self, operation: Any) -> Iterator[tuple[str, Any]]:
        """The functions that an operation runs, and what they are to it: ``body``, ``then_branch`` …"""
        for role, value in operation.attr.items():
            functions = [value.func] if value.HasField("func") else value.list.func
            for index, one in enumerate(functions):
                if one.name in self._functions and one.name not in self._calling:
                    yield (role if value.HasField("func") else f"{role}_{index}"), self._functions[one.name]

    def _draw_call(
        self, operation: Any, path: str, called: Sequence[tuple[str, Any]], sources: Sources
    ) -> list[list[str]]:
        given = [_resolve(one, sources) for one in operation.input if not one.startswith("^")]
        if operation.op in ("If", "StatelessIf", "Case", "StatelessCase"):
            given = given[1:]  # the first one chooses the branch
        outputs: list[list[str]] = []
        for role, function in called:
            scope = path if len(called) == 1 else f"{path}/{role}"
            names = [argument.name for argument in function.signature.input_arg]
            inner: Sources = {name: [ids] for name, ids in zip(names, given, strict=False)}
            self._calling.append(function.signature.name)
            inner = self.draw(function.node_def, scope, function.signature.name, inner)
            self._calling.pop()
            if role == "cond":
                continue
            results = [_resolve(function.ret[one.name], inner) for one in function.signature.output_arg]
            outputs += [[] for _ in results[len(outputs) :]]
            for ids, result in zip(outputs, results, strict=False):
                ids += result
        return outputs

    def _draw_node(self, operation: Any, path: str, function: str, sources: Sources) -> None:
        scope, _, name = path.rpartition("/")
        variable = None if function else self._variables.get(operation.name)
        shapes = _shapes(operation) if variable is None else [variable.shape.as_list()]
        self._shapes[path] = shapes
        self.nodes.append(
            Node(
                id=path,
                name=name if variable is None else variable.name.partition(":")[0].rpartition("/")[2],
                op=operation.op if variable is None else "Variable",
                scope=scope,
                shapes=shapes,
                dtypes=_dtypes(operation) if variable is None else [variable.dtype.name],
                parameters=_parameters(operation) if variable is None else prod(variable.shape),
                attributes=_attributes(operation),
                flops=self._flops.get((function, operation.name)),
            )
        )
        for one in operation.input:
            for source in [] if one.startswith("^") else _resolve(one, sources):
                edge = Edge(source, path, self._label(source, one))
                self.edges.setdefault((edge.source, edge.target, edge.label), edge)

    def _label(self, source: str, one: str) -> str:
        shapes = self._shapes.get(source, [])
        index = _index(one)
        if index >= len(shapes):
            return ""
        return "x".join("N" if size is None else str(size) for size in shapes[index]) or "scalar"


def _ordered(operations: Sequence[Any]) -> list[Any]:
    """Operations after those whose results they take, as far as there is no cycle."""
    by_name = {operation.name: operation for operation in operations}
    done: dict[str, Any] = {}
    for first in operations:
        stack = [first]
        active: set[str] = set()
        while stack:
            operation = stack[-1]
            active.add(operation.name)
            before = [by_name.get(_source(one)) for one in operation.input]
            waiting = [one for one in before if one is not None and one.name not in done]
            new = next((one for one in waiting if one.name not in active), None)
            if new is not None:
                stack.append(new)
            else:
                stack.pop()
                done.setdefault(operation.name, operation)
    return list(done.values())


def _source(reference: str) -> str:
    return reference.removeprefix("^").partition(":")[0]


def _index(reference: str) -> int:
    last = reference.rpartition(":")[2]
    return int(last) if last.isdigit() and ":" in reference else 0


def _resolve(reference: str, sources: Sources) -> list[str]:
    outputs = sources.get(_source(reference), [])
    return outputs[min(_index(reference), len(outputs) - 1)] if outputs else []


def _shapes(operation: Any) -> list[list[int | None]]:
    shapes = operation.attr["_output_shapes"].list.shape if "_output_shapes" in operation.attr else []
    if not shapes and "shape" in operation.attr:
        shapes = [operation.attr["shape"].shape]
    return [
        [None if dim.size < 0 else dim.size for dim in shape.dim]
        for shape in shapes
        if not shape.unknown_rank
    ]


def _dtypes(operation: Any) -> list[str]:
    for name in ("dtype", "T", "DstT", "output_type"):
        if name in operation.attr and operation.attr[name].type:
            return [tf.dtypes.as_dtype(operation.attr[name].type).name]
    return []


def _parameters(operation: Any) -> int:
    if operation.op not in _VARIABLES:
        return 0
    shape = [dim.size for dim in operation.attr["shape"].shape.dim]
    return prod(shape) if all(size >= 0 for size in shape) else 0


def _attributes(operation: Any) -> dict[str, str]:
    """What an operation was made with, but for what is shown otherwise."""
    values = {
        name: _value(value)
        for name, value in sorted(operation.attr.items())
        if name not in _HIDDEN and not name.startswith("_")
    }
    return {name: text[:_LONGEST_ATTRIBUTE] for name, text in values.items() if text}


def _value(value: Any) -> str:
    which = value.WhichOneof("value")
    if which == "s":
        return value.s.decode("utf-8", "replace")
    if which == "type":
        return tf.dtypes.as_dtype(value.type).name
    if which == "list":
        return ", ".join(map(str, [*value.list.i, *value.list.f, *value.list.b]))
    return str(getattr(value, which)) if which in ("i", "f", "b") else ""
