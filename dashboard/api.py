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

MAX_WAIT_SECONDS = 20.0
MAX_SERIES = 5_000
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
        """``?project=P``: its runs, newest first, and all projects. ``?ids=A,B``: these runs, uncoloured.

        Archived runs are listed with ``&archived=1`` only, deleted ones never.
        """
        ids = request.query_params.get("ids")
        if ids is not None:
            return JSONResponse({"runs": await asyncio.to_thread(self._some_runs, ids.split(","))})
        project = request.query_params.get("project") or None
        archived = request.query_params.get("archived") == "1"
        return JSONResponse(await asyncio.to_thread(self._all_runs, project, archived))

    def _some_runs(self, ids: list[str]) -> list[dict[str, Any]]:
        found = []
        for run_id in ids:
            try:
                found.append(_run(self._store.run(run_id)))
            except RunNotFound:
                continue
        return found

    def _all_runs(self, project: str | None, archived: bool) -> dict[str, Any]:
        records = self._store.runs(archived=True)
        listed = [record for record in records if archived or record.archived_at is None]
        projects = list(dict.fromkeys(record.project for record in [*listed, *records]))
        if project not in projects:
            project = projects[0] if projects else None
        colors = self._colors(project, records)
        runs = [_run(record) | {"color": colors[record.id]} for record in listed if record.project == project]
        return {"project": project, "projects": projects, "runs": runs}

    def _colors(self, project: str | None, records: list[RunRecord]) -> dict[str, str]:
        """A colour for each run of a project, which stays when others are archived or deleted."""
        ever = [*self._store.runs(project, deleted=True), *(run for run in records if run.project == project)]
        ever.sort(key=lambda record: (-record.created_at, record.id))
        return {record.id: run_color(len(ever) - 1 - i) for i, record in enumerate(ever)}

    async def series(self, request: Request) -> Response:
        """``?runs=A,B``: for each run that exists, its series as ``[tag, kind, rank, count]``."""
        ids = [run for run in request.query_params.get("runs", "").split(",") if run]
        return JSONResponse(await asyncio.to_thread(self._series, ids))

    def _series(self, ids: list[str]) -> dict[str, list[list[Any]]]:
        found: dict[str, list[list[Any]]] = {run: [] for run in ids}
        for record in self._store.series(ids) if ids else []:
            found[record.run_id].append([record.tag, record.kind, record.rank, record.count])
        return found

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
        "archived": record.archived_at is not None,
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
