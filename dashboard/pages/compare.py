"""The Compare page: groups of runs by one number, and whether one is better than another yet."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from .. import asked
from ..comparison import compare
from ..components import ComparePage

if TYPE_CHECKING:
    from dash import Dash
    from dash.development.base_component import Component

    from ...storage import Store

PATH = "/compare"
TITLE = "Compare"
KEY = "o"
QUERY: Mapping[str, str] = {
    "compare_by": "but",
    "compare_keys": "seed",
    "compare_metric": "",
    "compare_seed": "seed",
    "compare_larger": "",
    "a": "",
    "b": "",
}


def layout(store: Store, query: Mapping[str, str]) -> Component:
    return ComparePage(id="compare-page")


def register(app: Dash, store: Store) -> None:
    """Nothing: the page talks to the API."""


def routes(store: Store) -> list[BaseRoute]:
    async def comparison(request: Request) -> Response:
        """``comparison.compare`` says what is asked and told."""
        body = await asked.body(request)
        return JSONResponse(await asyncio.to_thread(compare, store, body))

    return [Route("/api/v1/comparison", comparison, methods=["POST"])]
