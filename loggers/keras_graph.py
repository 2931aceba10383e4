"""The graph of a Keras model, read from its layers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import prod
from typing import Any

import keras

from ..storage.kinds.graph import Edge, Graph, Node

_LONGEST_ATTRIBUTE = 200
_DRAWN_OTHERWISE = {"name", "trainable", "dtype"}


def capture(model: keras.Model) -> Graph:
    """Return the layers of ``model`` and, where Keras knows it, how tensors flow between them.

    Functional and Sequential models have an edge for each tensor, with None for the batch size;
    models called inside them are scopes. What a subclassed model does is known to its ``call`` only:
    its layers are listed in the order they were made, without edges, and ``partial`` says so. A
    layer called again is a node of its own, ``dense#2``, which counts no parameters.
    """
    drawing = _Drawing()
    drawing.draw_model(model, "")
    return Graph(
        nodes=drawing.nodes,
        edges=list(drawing.edges.values()),
        framework="keras",
        name=model.name,
        partial="; ".join(drawing.unknown) or None,
    )


class _Drawing:
    """A graph in the making. ``sources`` tells which node a symbolic tensor comes from, by its id."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.edges: dict[tuple[str, str, str], Edge] = {}
        self.unknown: list[str] = []
        self._sources: dict[int, str] = {}
        self._names: Counter[str] = Counter()
        self._counted: set[int] = set()

    def draw_model(self, model: Any, scope: str) -> None:
        """Draw ``model``, or a layer made of layers, as the contents of ``scope``."""
        functional = _functional(model)
        if functional is not None:
            self._draw_functional(functional, scope)
        elif isinstance(model, keras.Sequential):
            self.unknown.append(f"{model.name} is not built yet: its shapes are unknown")
            self._draw_chain(model.layers, scope)
        else:
            self.unknown.append(f"{model.name} is subclassed: how its layers are connected is unknown")
            for layer in _sublayers(model):
                self._draw_layer(layer, scope)

    def _draw_functional(self, model: Any, scope: str) -> None:
        for _, calls in sorted(model._nodes_by_depth.items(), reverse=True):
            for call in calls:
                if call.input_tensors:
                    self._draw_call(call, scope)
                elif id(call.output_tensors[0]) not in self._sources:
                    self._trace(call.output_tensors, self._add(call.operation, scope, call.output_tensors))

    def _draw_call(self, call: Any, scope: str) -> None:
        """Draw one call of a layer; of a model whose inside is known, that inside."""
        inside = _functional(call.operation)
        if inside is not None:
            self._rename(call.input_tensors, inside.inputs)
            self._draw_functional(inside, self._unique(scope, call.operation.name))
            self._rename(inside.outputs, call.output_tensors)
            return
        node = self._add(call.operation, scope, call.output_tensors)
        for tensor in call.input_tensors:
            self._connect(self._sources[id(tensor)], node, _label(tensor))
        self._trace(call.output_tensors, node)

    def _trace(self, tensors: Sequence[Any], node: str) -> None:
        self._sources.update((id(tensor), node) for tensor in tensors)

    def _rename(self, tensors: Sequence[Any], names: Sequence[Any]) -> None:
        """The same tensors are other symbols inside and outside of a model that is called."""
        for tensor, name in zip(tensors, names, strict=True):
            self._sources[id(name)] = self._sources[id(tensor)]

    def _draw_chain(self, layers: Sequence[Any], scope: str) -> None:
        before = None
        for layer in layers:
            node = self._draw_layer(layer, scope)
            if before is not None and node is not None:
                self._connect(before, node, "")
            before = node

    def _draw_layer(self, layer: Any, scope: str) -> str | None:
        """Draw a layer whose inputs are unknown, and return its node; None if it is a scope."""
        if isinstance(layer, keras.Model) or (_sublayers(layer) and not _is_own(layer)):
            self.draw_model(layer, self._unique(scope, layer.name))
            return None
        return self._add(layer, scope, ())

    def _add(self, operation: Any, scope: str, outputs: Sequence[Any]) -> str:
        node = self._unique(scope, operation.name)
        self.nodes.append(
            Node(
                id=node,
                name=node.rpartition("/")[2],
                op=type(operation).__name__,
                scope=scope,
                shapes=[list(tensor.shape) for tensor in outputs],
                dtypes=[str(tensor.dtype) for tensor in outputs],
                parameters=self._count(operation),
                attributes=_attributes(operation),
            )
        )
        return node

    def _connect(self, source: str, target: str, label: str) -> None:
        self.edges.setdefault((source, target, label), Edge(source, target, label))

    def _unique(self, scope: str, name: str) -> str:
        path = f"{scope}/{name}" if scope else name
        self._names[path] += 1
        return path if self._names[path] == 1 else f"{path}#{self._names[path]}"

    def _count(self, operation: Any) -> int:
        """How many parameters of ``operation`` no node has counted, so that nodes add up."""
        weights = [w for w in getattr(operation, "weights", ()) if id(w) not in self._counted]
        self._counted.update(map(id, weights))
        return sum(prod(weight.shape) for weight in weights)


def _functional(model: Any) -> Any:
    """The Functional model that ``model`` is or, if it is a built Sequential one, runs. Else None."""
    if isinstance(model, keras.Sequential):
        return model._functional
    return model if hasattr(model, "_nodes_by_depth") else None


def _sublayers(layer: Any) -> list[Any]:
    if not isinstance(layer, keras.Layer):
        return []
    return list(layer._flatten_layers(include_self=False, recursive=False))


def _is_own(layer: Any) -> bool:
    return type(layer).__module__.partition(".")[0] == "keras"


def _label(tensor: Any) -> str:
    """``Nx64x8x8``, N for a size that is not known, or ``scalar``."""
    return "x".join("N" if size is None else str(size) for size in tensor.shape) or "scalar"


def _attributes(operation: Any) -> dict[str, str]:
    """What a layer was made with (``kernel_size``, ``strides`` …), from its configuration."""
    try:
        config = operation.get_config()
    except Exception:  # a layer of the user's own need not have one
        return {}
    return {
        name: str(value)[:_LONGEST_ATTRIBUTE]
        for name, value in config.items()
        if isinstance(value, bool | int | float | str | tuple | list) and name not in _DRAWN_OTHERWISE
    }
