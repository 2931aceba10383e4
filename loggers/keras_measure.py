"""What is measured of a Keras model's variables and gradients, outside of what is traced."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .guard import Guard
from .keras_backend import to_numpy
from .keras_layers import Layers
from .layers import Measure


def measures_of(values: Mapping[str, Any], histograms: bool, guard: Guard) -> dict[str, Measure]:
    """By name; of what is empty or cannot be read there is none."""
    measures = {}
    for name, value in values.items():
        with guard(f"measuring {name}"):
            array = _as_real(value)
            if array.size:
                measures[name] = Measure.of(array, histograms)
    return measures


def weights_of(layers: Layers) -> dict[str, np.ndarray]:
    """Copies, as a variable may be changed where it is."""
    return {name: np.array(_as_real(variable)) for name, variable in layers.variables()}


def norms_of(arrays: Mapping[str, np.ndarray]) -> dict[str, float]:
    """Euclidean norms."""
    return {name: float(np.linalg.norm(array.astype(np.float64))) for name, array in arrays.items()}


def _as_real(tensor: Any) -> np.ndarray:
    """The values of a tensor as numpy counts them, complex ones as their real and imaginary parts."""
    values: Any = to_numpy(tensor)
    if np.iscomplexobj(values):
        return np.stack([values.real, values.imag])
    return values if values.dtype in (np.float16, np.float32, np.float64) else values.astype(np.float32)
