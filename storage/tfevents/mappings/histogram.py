"""Histograms: buckets with limits (TensorFlow 1, PyTorch), or rows of left, right and count."""

from __future__ import annotations

from ...kinds.histogram_buckets import from_intervals, from_limits
from .value import Read, Value


def read(value: Value) -> Read:
    """A histogram; its moments are exact where the layout has them. Raises ``ValueError``."""
    if not value.proto.HasField("histo"):
        yield value.tag, from_intervals(*value.tensor.reshape(-1, 3).T)
        return
    kept = value.proto.histo
    yield (
        value.tag,
        from_limits(kept.bucket_limit, kept.bucket, kept.min, kept.max, kept.sum, kept.sum_squares),
    )
