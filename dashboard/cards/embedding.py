"""Embeddings: their two directions of greatest variance, coloured by the first column of metadata."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import numpy as np
from dash import html

from ...storage.records import spread
from ..colors import run_color
from .figure import INK, escaped, figure, plot
from .record import Shown, frame, nothing

if TYPE_CHECKING:
    from ...storage.kinds.embedding import Embedding

MAX_POINTS = 1_000
MAX_DIMENSIONS = 4_096
MAX_COLORS = 20
MAX_LABEL = 80


def draw(shown: Shown | None, name: str = "", color: str = "", theme: str = "light") -> html.Figure:
    """Points in a plane; words, if there are no two different points to draw."""
    body = [*_body(shown.record.value, color, theme), _link(shown)] if shown else []
    return frame(shown, name, color, body, "embedding")


def _link(shown: Shown) -> html.A:
    step = {"projector_step": shown.record.step}
    where = urlencode({"projector_run": shown.run_id, "projector_tag": shown.tag, **step})
    return html.A("Open in the projector", href=f"/projector?{where}", className="media-facts")


def _body(embedding: Embedding, color: str, theme: str) -> list[Any]:
    vectors = embedding.vectors[:, :MAX_DIMENSIONS]
    finite = np.flatnonzero(np.isfinite(vectors).all(axis=1))
    chosen = finite[spread(len(finite), MAX_POINTS)]
    if len(chosen) < 2 or not np.ptp(vectors[chosen], axis=0).any():
        return [nothing(_why_not(len(embedding.vectors), len(finite)))]
    plane, shares = project(vectors[chosen])
    traces = _traces(embedding, chosen, plane, color or INK[theme]["text"])
    axes = [{"title": {"text": f"{share:.0%} of the variance"}} for share in shares]
    drawn = figure(traces, theme, *axes, revision="embedding")
    return [
        plot(drawn),
        html.Div(_facts(embedding, len(finite), len(chosen)), className="media-facts"),
    ]


def project(vectors: np.ndarray) -> tuple[np.ndarray, list[float]]:
    """Principal components: N x 2 coordinates of N x D vectors, and each one's share of the variance.

    The sign of an axis is such that its greatest coordinate is positive.
    """
    centred = (vectors - vectors.mean(axis=0, dtype=np.float64)).astype(np.float64)
    left, lengths, _ = np.linalg.svd(centred, full_matrices=False)
    plane = np.zeros((len(vectors), 2))
    plane[:, : min(2, len(lengths))] = left[:, :2] * lengths[:2]
    greatest = plane[np.abs(plane).argmax(axis=0), [0, 1]]
    variances = np.append(lengths**2, 0.0)
    return plane * np.where(greatest < 0, -1, 1), (variances[:2] / variances.sum()).tolist()


def _why_not(count: int, finite: int) -> str:
    if finite < count:
        return f"Nothing to draw: {count - finite:,} of {count:,} points hold NaN or infinities."
    return "Nothing to draw: this embedding has no two different points."


def _traces(embedding: Embedding, chosen: np.ndarray, plane: np.ndarray, color: str) -> list[dict[str, Any]]:
    rows = [embedding.metadata[at] for at in chosen] if embedding.metadata and embedding.columns else []
    texts = [" · ".join(escaped(str(cell)[:MAX_LABEL]) for cell in row[:4]) for row in rows]
    groups = [str(row[0]) for row in rows]
    names = sorted(set(groups), key=lambda name: (len(name), name))
    if not 2 <= len(names) <= MAX_COLORS:
        groups, names = [""] * len(chosen), [""]
    shades = [run_color(number) for number in range(len(names))] if len(names) > 1 else [color]
    return [
        _trace([at for at, group in enumerate(groups) if group == name], plane, texts, shade)
        for name, shade in zip(names, shades, strict=True)
    ]


def _trace(members: list[int], plane: np.ndarray, texts: list[str], color: str) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers",
        "x": plane[members, 0].tolist(),
        "y": plane[members, 1].tolist(),
        "text": [texts[at] for at in members] if texts else None,
        "hoverinfo": "text" if texts else "x+y",
        "marker": {"size": 5, "color": color, "opacity": 0.8},
    }


def _facts(embedding: Embedding, finite: int, drawn: int) -> str:
    count, dimensions = embedding.vectors.shape
    words = f"{count:,} points in {dimensions:,} dimensions"
    if finite < count:
        words += f", {count - finite:,} of them not finite"
    return words if drawn == finite else f"{words}, {drawn:,} shown"
