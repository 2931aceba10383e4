"""The Mesh page: surfaces and point clouds of the shown runs side by side, turned together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..components import MeshBoard
from ..meshes import create_routes

if TYPE_CHECKING:
    from dash import Dash
    from dash.development.base_component import Component
    from starlette.routing import BaseRoute

    from ...storage import Store

PATH = "/mesh"
TITLE = "Mesh"
KEY = "z"
QUERY: Mapping[str, str] = {
    "mesh_filter": "",
    "mesh_step": "",
    "mesh_view": "share",
    "mesh_look": "",
    "mesh_camera": "",
}


def layout(store: Store, query: Mapping[str, str]) -> Component:
    return MeshBoard(id="meshes")


def register(app: Dash, store: Store) -> None:
    """Nothing: the page talks to the API."""


def routes(store: Store) -> list[BaseRoute]:
    return create_routes(store)
