"""The Runs page: a table of any number of runs, one run in full, and what differs between several."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import dash_ag_grid as dag
from dash import html
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from ...storage.run_table import TableQuery, run_ids
from .. import asked, run_columns, run_details
from ..colors import run_color
from ..components import RunPage
from ..table_theme import TABLE_THEME

if TYPE_CHECKING:
    from dash import Dash
    from dash.development.base_component import Component

    from ...storage import Store

PATH = "/runs"
TITLE = "Runs"
KEY = "r"
QUERY: Mapping[str, str] = {"where": "", "columns": "", "sort": "", "run": "", "diff": ""}
BLOCK_ROWS = 100
MAX_OFFSET = 1_000_000
MAX_CHANGED = 100_000

_GRID: dict[str, Any] = {
    "cacheBlockSize": BLOCK_ROWS,
    "maxBlocksInCache": 4,
    "blockLoadDebounceMillis": 50,
    "rowHeight": 30,
    "headerHeight": 32,
    "animateRows": False,
    "ensureDomOrder": True,
    "suppressNoRowsOverlay": True,
    "suppressFieldDotNotation": True,
    "tooltipShowDelay": 300,
    "rowSelection": {"mode": "multiRow", "headerCheckbox": False, "enableClickSelection": False},
    "selectionColumnDef": {"pinned": "left", "width": 42},
    "theme": TABLE_THEME,
}


def layout(store: Store, query: Mapping[str, str]) -> Component:
    grid = dag.AgGrid(
        id="run-grid",
        rowModelType="infinite",
        columnDefs=[],
        dashGridOptions=_GRID,
        getRowId="params.data.id",
        className="run-grid",
        style={"height": "100%"},
    )
    return html.Div([RunPage(id="run-page"), html.Div(grid, id="run-grid-frame")], className="runs-page")


def register(app: Dash, store: Store) -> None:
    """Nothing: the page talks to the API."""


def routes(store: Store) -> list[BaseRoute]:
    async def columns(request: Request) -> Response:
        """``?project=P``: what a table of its runs can show; without one, of the newest project's."""
        project = request.query_params.get("project", "")
        return JSONResponse(await asyncio.to_thread(_columns, store, project))

    async def table(request: Request) -> Response:
        """``{"project", "where", "archived", "columns", "sort": [[field, descending], …]}`` …."""
        body = await asked.body(request)
        return JSONResponse(await asyncio.to_thread(_table, store, body))

    async def ids(request: Request) -> Response:
        """``{"project", "where", "archived"}``: the ids of all runs that the table lists."""
        body = await asked.body(request)
        return JSONResponse({"ids": await asyncio.to_thread(_ids, store, body)})

    async def details(request: Request) -> Response:
        """``?run=ID``: everything known of a run but its points."""
        run_id = asked.text(request, "run")
        return JSONResponse(await asyncio.to_thread(run_details.details, store, run_id))

    async def differences(request: Request) -> Response:
        """``?runs=A,B``: what is not the same in these runs."""
        ids = asked.run_ids(request, "runs")[: run_details.MAX_COMPARED]
        return JSONResponse(await asyncio.to_thread(run_details.differences, store, ids))

    async def change(request: Request) -> Response:
        """``{"action", "runs": [id, …]}`` and what the action takes; of several runs all change, or none."""
        body = await asked.body(request)
        await asyncio.to_thread(_change, store, body)
        return JSONResponse({})

    return [
        Route("/api/v1/run-columns", columns),
        Route("/api/v1/run-table", table, methods=["POST"]),
        Route("/api/v1/run-ids", ids, methods=["POST"]),
        Route("/api/v1/run-details", details),
        Route("/api/v1/run-differences", differences),
        Route("/api/v1/run-changes", change, methods=["POST"]),
    ]


def _columns(store: Store, name: str) -> dict[str, Any]:
    project = name or next(iter(store.projects()), None)
    return {"project": project, **run_columns.columns(store, project)}


def _listed(body: Mapping[str, Any]) -> dict[str, Any]:
    project, where = body.get("project"), body.get("where", "")
    return {"project": project and str(project), "where": str(where), "archived": bool(body.get("archived"))}


def _ids(store: Store, body: Mapping[str, Any]) -> list[str]:
    found = run_ids(store, **_listed(body), limit=MAX_CHANGED + 1)
    if len(found) > MAX_CHANGED:
        raise HTTPException(413, f"More than {MAX_CHANGED:,} runs match; narrow the filter.")
    return found


def _table(store: Store, body: Mapping[str, Any]) -> dict[str, Any]:
    try:
        names = asked.texts(body.get("columns", []))[: run_columns.MAX_COLUMNS]
        wanted = TableQuery(
            **_listed(body),
            order=[(str(field), bool(descending)) for field, descending in body.get("sort", [])],
            limit=min(max(int(body.get("limit", BLOCK_ROWS)), 1), asked.MAX_RUNS),
            offset=min(max(int(body.get("offset", 0)), 0), MAX_OFFSET),
            metrics=run_columns.metrics_of(names),
        )
    except (TypeError, ValueError, OverflowError) as error:
        raise HTTPException(400, f"This is not a request for a table of runs: {error!r:.300}.") from error
    page = store.run_table(wanted)
    rows = [
        run_columns.table_row(row, run_color(older), names)
        for row, older in zip(page.rows, page.older, strict=True)
    ]
    return {"rows": rows, "total": page.total}


def _change(store: Store, body: Mapping[str, Any]) -> None:
    try:
        action, ids = body["action"], asked.texts(body["runs"])
        if not 0 < len(ids) <= MAX_CHANGED:
            raise ValueError(f"1 to {MAX_CHANGED:,} runs can be changed at once")
        change = {
            "rename": lambda: store.rename_run(ids[0], str(body["name"])),
            "note": lambda: store.note_run(ids[0], str(body["notes"])),
            "tag": lambda: store.tag_runs(ids, asked.texts(body["add"]), asked.texts(body["remove"])),
            "archive": lambda: store.archive_runs(ids),
            "unarchive": lambda: store.archive_runs(ids, archived=False),
            "delete": lambda: store.delete_runs(ids, force=bool(body.get("force"))),
            "restore": lambda: store.restore_runs(ids),
        }[action]
    except (KeyError, TypeError, ValueError) as error:
        raise HTTPException(400, f"This is not a change of runs: {error!r:.300}.") from error
    change()
