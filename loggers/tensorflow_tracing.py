"""What TensorFlow does to Python that it traces into a graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf


def is_tracing() -> bool:
    """Whether the calling code runs once to be recorded, not to compute."""
    return not tf.executing_eagerly()


def as_written(function: Callable[..., Any]) -> Callable[..., Any]:
    """``function`` as it is, even in a ``tf.function`` that rewrites the Python that it calls."""
    return tf.autograph.experimental.do_not_convert(function)
