"""The graph of a Keras model, read from its layers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from math import prod
from typing import TYPE_CHECKING, Any

import keras

from ..storage.kinds.graph import Edge, Graph, Node
from .keras_calls import symbolic_inputs, told

if TYPE_CHECKING:
    from .tensorflow_flops import FlopCount

_LONGEST_ATTRIBUTE = 200
_DRAWN_OTHERWISE = {"name", "trainable", "dtype"}


def capture(model: keras.Model, inputs: Any = None) -> Graph:
    """Return the layers of ``model`` and how tensors flow between them, with None for the batch size.

    Functional and Sequential models know that. Any other is called on symbolic tensors, like ``inputs``
    (a tuple is its arguments, anything else its one argument) or like those that it was built with; if
    it is not built yet, ``inputs`` build it. Where its ``call`` uses TensorFlow itself, the graph is that
    of TensorFlow, whose scopes are the layers. Models and layers made of layers are scopes. If nothing is
    known of the inputs, or ``call`` fails, what is known is listed, and ``partial`` says so. A layer
    called again is a node of its own, ``dense#2``, which counts no parameters.

    FLOPs are TensorFlow's own count, on its backend, for layers that have parameters; for one example
    where the batch size is not known.
    """
    if inputs is not None and not model.built:
        model(*(inputs if isinstance(inputs, tuple) else (inputs,)))
    drawing = _Drawing()
    try:
        drawing.draw_model(model, "", inputs)
    except Exception as error:
        if keras.backend.backend() == "tensorflow" and (graph := _traced(model, inputs)) is not None:
            return graph
        drawing = _Drawing()
        drawing.list_layers(model, "", f"{type(error).__name__} in {model.name}: {str(error).strip()}")
    return Graph(
        nodes=drawing.nodes,
        edges=list(drawing.edges.values()),
        framework="keras",
        name=model.name,
        partial="; ".join(drawing.unknown) or None,
    )


def _traced(model: keras.Model, inputs: Any) -> Graph | None:
    """The graph that TensorFlow makes of a model that Keras cannot call on symbols, None if it fails."""
    from .tensorflow_graph import capture_model

    arguments = symbolic_inputs(model, inputs)
    try:
        return capture_model(model, *arguments) if arguments is not None else None
    except Exception:  # the model's own error, which the caller reports
        return None


class _Drawing:
    """A graph in the making. ``sources`` tells which node a symbolic tensor comes from, by its id."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.edges: dict[tuple[str, str, str], Edge] = {}
        self.unknown: list[str] = []
        self._sources: dict[int, str] = {}
        self._symbols: list[Any] = []  # kept, so that no other tensor gets the id of one that is gone
        self._names: Counter[str] = Counter()
        self._counted: dict[int, str] = {}
        self._flops = _flop_count()
        self._scope = ""

    def draw_model(self, model: Any, scope: str, inputs: Any = None) -> None:
        """Draw ``model``, or a layer made of layers, as the contents of ``scope``."""
        functional = _functional(model)
        if functional is not None:
            self._draw_functional(functional, scope)
        elif isinstance(model, keras.Sequential):
            self.unknown.append(f"{model.name} is not built yet: its shapes are unknown")
            self._draw_chain(model.layers, scope)
        elif (arguments := symbolic_inputs(model, inputs)) is not None:
            self._draw_calls(model, *arguments)
        else:
            reason = f"{model.name} is subclassed and not built: its inputs are unknown"
            self.list_layers(model, scope, reason)

    def list_layers(self, model: Any, scope: str, reason: str) -> None:
        """Draw the layers of ``model`` without edges, for a ``reason`` to be told."""
        self.unknown.append(reason)
        for layer in _sublayers(model):
            self._draw_layer(layer, scope)

    def _draw_calls(self, model: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Draw what ``model`` calls when it is called."""
        for tensor in _tensors((args, kwargs)):
            start = keras.layers.InputLayer(tensor.shape[1:], dtype=tensor.dtype, name="input")
            self._trace([tensor], self._add(start, "", [tensor]))
        with told(self._called):
            model.call(*args, **kwargs)

    def _called(self, operation: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Draw one call, and return what it returns: of a layer made of layers, what these do."""
        if is_scope(operation):
            scope, self._scope = self._scope, self._unique(self._scope, operation.name)
            outputs = operation.call(*args, **kwargs)
            self._scope = scope
            return outputs
        outputs = operation.compute_output_spec(*args, **kwargs)
        node = self._add(operation, self._scope, _tensors(outputs), (args, kwargs), _name(operation))
        for tensor in _tensors((args, kwargs)):
            if id(tensor) in self._sources:
                self._connect(self._sources[id(tensor)], node, _label(tensor))
        self._trace(_tensors(outputs), node)
        return outputs

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
        arguments = call.arguments.args, call.arguments.kwargs
        if is_scope(call.operation) and self._draw_inside(call, scope, *arguments):
            return
        node = self._add(call.operation, scope, call.output_tensors, arguments)
        for tensor in call.input_tensors:
            self._connect(self._sources[id(tensor)], node, _label(tensor))
        self._trace(call.output_tensors, node)

    def _draw_inside(self, call: Any, scope: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
        """Draw what a layer made of layers does. False, and nothing drawn, if Keras cannot tell."""
        before = list(self.nodes), dict(self.edges), self._names.copy(), dict(self._counted)
        self._scope = scope
        try:
            with told(self._called):
                outputs = self._called(call.operation, args, kwargs)
            self._rename(_tensors(outputs), call.output_tensors)
        except Exception:  # the layer uses its framework directly: it is drawn as one node
            self.nodes, self.edges, self._names, self._counted = before
            return False
        return True

    def _trace(self, tensors: Sequence[Any], node: str) -> None:
        self._symbols += tensors
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
        if is_scope(layer):
            self.draw_model(layer, self._unique(scope, layer.name))
            return None
        return self._add(layer, scope, ())

    def _add(
        self, operation: Any, scope: str, outputs: Sequence[Any], arguments: Any = None, name: str = ""
    ) -> str:
        node = self._unique(scope, name or operation.name)
        parameters, shares = self._count(node, operation, arguments)
        self.nodes.append(
            Node(
                id=node,
                name=node.rpartition("/")[2],
                op=type(operation).__name__,
                scope=scope,
                shapes=[list(tensor.shape) for tensor in outputs],
                dtypes=[str(tensor.dtype) for tensor in outputs],
                parameters=parameters,
                attributes=_attributes(operation),
                flops=self._flops.of(operation, *arguments) if arguments and self._flops else None,
                shares=shares,
            )
        )
        return node

    def _connect(self, source: str, target: str, label: str) -> None:
        self.edges.setdefault((source, target, label), Edge(source, target, label))

    def _unique(self, scope: str, name: str) -> str:
        path = f"{scope}/{name}" if scope else name
        self._names[path] += 1
        return path if self._names[path] == 1 else f"{path}#{self._names[path]}"

    def _count(self, node: str, operation: Any, arguments: Any) -> tuple[int, str | None]:
        """How many parameters, its own or given to it, no node has counted, so that nodes add up.

        And the node that counted the first of the others, None if ``node`` is the first to use them all.
        """
        given = [one for one in keras.tree.flatten(arguments) if isinstance(one, keras.Variable)]
        weights = {id(weight): weight for weight in (*getattr(operation, "weights", ()), *given)}
        counted_by = {key: self._counted.setdefault(key, node) for key in weights}
        fresh = [weight for key, weight in weights.items() if counted_by[key] == node]
        others = [other for other in counted_by.values() if other != node]
        return sum(prod(weight.shape) for weight in fresh), next(iter(others), None)


def _functional(model: Any) -> Any:
    """The Functional model that ``model`` is or, if it is a built Sequential one, runs. Else None."""
    if isinstance(model, keras.Sequential):
        return model._functional
    return model if hasattr(model, "_nodes_by_depth") else None


def _sublayers(layer: Any) -> list[Any]:
    if not isinstance(layer, keras.Layer):
        return []
    return list(layer._flatten_layers(include_self=False, recursive=False))


def is_scope(layer: Any) -> bool:
    """Whether ``layer`` is a model, or made of layers and not one of Keras's own."""
    own = type(layer).__module__.partition(".")[0] == "keras"
    return isinstance(layer, keras.Model) or (not own and bool(_sublayers(layer)))


def _name(operation: Any) -> str:
    """A layer's name; of an operation, whose own name counts on for ever, what it is: ``get_item``."""
    if isinstance(operation, keras.Layer):
        return operation.name
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", type(operation).__name__).lower()


def _tensors(structure: Any) -> list[Any]:
    return [leaf for leaf in keras.tree.flatten(structure) if isinstance(leaf, keras.KerasTensor)]


def _flop_count() -> FlopCount | None:
    if keras.backend.backend() != "tensorflow":
        return None
    from .tensorflow_flops import FlopCount

    return FlopCount()


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
