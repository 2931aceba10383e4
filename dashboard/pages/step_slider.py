"""A slider over logged steps. At its right end it follows the newest step; moved away it stays put."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

import dash_mantine_components as dmc
from dash import html


def layout(slider_id: Any, text_id: Any, label: str = "Step") -> html.Div:
    """The slider, whose value is the place of a step among the sorted steps, and the step in words."""
    slider = dmc.Slider(
        id=slider_id,
        min=0,
        max=1,
        value=1,
        step=1,
        label=None,
        size="sm",
        updatemode="drag",
        thumbLabel=label,
        className="step-slider",
    )
    return html.Div(
        [html.Span(label), slider, html.Span(id=text_id, className="step-text")],
        className="toolbar-field step-field",
        title="Drag to a step; at the right end the newest one is followed",
    )


def pinned(steps: Sequence[int], value: int | None, maximum: int | None) -> int | None:
    """The step a slider at ``value`` of ``maximum`` stands for; None at its end, where it follows."""
    if value is None or maximum is None or value >= maximum or not len(steps):
        return None
    return int(steps[min(value, len(steps) - 1)])


def place(steps: Sequence[int], step: int | None) -> tuple[int, int, str]:
    """The slider's maximum, its value and its words when ``step`` is pinned, or None to follow."""
    last = max(len(steps) - 1, 1)
    if not len(steps):
        return 1, 1, "none yet"
    if step is None:
        return last, last, f"{steps[-1]:,} · newest"
    at = max(bisect_right(steps, step) - 1, 0)
    return last, min(at, last - 1), f"{steps[at]:,}"
