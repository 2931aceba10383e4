"""The Panes page: the windows of Visdom's environments.

Its data comes from ``dashboard/visdom/api.py``, which has what clients and page share.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..components import PaneBoard

if TYPE_CHECKING:
    from dash import Dash
    from dash.development.base_component import Component
    from starlette.routing import BaseRoute

    from ...storage import Store

PATH = "/panes"
TITLE = "Panes"
KEY = "p"
QUERY: Mapping[str, str] = {"env": "", "pane_filter": "", "pane_view": ""}


def layout(store: Store, query: Mapping[str, str]) -> Component:
    return PaneBoard(id="panes")


def register(app: Dash, store: Store) -> None:
    """Nothing: the board talks to the API."""


def routes(store: Store) -> list[BaseRoute]:
    return []
