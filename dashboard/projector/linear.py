"""Linear views of vectors: their principal components, or axes between points that a person names."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

COMPONENTS = 10
_EXACT = 1_024
_OVERSAMPLING = 10
_ITERATIONS = 6


@dataclass(frozen=True)
class Basis:
    """Where D-dimensional vectors are seen from: ``(vectors - centre) @ axes / scale``.

    ``centre`` has D numbers, ``axes`` are D x K, float64. ``scale`` brings the fitted vectors into
    [-1, 1]. ``shares`` are the parts of the variance that the axes show, if they are principal ones.
    """

    centre: NDArray[np.float64]
    axes: NDArray[np.float64]
    scale: float
    shares: tuple[float, ...] = ()

    def see(self, vectors: NDArray[np.float32], axes: list[int]) -> NDArray[np.float32]:
        """N x 3 positions on some of the axes; an axis that there is not is zero."""
        places = np.zeros((len(vectors), 3), np.float32)
        for to, axis in enumerate(axes[:3]):
            if axis < self.axes.shape[1]:
                seen = vectors @ self.axes[:, axis] - self.centre @ self.axes[:, axis]
                places[:, to] = np.clip(seen / self.scale, -1e6, 1e6)
        return places


def spherized(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Vectors seen from their centroid, each of length one; one at the centroid stays there."""
    moved = vectors - vectors.mean(axis=0, dtype=np.float64)
    lengths = np.linalg.norm(moved, axis=1, keepdims=True)
    return np.divide(moved, lengths, out=np.zeros_like(moved), where=lengths > 0).astype(np.float32)


def principal(vectors: NDArray[np.float32]) -> Basis:
    """The first ten principal components of N x D vectors.

    They are exact up to 1,024 dimensions, by the covariance; beyond, by subspace iteration from a random
    start (Halko, Martinsson and Tropp, 2011, algorithm 4.4). The sign of an axis is such that its
    greatest weight is positive.
    """
    centre = vectors.mean(axis=0, dtype=np.float64)
    moved = vectors - centre
    count, dimensions = moved.shape
    if dimensions <= _EXACT:
        variances, axes = np.linalg.eigh(moved.T @ moved)
        axes, variances = axes[:, ::-1][:, :COMPONENTS], variances[::-1][:COMPONENTS]
    else:
        axes, variances = _subspace(moved, min(COMPONENTS + _OVERSAMPLING, count))
    axes = axes * np.where(axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])] < 0, -1, 1)
    total = float((moved**2).sum()) or 1.0
    shares = tuple((np.clip(variances, 0, None) / total).tolist())
    return Basis(centre, axes, scale_of(moved @ axes[:, :3]), shares)


def _subspace(moved: NDArray[np.float64], size: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    start = np.random.default_rng(0).normal(size=(moved.shape[1], size))
    for _ in range(_ITERATIONS):
        start = np.linalg.qr(moved.T @ (moved @ start))[0]
    _, lengths, right = np.linalg.svd(moved @ start, full_matrices=False)
    return (start @ right.T)[:, :COMPONENTS], lengths[:COMPONENTS] ** 2


def between(vectors: NDArray[np.float32], ends: list[tuple[NDArray[np.intp], NDArray[np.intp]]]) -> Basis:
    """Axes from the centroid of some rows to that of others, each of length one."""
    axes = [
        vectors[there].mean(axis=0, dtype=np.float64) - vectors[here].mean(axis=0, dtype=np.float64)
        for here, there in ends
    ]
    lengths = [float(np.linalg.norm(axis)) or 1.0 for axis in axes]
    units = np.stack([axis / length for axis, length in zip(axes, lengths, strict=True)], axis=1)
    centre = vectors.mean(axis=0, dtype=np.float64)
    return Basis(centre, units, scale_of((vectors - centre) @ units))


def scale_of(places: NDArray[np.float64]) -> float:
    """What to divide positions by to have them in [-1, 1]."""
    return float(np.abs(places).max(initial=0.0)) or 1.0
