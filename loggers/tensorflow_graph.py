"""The graph of a ``tf.function``, a ``tf.Graph`` or a ``GraphDef``, read from its definition."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import tensorflow as tf

from ..storage.kinds.graph import Graph
from ..storage.tfevents.mappings.graph_def import draw
from .tensorflow_flops import flops_of


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
        return draw(inner.as_graph_def(add_shapes=True), name, variables, flops_of(inner))
    if isinstance(graph, tf.Graph):
        return draw(graph.as_graph_def(add_shapes=True), name, flops=flops_of(graph))
    return draw(graph, name)


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
