"""The Charts page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from dash import Dash, html

if TYPE_CHECKING:
    from starlette.routing import BaseRoute

    from ...storage import Store

PATH = "/"
TITLE = "Charts"
QUERY: Mapping[str, str] = {}


def layout(store: Store, query: Mapping[str, str]) -> html.Div:
    return html.Div("Charts")


def register(app: Dash, store: Store) -> None:
    pass


def routes(store: Store) -> list[BaseRoute]:
    return []
