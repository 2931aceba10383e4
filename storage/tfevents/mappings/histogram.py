"""Histograms: buckets with limits (TensorFlow 1, PyTorch), or rows of left, right and count."""

from __future__ import annotations

from dataclasses import replace

from ...kinds.histogram import Histogram
from ...kinds.histogram_buckets import from_intervals, from_limits
from .value import Read, Value


def read(value: Value) -> Read:
    """A histogram; its moments are exact where the layout has them. Raises ``ValueError``."""
    yield value.tag, replace(_made(value), source=value.source)


def _made(value: Value) -> Histogram:
    if not value.proto.HasField("histo"):
        return from_intervals(*value.tensor.reshape(-1, 3).T)
    kept = value.proto.histo
    return from_limits(kept.bucket_limit, kept.bucket, kept.min, kept.max, kept.sum, kept.sum_squares)
