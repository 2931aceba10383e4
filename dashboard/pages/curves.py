"""The Curves page: PR and ROC curves, calibration and confusion matrices, compared over runs and steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from .. import curve_routes
from ..components import CurvePage

if TYPE_CHECKING:
    from dash import Dash
    from dash.development.base_component import Component
    from starlette.routing import BaseRoute

    from ...storage import Store

PATH = "/curves"
TITLE = "Curves"
KEY = "u"
QUERY: Mapping[str, str] = {
    "curve_filter": "",
    "curve_by": "run",
    "curve_label": "step",
    "curve_step": "",
    "threshold": "",
    "matrix_norm": "row",
    "matrix_sort": "logged",
    "matrix_run": "",
    "matrix_other": "",
    "matrix_other_step": "",
    "matrix_search": "",
}


def layout(store: Store, query: Mapping[str, str]) -> Component:
    return CurvePage(id="curves")


def register(app: Dash, store: Store) -> None:
    """Nothing: the page talks to the API."""


def routes(store: Store) -> list[BaseRoute]:
    return curve_routes.create_routes(store)
