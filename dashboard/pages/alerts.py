"""The Alerts page: what happened in the shown runs on one time line, the rules, and where alerts go.

Its data comes from ``dashboard/alerts/routes.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..components import EventPage

if TYPE_CHECKING:
    from dash import Dash
    from dash.development.base_component import Component
    from starlette.routing import BaseRoute

    from ...storage import Store

PATH = "/alerts"
TITLE = "Alerts"
KEY = "a"
QUERY: Mapping[str, str] = {"event_what": "", "event_levels": "", "event_search": "", "event_axis": "wall"}


def layout(store: Store, query: Mapping[str, str]) -> Component:
    return EventPage(id="events")


def register(app: Dash, store: Store) -> None:
    """Nothing: the page talks to the API."""


def routes(store: Store) -> list[BaseRoute]:
    return []
