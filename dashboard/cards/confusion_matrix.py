"""Confusion matrices as heat maps: coloured by the share of each true class, labelled with the counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from dash import html

from .figure import INK, escaped, figure, mix, plot
from .record import Shown, frame, nothing

if TYPE_CHECKING:
    from ...storage.kinds.confusion_matrix import ConfusionMatrix

MAX_CLASSES = 200
MAX_LABELLED = 20
_HOVER = "true %{y}<br>predicted %{x}<br>%{customdata:,} (%{z:.1%} of the class)<extra></extra>"


def draw(shown: Shown | None, name: str = "", color: str = "", theme: str = "light") -> html.Figure:
    """A matrix and the accuracy it tells; words, if nothing was counted or it is too large."""
    return frame(shown, name, color, _body(shown.record.value, color, theme) if shown else [], "matrix")


def _body(value: ConfusionMatrix, color: str, theme: str) -> list[Any]:
    matrix = value.matrix
    if len(matrix) > MAX_CLASSES:
        return [
            nothing(f"This matrix of {len(matrix):,} classes is too large to show; {MAX_CLASSES} are not.")
        ]
    if not np.isfinite(matrix).all() or not matrix.sum():
        return [nothing("This matrix holds no counts, or some that are not finite.")]
    names = {"tickvals": list(range(len(matrix))), "ticktext": [escaped(name) for name in value.classes]}
    if len(matrix) > MAX_LABELLED:
        names = {}
    across = {"title": {"text": "predicted"}, "constrain": "domain", **names}
    down = {"title": {"text": "true"}, "autorange": "reversed", "scaleanchor": "x", **names}
    trace = _trace(matrix, color or "#226dc9", theme)
    words = f"accuracy {np.trace(matrix) / matrix.sum():.2%} of {matrix.sum():,.6g}"
    return [
        plot(figure([trace], theme, across, down, "matrix")),
        html.Div(words, className="media-facts"),
    ]


def _trace(matrix: np.ndarray, color: str, theme: str) -> dict[str, Any]:
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1e-12)
    trace = {
        "type": "heatmap",
        "z": shares.tolist(),
        "customdata": matrix.tolist(),
        "colorscale": [[0, mix(color, INK[theme]["paper"], 0.04)], [1, color]],
        "zmin": 0,
        "zmax": 1,
        "showscale": False,
        "xgap": 1,
        "ygap": 1,
        "hovertemplate": _HOVER,
    }
    if len(matrix) <= MAX_LABELLED:
        trace["text"] = [[f"{count:,.4g}" for count in row] for row in matrix.tolist()]
        trace["texttemplate"] = "%{text}"
    return trace
