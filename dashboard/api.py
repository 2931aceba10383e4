"""The HTTP interface below ``/api/v1/``: what the pages read, as JSON and as packed numbers."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeVar

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from ..storage.descriptions import read_descriptions
from ..storage.errors import TrainboardError
from ..storage.ranks import slowest
from . import asked, bands, holders, view_routes
from .alerts import routes as alert_routes
from .cards import scalar
from .changes import Changes
from .errors import told
from .ingest import create_routes
from .lines import Lines, View
from .pages import PAGES
from .run_rows import RunRows, run_row
from .spool_watch import SpoolWatch
from .visdom import api as panes
from .visdom.app import Visdom

if TYPE_CHECKING:
    from ..storage import Store
    from .alerts.rule_watch import RuleWatch

MAX_WAIT_SECONDS = 20.0
_READERS = 2
T = TypeVar("T")

_log = logging.getLogger("trainboard.dashboard")


def create_api(
    store: Store, changes: Changes, watch: SpoolWatch, visdom: Visdom, rules: RuleWatch
) -> Starlette:
    """The API for one store. Anything unknown is a JSON 404, any failure a JSON error; neither is a page."""
    interface = _Interface(store, changes, watch)
    routes: list[BaseRoute] = [
        Route("/api/v1/runs", interface.runs),
        Route("/api/v1/runs/{run}", interface.run),
        Route("/api/v1/series", interface.series),
        Route("/api/v1/descriptions", interface.descriptions),
        Route("/api/v1/changes", interface.changes),
        Route("/api/v1/spools", interface.spools),
        Route("/api/v1/scalars", interface.scalars, methods=["POST"]),
        Route("/api/v1/groups", interface.groups, methods=["POST"]),
        Route("/api/v1/bands", interface.bands, methods=["POST"]),
        *create_routes(store),
        *view_routes.create_routes(store),
        *holders.create_routes(store),
        *panes.create_routes(store, visdom),
        *alert_routes.create_routes(store, rules),
    ]
    for page in PAGES:
        routes += page.routes(store)
    return Starlette(
        routes=routes,
        exception_handlers={
            HTTPException: _http_error,
            TrainboardError: _known_error,
            Exception: _unknown_error,
        },
    )


class _Interface:
    def __init__(self, store: Store, changes: Changes, watch: SpoolWatch) -> None:
        self._store = store
        self._changes = changes
        self._watch = watch
        self._begin()
        # Few threads, and for these queries alone: Python runs one at a time, and the one that takes in
        # what programs log must get its turn.
        self._readers = ThreadPoolExecutor(_READERS, thread_name_prefix="trainboard-read")

    def _begin(self) -> None:
        self._opened = self._store.reopened
        self._lines = Lines(self._store)
        self._rows = RunRows(self._store)

    async def _revisions(self) -> dict[str, int]:
        revisions = await self._changes.revisions()
        if self._store.reopened != self._opened:
            self._begin()
        return revisions

    async def _read(self, read: Callable[..., T], *asked: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._readers, read, *asked)

    async def changes(self, request: Request) -> Response:
        """``?since=VERSION&wait=SECONDS``: answers when the store's version differs, or the time is over."""
        since = asked.number(request, "since", -1)
        wait = min(max(asked.number(request, "wait", MAX_WAIT_SECONDS), 0.0), MAX_WAIT_SECONDS)
        change = await self._changes.wait(int(since), wait)
        behind = change.behind and change.behind._asdict()
        return JSONResponse(change._asdict() | {"behind": behind})

    async def runs(self, request: Request) -> Response:
        """``?project=P&search=WORDS&limit=N&after=CURSOR``: a page of its runs, and all projects.

        ``?ids=A,B``: of these runs those that exist. Archived runs are listed with ``&archived=1`` only,
        deleted ones never.
        """
        if "ids" in request.query_params:
            ids = asked.run_ids(request, "ids")
            revisions = await self._revisions()
            return JSONResponse({"runs": await self._read(self._rows.some, ids, revisions)})
        return JSONResponse(await self._read(self._rows.page, asked.page(request)))

    async def run(self, request: Request) -> Response:
        """One run, and of each of its ranks how far it is and how it is doing."""
        return JSONResponse(await self._read(self._one_run, request.path_params["run"]))

    def _one_run(self, run_id: str) -> dict[str, Any]:
        told = run_row(self._store.run(run_id))
        ranks = [asdict(rank) for rank in self._store.ranks(run_id)]
        worst = slowest(self._store.series(run_id, "scalar")) if len(ranks) > 1 else None
        return told | {"ranks": ranks, "slowest": worst and worst._asdict()}

    async def series(self, request: Request) -> Response:
        """``?runs=A,B&kind=K&search=TEXT``: their different series, and which of them each run has.

        The reply is ``{"series": [[tag, kind, rank], …], "runs": {run: [position, …]}, "total": N}``, with
        the first 5,000 of ``N`` series.
        """
        ids = asked.run_ids(request, "runs")
        kind, search = request.query_params.get("kind"), request.query_params.get("search", "")
        return JSONResponse(await self._read(self._series, ids, kind, search))

    def _series(self, ids: list[str], kind: str | None, search: str) -> dict[str, Any]:
        found = self._store.series_list(ids, kind, search=search, limit=asked.MAX_SERIES)
        return {"series": found.series, "runs": found.of_run, "total": found.total}

    async def descriptions(self, request: Request) -> Response:
        """``?runs=A,B``: what these runs say of their tags, in Markdown, by tag."""
        ids = asked.run_ids(request, "runs")
        return JSONResponse({"descriptions": await self._read(read_descriptions, self._store, ids)})

    async def spools(self, request: Request) -> Response:
        """The spools of this machine that hold more than the store, as ``SpoolWatch.look`` tells of them."""
        return JSONResponse({"spools": await self._read(self._watch.look)})

    async def scalars(self, request: Request) -> Response:
        """One batch for all cards in view; the reply is packed as ``cards.scalar.pack`` says.

        The body is ``{"series": [{"run", "tag", "rank", "since"}, …], "width": pixels, "axis": …,
        "window": [low, high] or null}``. Asking again for the same thing changes nothing.
        """
        wanted, view = await asked.scalars(request)
        revisions = await self._revisions()
        body = await self._read(self._scalars, wanted, view, revisions)
        return Response(body, media_type="application/octet-stream")

    async def groups(self, request: Request) -> Response:
        """Which of some runs belong together; ``bands.asked_groups`` says how it is asked."""
        ids, by = bands.asked_groups(await asked.body(request))
        return JSONResponse(await self._read(bands.read_groups, self._store, ids, by))

    async def bands(self, request: Request) -> Response:
        """One line with a band for each group of runs; ``bands.asked_bands`` and ``pack`` say the form."""
        wanted = bands.asked_bands(await asked.body(request))
        revisions = await self._revisions()
        body = await self._read(bands.read_bands, self._store, self._lines, wanted, revisions)
        return Response(body, media_type="application/octet-stream")

    def _scalars(self, wanted: list[scalar.Wanted], view: View, revisions: dict[str, int]) -> bytes:
        return scalar.pack(self._lines.read(wanted, view, revisions))


def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _error(error.status_code, error.detail, error.headers)


def _known_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, TrainboardError)
    return _error(error.http_code, told(error))


def _unknown_error(request: Request, error: Exception) -> Response:
    _log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return _error(500, "The server failed to answer; its log says why.")


def _error(status: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
    return JSONResponse({"error": HTTPStatus(status).phrase, "message": message}, status, headers)
