"""Moments and histogram counts of tensors inside a training step that TensorFlow traced."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from ..storage.kinds.moments import Moments
from ..storage.kinds.tally import PATTERNS, SHIFT
from .layers import Measure
from .tensorflow_tracing import outside_traces


class TracedMeasures:
    """Variables into which a traced step puts what it measured, in steps for which that is wanted."""

    def __init__(self, wanted: bool) -> None:
        with outside_traces():
            self._wanted = tf.Variable(tf.constant(wanted), trainable=False, name="trainboard_wanted")
        self._moments: dict[str, tf.Variable] = {}
        self._counts: dict[str, tf.Variable] = {}

    def trace(self, tensors: Mapping[str, Any], histograms: bool) -> None:
        """Add measuring to the graph that is being traced."""
        with outside_traces():
            for name in tensors:
                if name in self._moments:
                    continue
                self._moments[name] = tf.Variable(tf.zeros(9, tf.float64), trainable=False)
                self._counts[name] = tf.Variable(tf.zeros(PATTERNS, tf.int32), trainable=False)

        def measure() -> tf.Tensor:
            for name, tensor in tensors.items():
                values = tf.reshape(tensor, [-1])
                self._moments[name].assign(_moments(values))
                if histograms:
                    self._counts[name].assign(_counts(tf.cast(values, tf.float32)))
            return tf.constant(True)

        tf.cond(self._wanted, measure, lambda: tf.constant(False))

    def want(self, wanted: bool) -> None:
        """Whether the steps from here on measure. What was measured before is forgotten."""
        self._wanted.assign(wanted)
        if wanted:
            for moments in self._moments.values():
                moments.assign(tf.zeros(9, tf.float64))

    def read(self) -> dict[str, Measure]:
        """What the last steps measured, by name."""
        found = {}
        for name, variable in self._moments.items():
            moments = variable.numpy()
            if moments[0]:
                counts = self._counts[name].numpy().astype(np.int64)
                found[name] = Measure(Moments(*map(int, moments[:5]), *map(float, moments[5:])), counts)
        return found


def _moments(values: tf.Tensor) -> tf.Tensor:
    """The fields of ``Moments``, in their order; a closer look is taken only where not all is finite."""
    is_finite = tf.math.is_finite(tf.reduce_sum(values))
    return tf.cond(is_finite, lambda: _moments_of_finite(values), lambda: _moments_of_any(values))


def _moments_of_finite(values: tf.Tensor) -> tf.Tensor:
    wide = tf.cast(values, tf.float64)
    counts = [tf.size(values), tf.math.count_nonzero(tf.equal(values, 0)), 0, 0, 0]
    bounds = [tf.reduce_min(values), tf.reduce_max(values)]
    sums = [tf.reduce_sum(wide), 2.0 * tf.nn.l2_loss(wide)]
    return tf.stack([tf.cast(number, tf.float64) for number in (*counts, *bounds, *sums)])


def _moments_of_any(values: tf.Tensor) -> tf.Tensor:
    values = tf.cast(values, tf.float64)
    finite = tf.math.is_finite(values)
    held = tf.where(finite, values, tf.zeros_like(values))
    counts = [
        tf.ones_like(values, tf.bool),
        tf.equal(values, 0),
        tf.math.is_nan(values),
        tf.equal(values, np.inf),
        tf.equal(values, -np.inf),
    ]
    seen = tf.reduce_any(finite)
    least = tf.reduce_min(tf.where(finite, values, np.inf * tf.ones_like(values)))
    greatest = tf.reduce_max(tf.where(finite, values, -np.inf * tf.ones_like(values)))
    nan = tf.constant(np.nan, tf.float64)
    numbers = [tf.reduce_sum(tf.cast(count, tf.float64)) for count in counts]
    bounds = [tf.where(seen, least, nan), tf.where(seen, greatest, nan)]
    return tf.stack([*numbers, *bounds, tf.reduce_sum(held), tf.reduce_sum(held * held)])


def _counts(values: tf.Tensor) -> tf.Tensor:
    """``Tally.counts``: of finite values but zeros, by the highest bits of their float32."""
    patterns = tf.cast(tf.bitwise.right_shift(tf.bitcast(values, tf.uint32), np.uint32(SHIFT)), tf.int32)
    counted = tf.cast(tf.math.is_finite(values) & tf.not_equal(values, 0), tf.int32)
    return tf.math.unsorted_segment_sum(counted, patterns, PATTERNS)
