"""The Charts page: every scalar of the shown runs, compared live, with histograms and images on wish.

Python says which controls there are and what they mean; ``ChartGrid`` draws, and asks the API for points.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from dash import ClientsideFunction, Dash, Input, Output, html

from ..components import ChartGrid
from . import chart_records, chart_routes
from .chart_controls import toolbar

if TYPE_CHECKING:
    from dash.development.base_component import Component
    from starlette.routing import BaseRoute

    from ...storage import Store

PATH = "/"
TITLE = "Charts"
KEY = "c"
QUERY: Mapping[str, str] = {
    "filter": "",
    "kinds": "scalar",
    "smoothing": "0",
    "smoothing_kind": "average",
    "axis": "step",
    "x_tag": "",
    "xscale": "linear",
    "yscale": "linear",
    "outliers": "0",
    "ranks": "mean",
    "groups": "",
    "statistic": "mean",
    "band": "std",
    "baseline": "",
    "best": "",
    "marks": "0",
    "restarts": "",
    "steps": "",
    "table_config": "",
    "tooltip": "nearest",
    "card_width": "264",
    "color": "",
    "sections": "",
    "wide": "",
    "scales": "",
    "pins": "",
    "charts": "",
    "layout": "",
}


def layout(store: Store, query: Mapping[str, str]) -> Component:
    return html.Div([toolbar(query), ChartGrid(id="charts")])


def register(app: Dash, store: Store) -> None:
    """Smoothing has a slider and a number; all else people do here changes the address, and it the charts."""
    app.clientside_callback(
        ClientsideFunction("trainboard_shell", "smooth"),
        Output({"query": "smoothing"}, "value"),
        Output("smoothing-weight", "value"),
        Output("smoothing-reach", "children"),
        Input({"query": "smoothing"}, "value"),
        Input("smoothing-weight", "value"),
        Input({"query": "smoothing_kind"}, "value"),
    )


def routes(store: Store) -> list[BaseRoute]:
    return [*chart_routes.routes(store), *chart_records.routes(store)]
