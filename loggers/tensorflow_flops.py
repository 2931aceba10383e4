"""Floating-point operations of TensorFlow's graphs, by TensorFlow's own profiler."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from contextlib import redirect_stdout
from typing import Any

import tensorflow as tf


def flops_of(graph: tf.Graph) -> dict[tuple[str, str], int]:
    """For (function, operation) its count; function is "" for operations of ``graph`` itself.

    Those of unknown shape, and those that TensorFlow has no formula for, are left out. A
    multiplication and an addition are two operations.
    """
    graphs = {"": graph, **dict(_called(graph))}
    return {
        (function, operation): count
        for function, inner in graphs.items()
        for operation, count in _profile(inner)
    }


class FlopCount:
    """Counts what Keras layers compute, one by one; those of the same settings and inputs only once."""

    MOST_TRACED = 100

    def __init__(self) -> None:
        self._known: dict[str, int | None] = {}

    def of(self, layer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> int | None:
        """Operations of one call on symbolic tensors, with 1 for lengths that are not known.

        None for a layer without parameters, for one that cannot be traced by itself, and for more
        than ``MOST_TRACED`` layers that differ.
        """
        if not getattr(layer, "weights", None):
            return None
        specs = tf.nest.map_structure(_spec, (args, kwargs))
        try:
            settings = {name: value for name, value in layer.get_config().items() if name != "name"}
            key = repr((type(layer), settings, specs))
            if key not in self._known and len(self._known) < self.MOST_TRACED:
                self._known[key] = _flops_of_call(layer, *specs)
            return self._known.get(key)
        except Exception:  # a layer of the user's own need not have settings, nor work by itself
            return None


def _spec(value: Any) -> Any:
    if not hasattr(value, "shape") or not hasattr(value, "dtype"):
        return value
    return tf.TensorSpec([1 if length is None else length for length in value.shape], value.dtype)


def _flops_of_call(layer: Any, args: Any, kwargs: Any) -> int | None:
    call = tf.autograph.experimental.do_not_convert(lambda args, kwargs: layer(*args, **kwargs))
    function = tf.function(call).get_concrete_function(args, kwargs)
    return sum(flops_of(function.graph).values()) or None


def _called(graph: tf.Graph) -> Iterator[tuple[str, tf.Graph]]:
    for name, function in getattr(graph, "_functions", {}).items():
        if getattr(function, "graph", None) is not None:
            yield (name.decode() if isinstance(name, bytes) else name), function.graph


def _profile(graph: tf.Graph) -> Iterator[tuple[str, int]]:
    builder = tf.compat.v1.profiler.ProfileOptionBuilder
    options = builder(builder.float_operation()).with_empty_output().build()
    logger = tf.get_logger()
    level = logger.level
    logger.setLevel(logging.ERROR)  # the profiler calls what TensorFlow calls deprecated
    try:
        with graph.as_default(), redirect_stdout(io.StringIO()):  # it prints, too
            tree = tf.compat.v1.profiler.profile(graph, options=options)
    finally:
        logger.setLevel(level)
    pending: list[Any] = [tree]
    while pending:
        node = pending.pop()
        pending += node.children
        if node.float_ops:
            yield node.name, node.float_ops
