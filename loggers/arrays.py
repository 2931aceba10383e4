"""Tensors of any framework as numpy arrays, without importing the framework."""

from __future__ import annotations

from typing import Any, NamedTuple

from ..storage.frames import MAX_PAYLOAD

MAX_ARRAY = 4 * MAX_PAYLOAD
"""Bytes of an array that is encoded: what it becomes is smaller, but not by much more."""


class TooLarge(NamedTuple):
    """Stands for a record of so many bytes that it was not made; ``log()`` refuses it, saying how many."""

    size: int
    what: str = "an array"
    most: int = MAX_ARRAY


def to_array_within_limit(values: Any) -> Any:
    """The numpy array behind a tensor, or ``TooLarge``; of one on a device this is told without a copy."""
    size = getattr(values, "nbytes", 0)
    return TooLarge(size) if size > MAX_ARRAY else to_array(values)


def to_array(values: Any) -> Any:
    """The numpy array behind a tensor; anything else as it is."""
    if str(getattr(values, "dtype", "")) == "torch.bfloat16":  # which numpy does not know
        values = values.float()
    for method in ("detach", "cpu", "numpy"):
        if callable(getattr(values, method, None)):
            values = getattr(values, method)()
    return values
