"""The Graph page: models folded by module scope, files that people open, and two models beside each other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from .. import graph_file, graph_routes
from ..components import GraphBoard
from ..graphs import Graphs

if TYPE_CHECKING:
    from dash import Dash
    from dash.development.base_component import Component
    from starlette.routing import BaseRoute

    from ...storage import Store

PATH = "/graph"
TITLE = "Graph"
KEY = "g"
QUERY: Mapping[str, str] = {
    "graph_run": "",
    "graph_twin": "",
    "graph_color": "op",
    "graph_find": "",
    "graph_regex": "0",
    "graph_open": "",
    "graph_box": "",
    "graph_twin_open": "",
    "graph_twin_box": "",
    "graph_trace": "0",
    "graph_version": "",
    "graph_changes": "0",
    "graph_view": "graphs",
    "graph_tolerance": "0.001",
}


def layout(store: Store, query: Mapping[str, str]) -> Component:
    return GraphBoard(id="graphs")


def register(app: Dash, store: Store) -> None:
    """Nothing: the board talks to the API."""


def routes(store: Store) -> list[BaseRoute]:
    graphs = Graphs(store)
    return [*graph_routes.create_routes(graphs), *graph_file.create_routes(graphs)]
