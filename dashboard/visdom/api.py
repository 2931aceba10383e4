"""What the Panes page asks for and changes, below ``/api/v1/panes``."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from ...storage.panes import read_pane
from ...storage.windows import MAIN, load_windows, read_environments
from ..asked import body
from .commands import Missing, Transaction, close, delete_environment, fork
from .exchange import as_json, put_saved
from .figure import drawable, finite
from .merge import pop_embeddings
from .page import as_page

if TYPE_CHECKING:
    from ...storage import Store
    from .app import Visdom

PATH = "/api/v1/panes"
IMPORT_PATH = f"{PATH}/import"
MAX_ENVIRONMENTS = 50
_WIDTH = 600
Change = Callable[[Transaction, dict[str, Any]], Any]


def create_routes(store: Store, visdom: Visdom) -> list[BaseRoute]:
    """The page's routes; the guard asks for the write token where something is changed."""
    reads = _Reads(store, visdom.read_only)
    read = [
        Route(PATH, reads.environments, methods=["GET"]),
        Route(f"{PATH}/windows", reads.windows, methods=["GET"]),
        Route(f"{PATH}/window", reads.window, methods=["GET"]),
        Route(f"{PATH}/export", reads.export, methods=["GET"]),
    ]
    if visdom.read_only:
        return [*read, Route(f"{PATH}/{{change}}", _refuse, methods=["POST"])]
    changes = {
        "close": _close,
        "reopen": _reopen,
        "views": _views,
        "promote": _promote,
        "fork": fork_named,
        "delete": _delete,
        "back": _back,
    }
    written = [
        Route(f"{PATH}/{name}", _changed(visdom, change), methods=["POST"])
        for name, change in changes.items()
    ]
    return [
        *read,
        Route(f"{PATH}/event", _event(store, visdom), methods=["POST"]),
        Route(IMPORT_PATH, _import(visdom), methods=["POST"]),
        *written,
    ]


async def _refuse(request: Request) -> Response:
    raise HTTPException(403, "Nothing was changed: the server was started with --visdom-readonly.")


class _Reads:
    def __init__(self, store: Store, read_only: bool) -> None:
        self._store = store
        self._read_only = read_only

    async def environments(self, request: Request) -> Response:
        """Every environment: its name, run, number of windows, views, and whether it is shown as a run."""
        found = await asyncio.to_thread(self._environments)
        return JSONResponse({"environments": found, "read_only": self._read_only})

    async def windows(self, request: Request) -> Response:
        """``?env=A&env=B``: what windows these environments have, and the version of each."""
        names = request.query_params.getlist("env")[:MAX_ENVIRONMENTS]
        return JSONResponse(await asyncio.to_thread(self._windows, names))

    async def window(self, request: Request) -> Response:
        """``?env=E&win=W&width=PIXELS&from=X&to=X``: a window as the page draws it, long lines thinned."""
        asked = request.query_params
        span = None
        try:
            width = min(max(int(asked.get("width", _WIDTH)), 50), 4_000)
            if "from" in asked and "to" in asked:
                span = float(asked["from"]), float(asked["to"])
        except ValueError as error:
            raise HTTPException(400, "'width', 'from' and 'to' must be numbers.") from error
        found = await asyncio.to_thread(
            self._window, asked.get("env", MAIN), asked.get("win", ""), width, span
        )
        if found is None:
            raise HTTPException(404, "There is no such window.")
        return JSONResponse(found)

    async def export(self, request: Request) -> Response:
        """``?env=E&format=json|html``: an environment as Visdom saves it, or as a page of its own."""
        name, form = request.query_params.get("env", MAIN), request.query_params.get("format", "json")
        if form not in ("json", "html"):
            raise HTTPException(400, "'format' must be json or html.")
        make = as_json if form == "json" else as_page
        text = await asyncio.to_thread(make, self._store, name)
        if text is None:
            raise HTTPException(404, "There is no such environment.")
        file = re.sub(r"[^A-Za-z0-9._-]", "_", name) or "environment"
        headers = {"content-disposition": f'attachment; filename="{file}.{form}"'}
        return Response(
            text, headers=headers, media_type=f"{'application' if form == 'json' else 'text'}/{form}"
        )

    def _environments(self) -> list[dict[str, Any]]:
        with self._store.reading() as connection:
            return [found._asdict() for found in read_environments(connection)]

    def _windows(self, names: list[str]) -> dict[str, Any]:
        with self._store.reading() as connection:
            found = {record.name: record.run_id for record in read_environments(connection, names)}
            return {
                name: [
                    {
                        "id": window.id,
                        "version": window.version,
                        "type": window.type,
                        **{key: window.pane.get(key) for key in ("title", "width", "height")},
                    }
                    for window in load_windows(connection, run_id)
                ]
                for name, run_id in found.items()
            }

    def _window(self, name: str, win: str, width: int, span: tuple[float, float] | None) -> Any:
        with self._store.reading() as connection:
            pane = read_pane(connection, name, win, width, span)
        if pane is not None and pane["type"] == "plot":
            return {**finite({**pane, "content": None}), "content": drawable(pane["content"])}
        return finite(pane)


def _changed(visdom: Visdom, change: Change) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        asked = await body(request)
        try:
            done = await visdom.writer.do(lambda transaction: change(transaction, asked))
        except Missing as error:
            raise HTTPException(404, f"Nothing was changed: {error}.") from error
        except (KeyError, TypeError, ValueError, re.error) as error:
            raise HTTPException(400, f"This cannot be done: {error!r:.300}.") from error
        for event in done or ():
            visdom.listeners.tell(event)
        return JSONResponse({})

    return answer


def _event(store: Store, visdom: Visdom) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        """``{"env", "win", "event"}``: tell the programs, with the window as it is."""
        asked = await body(request)
        name, win, event = (asked.get(key) for key in ("env", "win", "event"))
        if not (isinstance(name, str) and isinstance(win, str) and isinstance(event, dict)):
            raise HTTPException(400, "An event needs 'env', 'win' and 'event'.")
        data: Any = False
        if event.get("pane_data") is not False:
            data = await asyncio.to_thread(_pane, store, name, win)
        visdom.listeners.tell({**event, "target": win, "eid": name, "pane_data": data})
        return JSONResponse({})

    return answer


def _import(visdom: Visdom) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        """``?env=E``, the body a file that Visdom's server saved: make an environment of it."""
        body = await request.body()
        name = request.query_params.get("env", "")
        try:
            saved = json.loads(body)
            await visdom.writer.do(lambda transaction: put_saved(transaction, name, saved))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise HTTPException(400, f"This is no environment that Visdom saved: {error!r:.200}.") from error
        return JSONResponse({"env": name})

    return answer


def _pane(store: Store, name: str, win: str) -> Any:
    with store.reading() as connection:
        return read_pane(connection, name, win)


def _close(transaction: Transaction, asked: dict[str, Any]) -> Any:
    """Close a window, and tell its program."""
    name, win = str(asked["env"]), str(asked["win"])
    data = read_pane(transaction.connection, name, win)
    close(transaction, {"eid": name, "win": win})
    return [{"event_type": "close", "target": win, "eid": name, "pane_data": data}]


def _reopen(transaction: Transaction, asked: dict[str, Any]) -> None:
    environment = transaction.find(str(asked["env"]))
    if environment is None or not environment.reopen(str(asked["win"])):
        raise Missing("the window cannot be opened again")


def _views(transaction: Transaction, asked: dict[str, Any]) -> None:
    """Where windows are, by the name of the view."""
    views = {str(name): dict(places) for name, places in asked["views"].items()}
    transaction.make(str(asked["env"])).set_views(views)


def _promote(transaction: Transaction, asked: dict[str, Any]) -> None:
    environment = transaction.find(str(asked["env"]))
    if environment is None:
        raise Missing("there is no such environment")
    environment.promote(bool(asked["promoted"]))


def fork_named(transaction: Transaction, asked: dict[str, Any]) -> None:
    fork(transaction, {"prev_eid": str(asked["env"]), "eid": str(asked["to"])})


def _delete(transaction: Transaction, asked: dict[str, Any]) -> None:
    """The environments of these names."""
    for name in asked["envs"]:
        delete_environment(transaction, {"eid": name})


def _back(transaction: Transaction, asked: dict[str, Any]) -> None:
    """Show the points of an embedding that were shown before a region of them was selected."""
    environment = transaction.find(str(asked["env"]))
    window = environment.window(str(asked["win"])) if environment else None
    if environment is None or window is None or not window.pane.get("old_content"):
        raise Missing("there is nothing to go back to")
    pop_embeddings(window)
    environment.touch(window)
