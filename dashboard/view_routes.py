"""``/api/v1/views``: the saved views of a project."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from . import asked

if TYPE_CHECKING:
    from ..storage import Store


def create_routes(store: Store) -> list[BaseRoute]:
    async def read(request: Request) -> Response:
        """``?project=P``: its views by name."""
        views = await asyncio.to_thread(store.views, asked.text(request, "project"))
        return JSONResponse({"views": [view._asdict() for view in views]})

    async def change(request: Request) -> Response:
        """``{"action": "save" (with "address"), "rename" (with "to") or "delete", "project", "name"}``."""
        body = await asked.body(request)
        await asyncio.to_thread(_change, store, body)
        return JSONResponse({})

    return [Route("/api/v1/views", read), Route("/api/v1/views", change, methods=["POST"])]


def _change(store: Store, body: Mapping[str, Any]) -> None:
    try:
        project, name = str(body["project"]), str(body["name"])
        change = {
            "save": lambda: store.save_view(project, name, str(body["address"])),
            "rename": lambda: store.rename_view(project, name, str(body["to"])),
            "delete": lambda: store.delete_view(project, name),
        }[body["action"]]
    except (KeyError, TypeError) as error:
        raise HTTPException(400, f"This is not a change of views: {error!r:.300}.") from error
    change()
