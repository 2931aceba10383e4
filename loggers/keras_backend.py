"""What Keras's backends do differently: traces, gradients, and numpy arrays of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import keras
import numpy as np

if keras.backend.backend() == "tensorflow":
    from .tensorflow_tracing import (
        as_written,
        current_trace,
        is_reachable,
        is_replicated,
        is_tracing,
        may_be_trained,
        norms_of,
        outside_traces,
        relu_of,
        values_of,
        with_gradient_told,
    )
else:

    def is_tracing() -> bool:
        """Whether the calling code runs once to be recorded, not to compute."""
        return False

    def as_written(function: Callable[..., Any]) -> Callable[..., Any]:
        """``function`` as it is."""
        return function

    def outside_traces() -> AbstractContextManager[Any]:
        """Where variables may be made."""
        return nullcontext()

    def may_be_trained() -> bool:
        """Whether a gradient may be asked of what is computed now."""
        return True

    def current_trace() -> Any:
        """What the calling code is traced into: nothing."""
        return None

    def is_replicated() -> bool:
        """Whether a distribution strategy runs the calling code."""
        return False

    def is_reachable(tensor: Any) -> bool:
        """Whether ``tensor`` holds anything: not where Keras only asks for the shape of what comes out."""
        return not getattr(tensor, "is_meta", False)

    def relu_of(tensor: Any) -> Any:
        """What ReLU made of ``tensor`` in this trace: there is none."""
        return tensor

    def values_of(gradient: Any) -> Any:
        """The values that a gradient stores."""
        return gradient

    def norms_of(tensors: Sequence[Any]) -> Any:
        """Euclidean norms, float32."""
        flat = [keras.ops.reshape(keras.ops.cast(values, "float32"), (-1,)) for values in tensors]
        return keras.ops.stack([keras.ops.norm(values) for values in flat])

    def with_gradient_told(tensor: Any, listener: Callable[[Any], None]) -> Any:
        """``tensor``, whose gradient is told to ``listener`` when it is computed."""
        if tensor.requires_grad:
            tensor.register_hook(listener)
        return tensor


if keras.backend.backend() == "torch":
    from .torch_compiling import is_compiled, never_compiled
else:

    def is_compiled() -> bool:
        """Whether the calling code is compiled by a framework that cannot take ours."""
        return False

    def never_compiled(function: Callable[..., Any]) -> Callable[..., Any]:
        """``function`` as it is."""
        return function


__all__ = [
    "as_written",
    "current_trace",
    "is_compiled",
    "is_reachable",
    "is_replicated",
    "is_tracing",
    "may_be_trained",
    "never_compiled",
    "norms_of",
    "outside_traces",
    "relu_of",
    "to_numpy",
    "values_of",
    "with_gradient_told",
]


def to_numpy(tensor: Any) -> np.ndarray:
    """What a tensor or variable of any Keras backend holds."""
    values: Any = keras.ops.convert_to_numpy(tensor)
    return values
