"""The Controls page: turn the knobs and press the buttons that running programs declared."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from ...storage.errors import RunNotFound
from .. import asked
from ..components import ControlBoard

if TYPE_CHECKING:
    from dash import Dash
    from dash.development.base_component import Component

    from ...storage import Store

PATH = "/controls"
TITLE = "Controls"
KEY = "k"
QUERY: Mapping[str, str] = {}
MAX_RUNS = 200
_LISTED_REQUESTS = 20


def layout(store: Store, query: Mapping[str, str]) -> Component:
    return ControlBoard(id="controls")


def register(app: Dash, store: Store) -> None:
    """Nothing: the board talks to the API."""


def routes(store: Store) -> list[BaseRoute]:
    async def read(request: Request) -> Response:
        """``?runs=A,B``: for each run that declared any, its controls and what was asked of it lately."""
        ids = [run for run in request.query_params.get("runs", "").split(",") if run]
        if len(ids) > MAX_RUNS:
            raise HTTPException(413, f"{len(ids)} runs in one request; {MAX_RUNS} are allowed.")
        return JSONResponse({"runs": await asyncio.to_thread(_controls, store, ids)})

    async def ask(request: Request) -> Response:
        """``{"run", "control", "value"}``: a knob's new value; a button is pressed without one."""
        made = await asyncio.to_thread(store.request, *_asked(await asked.body(request)))
        return JSONResponse(made._asdict())

    return [
        Route("/api/v1/controls", read, methods=["GET"]),
        Route("/api/v1/controls", ask, methods=["POST"]),
    ]


def _controls(store: Store, run_ids: list[str]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for run_id in run_ids:
        try:
            run = store.run(run_id)
        except RunNotFound:
            continue
        if run.controls:
            newest = [request._asdict() for request in store.requests(run_id)[-_LISTED_REQUESTS:]]
            found.append(
                {"id": run.id, "status": run.status, "controls": run.controls, "requests": newest[::-1]}
            )
    return found


def _asked(body: Mapping[str, Any]) -> tuple[str, str, float | None]:
    """Run, control and value of a request to a control."""
    try:
        value = body.get("value")
        return str(body["run"]), str(body["control"]), None if value is None else float(value)
    except (ValueError, TypeError, KeyError, OverflowError) as error:
        raise HTTPException(400, f"This is not a request to a control: {error!r}.") from error
