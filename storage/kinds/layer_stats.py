"""Statistics of all layers of a model at one step, one row a layer."""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .base import Encoded, Kind
from .moments import Moments

STATISTICS = ("norm", "mean", "std", "min", "max", "zero_fraction", "nans", "infs", "ratio")
"""The columns. All but the last three are over finite values; ``zero_fraction``, from 0 to 1, is of all.
``ratio`` is the norm of what an update changed over that of the weights before it; NaN for the rest."""


@dataclass(frozen=True, eq=False)
class LayerStats:
    """``values`` is float32, ``len(names)`` x ``len(STATISTICS)``: beyond float32's range they are infinite,
    and counts beyond 2**24 are rounded."""

    names: tuple[str, ...]
    values: NDArray[np.float32]

    def __post_init__(self) -> None:
        if self.values.shape != (len(self.names), len(STATISTICS)):
            expected = (len(self.names), len(STATISTICS))
            raise ValueError(f"statistics of layers are {expected} numbers (got {self.values.shape})")

    @classmethod
    def of(cls, layers: Mapping[str, Moments], ratios: Mapping[str, float] | None = None) -> LayerStats:
        """Make one of each layer's moments and, for updates, of its update-to-weight ratio."""
        rows = [_row(moments, (ratios or {}).get(name, math.nan)) for name, moments in layers.items()]
        with np.errstate(over="ignore"):
            values = np.array(rows, np.float64).astype(np.float32)
        return cls(tuple(layers), values.reshape(len(rows), len(STATISTICS)))

    def column(self, statistic: str) -> NDArray[np.float32]:
        """One of ``STATISTICS`` for every layer."""
        return self.values[:, STATISTICS.index(statistic)]


def _row(moments: Moments, ratio: float) -> tuple[float, ...]:
    extremes = (moments.minimum, moments.maximum)
    shares = (moments.zero_fraction, moments.nans, moments.infs, ratio)
    return (moments.norm, moments.mean, moments.std, *extremes, *shares)


def encode(value: LayerStats) -> Encoded:
    names = json.dumps(value.names, separators=(",", ":")).encode()
    body = zlib.compress(names + value.values.astype("<f4").tobytes(), 1)
    return Encoded({"rows": len(value.names), "names": len(names)}, body)


def decode(encoded: Encoded) -> LayerStats:
    rows, size = encoded.header["rows"], encoded.header["names"]
    body = zlib.decompress(encoded.body)
    values = np.frombuffer(body, "<f4", offset=size).astype(np.float32).reshape(rows, len(STATISTICS))
    return LayerStats(tuple(json.loads(body[:size])), values)


KIND = Kind("layer_stats", LayerStats, "records", encode, decode)
