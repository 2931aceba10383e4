"""The HTTP interface below ``/api/v1/``: what the pages read, as JSON and as packed numbers."""

from __future__ import annotations

import asyncio
import logging
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from ..storage.errors import RunNotFound, SeriesNotFound, TrainboardError
from .cards import scalar
from .changes import Changes
from .colors import run_color
from .ingest import create_routes
from .pages import PAGES

if TYPE_CHECKING:
    from ..storage import RunRecord, Store
    from ..storage.points import Axis
    from ..storage.run_list import RunPage

MAX_WAIT_SECONDS = 20.0
MAX_SERIES = 5_000
MAX_RUNS = 1_000
_PAGE = 300
MAX_BODY = 4 << 20
_WIDTH = 500
AXES: dict[str, Axis] = {"step": "step", "relative": "relative", "wall": "wall"}

_log = logging.getLogger("trainboard.dashboard")


def create_api(store: Store, changes: Changes) -> Starlette:
    """The API for one store. Anything unknown is a JSON 404, any failure a JSON error; neither is a page."""
    interface = _Interface(store, changes)
    routes: list[BaseRoute] = [
        Route("/api/v1/runs", interface.runs),
        Route("/api/v1/series", interface.series),
        Route("/api/v1/changes", interface.changes),
        Route("/api/v1/scalars", interface.scalars, methods=["POST"]),
        *create_routes(store),
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
    def __init__(self, store: Store, changes: Changes) -> None:
        self._store = store
        self._changes = changes

    async def changes(self, request: Request) -> Response:
        """``?since=VERSION&wait=SECONDS``: answers when the store's version differs, or the time is over."""
        since = _number(request, "since", -1)
        wait = min(max(_number(request, "wait", MAX_WAIT_SECONDS), 0.0), MAX_WAIT_SECONDS)
        change = await self._changes.wait(int(since), wait)
        return JSONResponse({"version": change.version, "runs": change.runs})

    async def runs(self, request: Request) -> Response:
        """``?project=P&search=WORDS&limit=N&after=CURSOR``: a page of its runs, and all projects.

        ``?ids=A,B``: of these runs those that exist.
        """
        asked = request.query_params
        if "ids" in asked:
            ids = asked["ids"].split(",")[:MAX_RUNS]
            return JSONResponse({"runs": await asyncio.to_thread(self._some_runs, ids)})
        limit = int(min(max(_number(request, "limit", _PAGE), 1), MAX_RUNS))
        page = (asked.get("project") or None, asked.get("search", ""), limit, asked.get("after"))
        return JSONResponse(await asyncio.to_thread(self._page_of_runs, *page))

    def _some_runs(self, ids: list[str]) -> list[dict[str, Any]]:
        return _coloured(self._store.run_page(ids=ids, limit=len(ids)))

    def _page_of_runs(
        self, project: str | None, search: str, limit: int, after: str | None
    ) -> dict[str, Any]:
        projects = self._store.projects()
        if project not in projects:
            project = projects[0] if projects else None
        try:
            page = self._store.run_page(project, search=search, limit=limit, after=after)
        except ValueError as error:
            raise HTTPException(400, f"'after' must be what a page of runs said, not {after!r}.") from error
        told = {"project": project, "projects": projects, "runs": _coloured(page)}
        return told | {"total": page.total, "after": page.after}

    async def series(self, request: Request) -> Response:
        """``?runs=A,B&kind=K&search=TEXT``: their different series, and which of them each run has.

        The reply is ``{"series": [[tag, kind, rank], …], "runs": {run: [position, …]}, "total": N}``, with
        the first ``MAX_SERIES`` of ``N`` series.
        """
        asked = request.query_params
        ids = [run for run in asked.get("runs", "").split(",") if run][:MAX_RUNS]
        wanted = (ids, asked.get("kind"), asked.get("search", ""))
        return JSONResponse(await asyncio.to_thread(self._series, *wanted))

    def _series(self, ids: list[str], kind: str | None, search: str) -> dict[str, Any]:
        found = self._store.series_list(ids, kind, search=search, limit=MAX_SERIES)
        return {"series": found.series, "runs": found.of_run, "total": found.total}

    async def scalars(self, request: Request) -> Response:
        """One batch for all cards in view; the reply is packed as ``cards.scalar.pack`` says.

        The body is ``{"series": [{"run", "tag", "rank", "since"}, …], "width": pixels, "axis": …,
        "window": [low, high] or null}``. Asking again for the same thing changes nothing.
        """
        asked = await _json(request)
        try:
            wanted = [scalar.Wanted(**entry) for entry in asked["series"]]
            width = min(max(int(asked.get("width", _WIDTH)), 50), 4_000)
            window = _window(asked.get("window"))
            axis = AXES[asked.get("axis", "step")]
        except (KeyError, TypeError, ValueError) as error:
            raise HTTPException(400, f"This is not a request for scalars: {error!r}.") from error
        if len(wanted) > MAX_SERIES:
            raise HTTPException(413, f"{len(wanted)} series in one request; {MAX_SERIES} are allowed.")
        body = await asyncio.to_thread(self._scalars, wanted, width, axis, window)
        return Response(body, media_type="application/octet-stream")

    def _scalars(
        self, wanted: list[scalar.Wanted], width: int, axis: Axis, window: tuple[float, float] | None
    ) -> bytes:
        lines: list[scalar.Line | None] = []
        for series in wanted:
            try:
                lines.append(scalar.read(self._store, series, width=width, axis=axis, window=window))
            except (RunNotFound, SeriesNotFound):
                lines.append(None)
        return scalar.pack(lines)


def _coloured(page: RunPage) -> list[dict[str, Any]]:
    return [_run(run) | {"color": run_color(older)} for run, older in zip(page.runs, page.older, strict=True)]


def _run(record: RunRecord) -> dict[str, Any]:
    return {
        "id": record.id,
        "project": record.project,
        "name": record.name,
        "group": record.group,
        "tags": list(record.tags),
        "status": record.status,
        "error": record.error,
        "created_at": record.created_at,
        "updated_at": record.updated_at,
        "ended_at": record.ended_at,
    }


def _number(request: Request, name: str, default: float) -> float:
    text = request.query_params.get(name)
    try:
        return default if text is None else float(text)
    except ValueError as error:
        raise HTTPException(400, f"{name!r} must be a number, not {text!r}.") from error


def _window(asked: Any) -> tuple[float, float] | None:
    if asked is None:
        return None
    low, high = asked
    return float(low), float(high)


async def _json(request: Request) -> dict[str, Any]:
    if int(request.headers.get("content-length") or 0) > MAX_BODY:
        raise HTTPException(413, f"The request is larger than {MAX_BODY} bytes.")
    try:
        asked = await request.json()
    except ValueError as error:
        raise HTTPException(400, "The request is not JSON.") from error
    if not isinstance(asked, dict):
        raise HTTPException(400, "The request is not a JSON object.")
    return asked


def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _error(error.status_code, error.detail)


def _known_error(request: Request, error: Exception) -> Response:
    return _error(getattr(error, "http_code", 500), str(error))


def _unknown_error(request: Request, error: Exception) -> Response:
    _log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return _error(500, "The server failed to answer; its log says why.")


def _error(status: int, message: str) -> Response:
    return JSONResponse({"error": HTTPStatus(status).phrase, "message": message}, status_code=status)
