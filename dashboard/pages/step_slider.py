"""A slider over logged steps. At its right end it follows the newest step; moved away it stays put.

The server says where the slider belongs among the steps there are; which step a person chose, the *pin*,
is decided in the browser at once, and an answer to an earlier pin no longer moves the slider.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any, TypedDict

from dash import dcc, html

from .. import mantine as dmc
from ..components import aria

UNFILLED = 0.5
"""The maximum of a slider that does not know its steps yet; of any other it is at least 1."""


MAX_PLACES = 2_000
"""More places than a slider has pixels are of no use, and only slow it down."""


class Placed(TypedDict):
    """Where a slider belongs: the sorted steps, the place among them, and the pin that this is for."""

    steps: list[int]
    value: int
    pin: int | None


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
    play = html.Button("▶", className="step-play", title="Play the steps", **aria(label="Play the steps"))
    text = html.Span(id=text_id, className="step-text")
    return html.Div(
        [dcc.Store(id=placed_id), html.Span(label), play, slider, text],
        className="toolbar-field step-field",
        title="Drag to a step; at the right end the newest one is followed",
    )


def place(steps: Sequence[int], pin: int | None) -> tuple[Placed, str]:
    """Where the slider belongs when a step is pinned, or None to follow; and the step in words."""
    last = max(len(steps) - 1, 1)
    if not len(steps):
        return Placed(steps=[], value=1, pin=pin), "none yet"
    if pin is None:
        words = f"{steps[-1]:,} · newest" if len(steps) > 1 else f"{steps[0]:,}"
        return Placed(steps=list(steps), value=last, pin=None), words
    at = max(bisect_right(steps, pin) - 1, 0)
    return Placed(steps=list(steps), value=min(at, last - 1), pin=pin), f"{steps[at]:,}"


def spread(steps: Sequence[int]) -> list[int]:
    """At most ``MAX_PLACES`` of these steps, evenly spread, the first and the last among them."""
    if len(steps) <= MAX_PLACES:
        return list(steps)
    return [steps[round(at * (len(steps) - 1) / (MAX_PLACES - 1))] for at in range(MAX_PLACES)]
