"""What the Charts page asks for beside points: formulas checked, marks, and charts to take away."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from ...storage.kinds.layout import Layout
from ...storage.layouts import keep_layout
from ...storage.location import without_password
from .. import asked, layouts
from ..chart_data import FORMS, Drawn, read
from ..chart_program import Look, program
from ..formula import BadFormula, parse

if TYPE_CHECKING:
    from ...storage import Store

MAX_MARKS = 100
"""Marks of one series of events; of more an even spread, its ends included."""

_TITLE = 200


def routes(store: Store) -> list[BaseRoute]:
    async def marks(request: Request) -> Response:
        """``?runs=A,B``: the events of these runs, ``{run: [{step, wall, title, level}, …]}``."""
        ids = asked.run_ids(request, "runs")
        return JSONResponse({"runs": await asyncio.to_thread(read_marks, store, ids)})

    async def data(request: Request) -> Response:
        """``{"lines": […], "form": "CSV" | "JSON" | "Parquet"}``: every point of a chart as a file."""
        body = await asked.body(request)
        if (form := body.get("form")) not in FORMS:
            raise HTTPException(400, f"'form' must be one of {', '.join(FORMS)}, not {form!r:.50}.")
        write, media_type = FORMS[form]
        lines = _drawn(body)
        made = await asyncio.to_thread(lambda: write(read(store, lines)))
        return Response(made, media_type=media_type)

    async def as_program(request: Request) -> Response:
        """``{"lines": […], "look": {…}}``: the Python program that draws it."""
        body = await asked.body(request)
        try:
            look = Look(**body["look"])
        except (KeyError, TypeError, ValueError) as error:
            raise HTTPException(400, f"'look' is not how a chart looks: {error!r:.300}.") from error
        return PlainTextResponse(program(_drawn(body), look, without_password(store.url)))

    async def layout(request: Request) -> Response:
        """``{"runs": […], "charts": […] or null}``: the charts of a layout, or of those that runs logged."""
        body = await asked.body(request)
        ids, charts = layouts.asked_layout(body)
        return JSONResponse({"charts": await asyncio.to_thread(layouts.resolve, store, ids, charts)})

    async def keep(request: Request) -> Response:
        """``{"runs": […], "charts": […]}``: log this layout to the runs."""
        ids, charts = layouts.asked_layout(await asked.body(request))
        await asyncio.to_thread(keep_layout, store, ids, Layout(charts or []))
        return JSONResponse({})

    return [
        Route("/api/v1/layouts", layout, methods=["POST"]),
        Route("/api/v1/layouts/keep", keep, methods=["POST"]),
        Route("/api/v1/charts/formula", formula),
        Route("/api/v1/charts/marks", marks),
        Route("/api/v1/charts/data", data, methods=["POST"]),
        Route("/api/v1/charts/program", as_program, methods=["POST"]),
    ]


async def formula(request: Request) -> Response:
    """``?text=T``: the tags it names, or what is wrong with it: a question, so wrong is no error."""
    try:
        return JSONResponse({"tags": parse(asked.text(request, "text")).tags, "problem": None})
    except BadFormula as problem:
        return JSONResponse({"tags": [], "problem": str(problem)})


def read_marks(store: Store, ids: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    """The events of every run, by step."""
    found: dict[str, list[dict[str, Any]]] = {}
    for series in store.series(ids, "event"):
        records = store.records(series.run_id, series.tag, "event", rank=series.rank, limit=MAX_MARKS)
        found.setdefault(series.run_id, []).extend(
            {"step": one.step, "wall": one.wall_time}
            | {"title": one.value.title[:_TITLE], "level": one.value.level, "tag": series.tag}
            for one in records
        )
    return {run: sorted(marks, key=lambda mark: mark["step"]) for run, marks in found.items()}


def _drawn(body: dict[str, Any]) -> list[Drawn]:
    try:
        lines = [Drawn(**line) for line in body["lines"]]
        asked.check_size(len(lines), 1)
        for line in lines:
            asked.series(line.run, line.source, line.rank)
            if line.formula:
                parse(line.source)
    except (KeyError, TypeError, ValueError) as error:
        raise HTTPException(400, f"These are not the lines of a chart: {error!r:.300}.") from error
    return lines
