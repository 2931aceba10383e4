"""A graph of TensorFlow, as a ``GraphDef`` defines it, in our form."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import prod
from typing import Any

from tensorboard.compat.tensorflow_stub.dtypes import as_dtype

from ...kinds.graph import Edge, Graph, Node

MOST_NODES = 20_000
_LONGEST_ATTRIBUTE = 200
_VARIABLES = {"VarHandleOp", "VariableV2", "Variable"}
_HIDDEN = ("T", "_output_shapes", "value", "f", "cond", "body", "then_branch", "else_branch", "branches")


def draw(
    definition: Any,
    name: str,
    variables: Mapping[str, Any] | None = None,
    flops: Mapping[tuple[str, str], int] | None = None,
) -> Graph:
    """The operations of a ``GraphDef``, those of the functions that it calls in scopes named as the calls.

    ``variables`` are those that placeholders stand for, by the name of the placeholder; ``flops`` what
    operations compute, by the names of their function ("" for none) and their own.
    """
    drawing = _Drawing(definition.library, variables or {}, flops or {})
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
            return [as_dtype(operation.attr[name].type).name]
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
        return as_dtype(value.type).name
    if which == "list":
        return ", ".join(map(str, [*value.list.i, *value.list.f, *value.list.b]))
    return str(getattr(value, which)) if which in ("i", "f", "b") else ""
