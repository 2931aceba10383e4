"""Maps of vectors that keep neighbours together, t-SNE and UMAP, and how far their making is."""

from __future__ import annotations

import contextlib
import re
import sys
import warnings
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .linear import principal, scale_of

EXTRA = "pip install 'trainboard[projector]'"
FEWEST = 5
T_SNE_ITERATIONS = 1_000
_START = 1e-4
_SPREAD = 10.0
_GOING_ON = 0.1
"""How much faster or slower points move in a map that goes on from another: they have not far to go."""

Tell = Callable[[float], None]


class CannotMap(ValueError):
    """Why there is no map of these vectors, in words for a person."""


def missing(method: str) -> str:
    """What is to be installed before a method works here; empty where nothing is."""
    package, name = {"tsne": ("sklearn", "scikit-learn"), "umap": ("umap", "umap-learn")}.get(
        method, ("", "")
    )
    if not package or find_spec(package):
        return ""
    return f"This needs the package {name} where the dashboard runs: {EXTRA}"


def make(
    method: str,
    vectors: NDArray[np.float32],
    start: NDArray[np.float32] | None,
    settings: dict[str, Any],
    tell: Tell,
) -> NDArray[np.float32]:
    """N x 3 positions in [-1, 1] of N x D vectors; of a flat map the third is zero.

    ``start`` (N x 3) is the map of another step. This one begins there and is turned, not stretched,
    to lie upon it, so that points that have not changed stay where they were.
    """
    if words := missing(method):
        raise CannotMap(words)
    if len(vectors) < FEWEST:
        raise CannotMap(f"A map of neighbours needs at least {FEWEST} points; this has {len(vectors)}.")
    if not np.ptp(vectors, axis=0).any():
        raise CannotMap("All points are the same, so no map can tell them apart.")
    dimensions = int(settings["dimensions"])
    begin = _start(vectors, start, dimensions)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        places = _METHODS[method](vectors, begin, {**settings, "goes_on": start is not None}, tell)
    places = places - places.mean(axis=0)
    if start is not None:
        places = turned(places, start[:, :dimensions].astype(np.float64))
    found = np.zeros((len(vectors), 3), np.float32)
    found[:, :dimensions] = places / scale_of(places)
    return found


def _start(vectors: NDArray[np.float32], start: NDArray[np.float32] | None, dimensions: int) -> Any:
    """The map begun with: another step's, or the principal components."""
    places = principal(vectors).see(vectors, [0, 1, 2]) if start is None else start
    places = places[:, :dimensions].astype(np.float32)
    if dimensions > vectors.shape[1]:
        # An axis on which all are at one place would stay so.
        places += np.random.default_rng(0).normal(0, 1e-3, places.shape).astype(np.float32)
    return places


def turned(places: NDArray[np.float64], onto: NDArray[np.float64]) -> NDArray[np.float64]:
    """Places turned and mirrored to be nearest to others (orthogonal Procrustes, Schönemann, 1966)."""
    left, _, right = np.linalg.svd(places.T @ (onto - onto.mean(axis=0)))
    return places @ (left @ right)


def _t_sne(
    vectors: NDArray[np.float32], begin: NDArray[np.float32], settings: dict[str, Any], tell: Tell
) -> Any:
    from sklearn.manifold import TSNE

    perplexity = min(float(settings["perplexity"]), (len(vectors) - 1) / 3)
    method = TSNE(
        begin.shape[1],
        perplexity=perplexity,
        init=begin / (begin[:, 0].std() or 1.0) * _START,
        max_iter=T_SNE_ITERATIONS,
        random_state=0,
        verbose=2,
    )
    with contextlib.redirect_stdout(_Heard(r"Iteration (\d+)", T_SNE_ITERATIONS, tell)):
        return method.fit_transform(vectors)


def _umap(
    vectors: NDArray[np.float32], begin: NDArray[np.float32], settings: dict[str, Any], tell: Tell
) -> Any:
    # UMAP would load TensorFlow, 17 seconds, for a variant of it that is not used here.
    sys.modules.setdefault("tensorflow", None)  # pyright: ignore[reportArgumentType]
    import umap

    epochs = 500 if len(vectors) <= 10_000 else 200
    heard = _Heard(r"(\d+)/\d+ \[", epochs, tell)
    method = umap.UMAP(
        min(int(settings["neighbours"]), len(vectors) - 1),
        begin.shape[1],
        n_epochs=epochs,
        metric=str(settings["metric"]),
        min_dist=float(settings["distance"]),
        init=begin * _SPREAD,
        learning_rate=_GOING_ON if settings["goes_on"] else 1.0,
        random_state=0,
        verbose=True,
        tqdm_kwds={"file": heard, "disable": False, "mininterval": 0.2},
    )
    with contextlib.redirect_stdout(heard):
        return method.fit_transform(vectors)


_METHODS = {"tsne": _t_sne, "umap": _umap}


class _Heard:
    """A file that a library writes its progress to: the number that ``pattern`` finds, of ``total``."""

    def __init__(self, pattern: str, total: int, tell: Tell) -> None:
        self._pattern = re.compile(pattern)
        self._total = total
        self._tell = tell

    def write(self, text: str) -> int:
        if found := self._pattern.findall(text):
            self._tell(min(int(found[-1]) / self._total, 1.0))
        return len(text)

    def flush(self) -> None:
        """Nothing is kept back."""
