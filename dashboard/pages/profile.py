"""The Profile page: profilers' traces as a timeline, and what they say of operators, layers and memory."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route

from .. import asked
from ..components import ProfilePage
from ..trace.reading import Summaries, traces

if TYPE_CHECKING:
    from dash import Dash
    from dash.development.base_component import Component

    from ...storage import Store

PATH = "/profile"
TITLE = "Profile"
KEY = "f"
QUERY: Mapping[str, str] = {"trace": "", "profile_view": "summary", "profile_sort": "own"}

T = TypeVar("T")

VIEWER = Path(__file__).parents[1] / "assets" / "vendor" / "speedscope"
VIEWER_POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
"""The viewer may do less than our pages, but for two things: pages of ours may frame it, and it may compile
the WebAssembly that it holds, which makes names of C++ readable."""


def layout(store: Store, query: Mapping[str, str]) -> Component:
    return ProfilePage(id="profile-page")


def register(app: Dash, store: Store) -> None:
    """Nothing: the page talks to the API."""


def routes(store: Store) -> list[BaseRoute]:
    summaries = Summaries(store)

    async def listed(request: Request) -> Response:
        """``?runs=A,B``: their traces, as ``trace.reading.traces``."""
        return JSONResponse(await asyncio.to_thread(traces, store, asked.run_ids(request, "runs")))

    async def about(request: Request, read: Callable[..., T]) -> T:
        """``?run&tag&rank&index`` name the trace that is read."""
        where = asked.text(request, "run"), asked.text(request, "tag")
        place = asked.place(request, "rank", "0"), asked.place(request, "index")
        try:
            return await asyncio.to_thread(read, *where, *place)
        except IndexError as error:
            raise HTTPException(404, "No such trace.") from error

    async def summary(request: Request) -> Response:
        """One trace summed up, as ``trace.reading.Summaries.read``."""
        return JSONResponse(await about(request, summaries.read))

    async def timeline(request: Request) -> Response:
        """One trace as the viewer takes it."""
        return Response(await about(request, summaries.timeline), media_type="application/gzip")

    return [
        Route("/api/v1/traces", listed),
        Route("/api/v1/traces/summary", summary),
        Route("/api/v1/traces/timeline", timeline),
        Route("/api/v1/traces/viewer/{file}", _viewer_file),
    ]


async def _viewer_file(request: Request) -> Response:
    """A file of the bundled speedscope."""
    path = VIEWER / request.path_params["file"]
    if path.parent != VIEWER or not path.is_file():
        raise HTTPException(404, "No such file.")
    headers = {"content-security-policy": VIEWER_POLICY, "cache-control": "private, max-age=3600"}
    return FileResponse(path, headers=headers)
