"""A slider over logged steps. At its right end it follows the newest step; moved away it stays put.

The server places the slider among the steps there are; which step a person chose, the *pin*, is decided
in the browser at once, so that new data on its way cannot undo it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any, TypedDict

import dash_mantine_components as dmc
from dash import dcc, html

UNFILLED = 0.5
"""The maximum of a slider that does not know its steps yet; of any other it is at least 1."""


class Placed(TypedDict):
    """Where the server put a slider: the sorted steps, and the place among them."""

    steps: list[int]
    value: int


def layout(slider_id: Any, text_id: Any, placed_id: Any, label: str = "Step") -> html.Div:
    """The slider, whose value is the place of a step among the sorted steps, and the step in words."""
    slider = dmc.Slider(
        id=slider_id,
        min=0,
        max=UNFILLED,
        value=UNFILLED,
        step=1,
        label=None,
        size="sm",
        updatemode="drag",
        thumbLabel=label,
        className="step-slider",
    )
    return html.Div(
        [dcc.Store(id=placed_id), html.Span(label), slider, html.Span(id=text_id, className="step-text")],
        className="toolbar-field step-field",
        title="Drag to a step; at the right end the newest one is followed",
    )


def place(steps: Sequence[int], step: int | None) -> tuple[int, int, str]:
    """The slider's maximum, its value and its words when ``step`` is pinned, or None to follow."""
    last = max(len(steps) - 1, 1)
    if not len(steps):
        return 1, 1, "none yet"
    if step is None:
        return last, last, f"{steps[-1]:,} · newest"
    at = max(bisect_right(steps, step) - 1, 0)
    return last, min(at, last - 1), f"{steps[at]:,}"
