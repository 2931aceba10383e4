"""Precision-recall curves."""

from __future__ import annotations

from ...kinds.pr_curve import PRCurve
from .value import Read, Value


def read(value: Value) -> Read:
    """A curve. Raises ``ValueError`` unless the tensor has six rows."""
    yield value.tag, PRCurve.from_counts(*value.tensor)
