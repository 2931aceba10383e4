"""Which of the shown runs a page is about, and which others of the project it could be about."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ..storage.holders import holders
from . import asked

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.routing import BaseRoute

    from ..storage import Store

MOST_OTHERS = 50


def holding(
    store: Store, shown: Sequence[Mapping[str, Any]], kinds: Sequence[str]
) -> list[Mapping[str, Any]]:
    """Those of the runs on show that have anything of these kinds, in their order."""
    ids = [run["id"] for run in shown]
    held = set(holders(store, kinds, ids=ids, limit=len(ids))) if ids else set()
    return [run for run in shown if run["id"] in held]


def create_routes(store: Store) -> list[BaseRoute]:
    async def others(request: Request) -> Response:
        """``?project=P&kinds=A,B``: the newest runs of a project that have anything of these kinds."""
        project, kinds = asked.text(request, "project"), asked.text(request, "kinds").split(",")
        found = await asyncio.to_thread(holders, store, kinds, project=project, limit=MOST_OTHERS)
        return JSONResponse({"runs": found})

    return [Route("/api/v1/holders", others)]
