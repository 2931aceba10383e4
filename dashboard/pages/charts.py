"""The Charts page: every scalar of the shown runs, compared live.

Python says which controls there are and what they mean; ``ChartGrid`` draws, and asks the API for points.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import dash_mantine_components as dmc
from dash import ClientsideFunction, Dash, Input, Output, html

from ..components import ChartGrid, aria

if TYPE_CHECKING:
    from dash.development.base_component import Component
    from starlette.routing import BaseRoute

    from ...storage import Store

PATH = "/"
TITLE = "Charts"
QUERY: Mapping[str, str] = {
    "filter": "",
    "smoothing": "0",
    "axis": "step",
    "log": "0",
    "outliers": "0",
    "ranks": "mean",
    "sections": "",
    "wide": "",
}
MAX_SMOOTHING = 0.99


def layout(store: Store, query: Mapping[str, str]) -> Component:
    return html.Div([html.Div(_controls(query), className="toolbar", role="toolbar"), ChartGrid(id="charts")])


def _controls(query: Mapping[str, str]) -> list[Component]:
    return [
        dmc.TextInput(
            id={"query": "filter"},
            value=query["filter"],
            placeholder="Filter charts: text or regular expression",
            size="xs",
            debounce=150,
            className="filter",
            **aria(label="Filter charts"),
        ),
        html.Div(
            ["Smoothing", _smoothing(query["smoothing"]), html.Output(id="smoothing-value")],
            className="toolbar-field",
        ),
        html.Div(["X axis", _axis(query["axis"])], className="toolbar-field"),
        html.Div(["Ranks", _ranks(query["ranks"])], className="toolbar-field ranks-field"),
        _switch("log", "Log y", "A logarithmic y axis; values of 0 and below lie on its lower edge", query),
        _switch("outliers", "Ignore outliers", "Fit y to the 5th to 95th percentile of the values", query),
    ]


def _smoothing(chosen: str) -> Component:
    try:
        value = min(max(float(chosen), 0.0), MAX_SMOOTHING)
    except ValueError:
        value = 0.0
    return dmc.Slider(
        id={"query": "smoothing"},
        value=value,
        min=0,
        max=MAX_SMOOTHING,
        step=0.01,
        size="sm",
        w=110,
        updatemode="drag",
        persistence=False,
        thumbSize=14,
        label=None,
        thumbLabel="Smoothing",
    )


def _axis(chosen: str) -> Component:
    axes = [("step", "Step"), ("relative", "Relative"), ("wall", "Time")]
    return dmc.SegmentedControl(
        id={"query": "axis"},
        value=chosen if chosen in dict(axes) else "step",
        data=[{"value": value, "label": label} for value, label in axes],
        size="xs",
        transitionDuration=0,
        **aria(label="X axis"),
    )


def _ranks(chosen: str) -> Component:
    """Seen only where a shown run has several ranks."""
    views = {"mean": "Mean", "min": "Min", "max": "Max", "sum": "Sum", "each": "Each"}
    return dmc.SegmentedControl(
        id={"query": "ranks"},
        value=chosen if chosen in views else "mean",
        data=[{"value": value, "label": label} for value, label in views.items()],
        size="xs",
        transitionDuration=0,
        **aria(label="What to show of several ranks: the mean between the extremes, or another view"),
    )


def _switch(key: str, label: str, description: str, query: Mapping[str, str]) -> Component:
    box = dmc.Checkbox(id={"query": key}, checked=query[key] == "1", label=label, size="xs")
    return html.Div(box, title=description)


def register(app: Dash, store: Store) -> None:
    """Say the smoothing beside its slider; all else people do here changes the address, and it the charts."""
    app.clientside_callback(
        ClientsideFunction("trainboard_shell", "say_number"),
        Output("smoothing-value", "children"),
        Input({"query": "smoothing"}, "value"),
    )


def routes(store: Store) -> list[BaseRoute]:
    return []
