"""What TensorFlow does to Python that it traces into a graph, and to gradients."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import tensorflow as tf

# Nothing public tells whether a tape is on, or leaves a trace for good.
from tensorflow.python.eager import context, record


def is_tracing() -> bool:
    """Whether the calling code runs once to be recorded, not to compute."""
    return not tf.executing_eagerly()


def as_written(function: Callable[..., Any]) -> Callable[..., Any]:
    """``function`` as it is, even in a ``tf.function`` that rewrites the Python that it calls."""
    return tf.autograph.experimental.do_not_convert(function)


@contextmanager
def outside_traces() -> Iterator[None]:
    """Where variables may be made while a function is traced.

    ``tf.init_scope`` alone does for a function's first trace: in later ones the graph that is being traced
    forbids variables, and is still the default graph there.
    """
    with tf.init_scope(), tf.Graph().as_default(), context.eager_mode():
        yield


def may_be_trained() -> bool:
    """Whether a gradient may be asked of what is computed now."""
    return record.could_possibly_record()


def current_trace() -> Any:
    """The graph that the calling code is traced into, an inner one in a loop or a branch; None if none is."""
    return tf.compat.v1.get_default_graph() if is_tracing() else None


def is_replicated() -> bool:
    """Whether a distribution strategy runs the calling code."""
    return tf.distribute.has_strategy()


def is_reachable(tensor: Any) -> bool:
    """Whether the code that runs now may use ``tensor``: not if it was made in a loop, or another trace."""
    made_in = getattr(tensor, "graph", None)
    if tf.executing_eagerly():
        return made_in is None
    graph: Any = tf.compat.v1.get_default_graph()
    while graph is not None and graph is not made_in:
        graph = getattr(graph, "outer_graph", None)
    return graph is not None


def relu_of(tensor: Any) -> Any:
    """What ReLU made of ``tensor`` in this trace; ``tensor`` itself if nothing of the kind did."""
    if is_tracing():
        for operation in tensor.consumers():
            if operation.type == "Relu":
                return operation.outputs[0]
    return tensor


def values_of(gradient: Any) -> Any:
    """The values that a gradient stores: all of them, or those of the rows that were used."""
    return gradient.values if isinstance(gradient, tf.IndexedSlices) else gradient


def norms_of(tensors: Sequence[Any]) -> Any:
    """Euclidean norms, float32: of each tensor one operation, which reads it once."""
    return tf.sqrt(2.0 * tf.stack([tf.nn.l2_loss(tf.cast(values, tf.float32)) for values in tensors]))


def with_gradient_told(tensor: Any, listener: Callable[[Any], None]) -> Any:
    """A tensor like ``tensor``, whose gradient is told to ``listener`` when it is computed."""

    @tf.custom_gradient
    def identity(x: Any) -> Any:
        def gradient(upstream: Any) -> Any:
            listener(upstream)
            return upstream

        return tf.identity(x), gradient

    return identity(tensor)
