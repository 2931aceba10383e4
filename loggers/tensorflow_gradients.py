"""Gradients brought out of a training step that TensorFlow traced, or XLA compiled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from .tensorflow_tracing import outside_traces


class GradientCopies:
    """Variables into which a traced step copies its gradients, in steps for which they are wanted.

    A compiled step can call no Python, but it may assign variables, and skip that while ``wanted``
    is False. The copies take as much memory as the gradients, which are made dense.
    """

    def __init__(self) -> None:
        self._wanted = tf.Variable(tf.constant(False), trainable=False, name="trainboard_wanted")
        self._copies: dict[int, tf.Variable] = {}

    def trace(self, gradients: Mapping[int, Any]) -> None:
        """Add the copying to the graph that is being traced. Keys are kept for ``read``."""
        with outside_traces():
            for key, gradient in gradients.items():
                if key not in self._copies:
                    zeros = tf.zeros(gradient.shape, gradient.dtype)
                    self._copies[key] = tf.Variable(zeros, trainable=False, name="trainboard_gradient")

        def copy() -> tf.Tensor:
            for key, gradient in gradients.items():
                self._copies[key].assign(tf.convert_to_tensor(gradient))
            return tf.constant(True)

        tf.cond(self._wanted, copy, lambda: tf.constant(False))

    def want(self, wanted: bool) -> None:
        """Whether the steps from here on copy their gradients."""
        self._wanted.assign(wanted)

    def read(self) -> Mapping[int, tf.Variable]:
        """The gradients of the last step that copied them, by key."""
        return self._copies
