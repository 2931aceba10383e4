"""The Projector page: embeddings in two and three dimensions, their points, and who is near whom."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..components import Projector
from ..projector.api import create_routes

if TYPE_CHECKING:
    from dash import Dash
    from dash.development.base_component import Component
    from starlette.routing import BaseRoute

    from ...storage import Store

PATH = "/projector"
TITLE = "Projector"
KEY = "j"
QUERY: Mapping[str, str] = {
    "projector_run": "",
    "projector_tag": "",
    "projector_step": "",
    "projector_basis": "",
    "projector_method": "pca",
    "projector_components": "1,2,3",
    "projector_dimensions": "3",
    "projector_most": "",
    "projector_spherize": "",
    "projector_perplexity": "30",
    "projector_neighbours": "15",
    "projector_distance": "0.1",
    "projector_axes": "",
    "projector_label": "",
    "projector_labels": "",
    "projector_color": "",
    "projector_scale": "auto",
    "projector_metadata": "",
    "projector_pictures": "1",
    "projector_search": "",
    "projector_pattern": "",
    "projector_metric": "cosine",
    "projector_nearest": "10",
    "projector_point": "",
    "projector_only": "",
    "projector_camera": "",
}


def layout(store: Store, query: Mapping[str, str]) -> Component:
    return Projector(id="projector")


def register(app: Dash, store: Store) -> None:
    """Nothing: the page talks to the API."""


def routes(store: Store) -> list[BaseRoute]:
    return create_routes(store)
