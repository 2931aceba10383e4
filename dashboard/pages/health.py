"""The Health page: what is wrong in a model's layers, where and since when; what its steps wait for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from ...storage.patterns import BadPattern
from .. import asked
from ..cards.layer_stats import QUANTITIES, Wanted, curves, draw
from ..components import HealthPage
from ..health import anatomy, faults, machine
from ..health.findings import find
from ..health.history import Histories, Window

if TYPE_CHECKING:
    from dash import Dash
    from dash.development.base_component import Component

    from ...storage import Store

PATH = "/health"
TITLE = "Health"
KEY = "e"
QUERY: Mapping[str, str] = {
    "health_run": "",
    "health_rank": "0",
    "health_view": "one",
    "health_quantity": "gradients",
    "health_filter": "",
    "health_window": "",
    "health_rows": "",
    "health_open": "",
    "health_closed": "",
    "health_layer": "",
    "health_fault": "",
    "health_axis": "wall",
}
MAX_RUNS = 12
SUMMARY_SECONDS = 0.3
_READERS = 2


def layout(store: Store, query: Mapping[str, str]) -> Component:
    return HealthPage(id="health-page")


def register(app: Dash, store: Store) -> None:
    """Nothing: the page talks to the API."""


def routes(store: Store) -> list[BaseRoute]:
    interface = _Interface(store)
    return [
        Route("/api/v1/health", interface.answer(interface.summary)),
        Route("/api/v1/health/maps", interface.answer(interface.maps)),
        Route("/api/v1/health/layer", interface.answer(interface.layer)),
        Route("/api/v1/health/faults", interface.answer(interface.faults)),
        Route("/api/v1/health/time", interface.answer(interface.time)),
    ]


class _Interface:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._histories = Histories(store)
        self._readers = ThreadPoolExecutor(_READERS, thread_name_prefix="trainboard-health")

    def answer(self, read: Callable[[Request], Any]) -> Callable[[Request], Any]:
        async def answer(request: Request) -> Response:
            loop = asyncio.get_running_loop()
            return JSONResponse(await loop.run_in_executor(self._readers, read, request))

        return answer

    def summary(self, request: Request) -> dict[str, Any]:
        """``?runs=A,B``: of each of the first ``MAX_RUNS`` what is wrong, and how much of it was read."""
        ids = asked.run_ids(request, "runs")[:MAX_RUNS]
        return {"runs": [self._summary(run_id) for run_id in ids]}

    def _summary(self, run_id: str) -> dict[str, Any]:
        seen = {one.tag for one in self._store.series(run_id, "event")}
        reports = faults.read(self._store, run_id) if faults.TAG in seen else {"reports": [], "total": 0}
        told = [
            {"what": one["what"], "layer": one["layer"], "step": one["step"]} for one in reports["reports"]
        ]
        with self._histories.look(run_id, seconds=SUMMARY_SECONDS) as look:
            return {
                "run": run_id,
                "read": look.read,
                "count": look.total,
                "unreadable": look.history.unreadable,
                "findings": [finding.plain() for finding in find(look.history)],
                "faults": told,
            }

    def maps(self, request: Request) -> dict[str, Any]:
        """``?run&rank&quantities=A,B&filter&open=A&closed=A&window=0,9&rows=A&rows=B``: heat maps.

        They share their columns, which are those of the window of steps; ``rows`` are the first and the last
        layer. A regular expression that is none is a ``problem``, in words.
        """
        quantities = request.query_params.get("quantities", ",".join(QUANTITIES)).split(",")
        wanted = Wanted(
            asked.text(request, "filter") if "filter" in request.query_params else "",
            _paths(request, "open"),
            _paths(request, "closed"),
            tuple(request.query_params.getlist("rows")[:2]),
        )
        if not set(quantities) <= QUANTITIES.keys():
            raise HTTPException(400, f"'quantities' are some of {', '.join(QUANTITIES)}.")
        with self._histories.look(*_asked(request)) as look:
            try:
                drawn = [draw(look.history, quantity, wanted) for quantity in quantities]
            except BadPattern as error:
                return {"read": look.read, "count": look.total, "problem": str(error)}
            return {"read": look.read, "count": look.total, "steps": look.history.steps, "maps": drawn}

    def layer(self, request: Request) -> dict[str, Any]:
        """``?run&rank&layer&window``: all statistics of one layer over the steps."""
        with self._histories.look(*_asked(request)) as look:
            return {"steps": look.history.steps, "curves": curves(look.history, asked.text(request, "layer"))}

    def faults(self, request: Request) -> dict[str, Any]:
        """``?run``: the flight recorder's reports, as ``health.faults.read`` tells them."""
        return faults.read(self._store, asked.text(request, "run"))

    def time(self, request: Request) -> dict[str, Any]:
        """``?run&rank``: where the time of steps went, and the state of the machine."""
        run_id, rank = asked.text(request, "run"), asked.place(request, "rank", "0")
        return {
            "anatomy": anatomy.read(self._store, run_id, rank),
            "panels": machine.read(self._store, run_id, rank),
            **anatomy.ranks(self._store, run_id),
        }


def _asked(request: Request) -> tuple[str, int, Window | None]:
    """Which run and rank, and the window of steps, ``first,last``, if there is one."""
    run_id, rank = asked.text(request, "run"), asked.place(request, "rank", "0")
    given = request.query_params.get("window", "")
    if not given:
        return run_id, rank, None
    try:
        first, last = map(float, given.split(","))
    except ValueError as error:
        raise HTTPException(400, "'window' is two steps, such as 100,200.") from error
    return run_id, rank, (first, last)


def _paths(request: Request, name: str) -> frozenset[str]:
    """Scopes, one a parameter of this name."""
    return frozenset(request.query_params.getlist(name))
