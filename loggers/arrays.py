"""Tensors of any framework as numpy arrays, without importing the framework."""

from __future__ import annotations

from typing import Any


def to_array(values: Any) -> Any:
    """The numpy array behind a tensor; anything else as it is."""
    if str(getattr(values, "dtype", "")) == "torch.bfloat16":  # which numpy does not know
        values = values.float()
    for method in ("detach", "cpu", "numpy"):
        if callable(getattr(values, method, None)):
            values = getattr(values, method)()
    return values
