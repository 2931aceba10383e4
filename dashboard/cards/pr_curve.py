"""Precision over recall, with the counts behind each threshold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from dash import html

from .figure import figure, plot
from .record import Shown, frame, nothing

if TYPE_CHECKING:
    from ...storage.kinds.pr_curve import PRCurve

_HOVER = (
    "precision %{y:.4g}<br>recall %{x:.4g}<br>threshold %{customdata[0]:.3g}<br>"
    "TP %{customdata[1]:.4g} · FP %{customdata[2]:.4g}<br>"
    "TN %{customdata[3]:.4g} · FN %{customdata[4]:.4g}<extra></extra>"
)


def draw(shown: Shown | None, name: str = "", color: str = "", theme: str = "light") -> html.Figure:
    """A curve and its average precision; words, if it says nothing."""
    return frame(shown, name, color, _body(shown.record.value, color, theme) if shown else [], "pr-curve")


def _body(curve: PRCurve, color: str, theme: str) -> list[Any]:
    # Where nothing counts as positive, precision is 0 by convention and says nothing.
    told = np.isfinite(curve.precision) & np.isfinite(curve.recall)
    told &= curve.true_positives + curve.false_positives > 0
    if not told.any():
        return [nothing("This curve is empty: nothing was predicted at any threshold.")]
    drawn = figure([_trace(curve, told, color)], theme, _axis("recall"), _axis("precision"), "pr")
    words = f"average precision {curve.average_precision:.4f}"
    return [
        plot(drawn),
        html.Div(words, className="media-facts"),
    ]


def _trace(curve: PRCurve, told: Any, color: str) -> dict[str, Any]:
    counts = np.stack([curve.thresholds, *curve.rows[:4]], axis=1)[told]
    return {
        "type": "scatter",
        "mode": "lines",
        "x": curve.recall[told].tolist(),
        "y": curve.precision[told].tolist(),
        "customdata": counts.tolist(),
        "line": {"color": color or None, "width": 1.5},
        "hovertemplate": _HOVER,
    }


def _axis(name: str) -> dict[str, Any]:
    return {"title": {"text": name}, "range": [-0.02, 1.02]}
