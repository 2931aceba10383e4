"""The paths of Visdom's protocol, beside the pages on the same port or alone on one of their own."""

from __future__ import annotations

import asyncio
import json
import logging
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response

from ...storage.errors import TrainboardError
from ..errors import told
from .commands import COMMANDS, QUESTIONS, Command, Missing, get_data, make_environment, set_data
from .listeners import Listeners
from .login import Login
from .writer import Writer

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from ...storage import Store

SOCKET = "/vis_socket"
_POLL = "/vis_socket_wrap"
_DATA = "/win_data"
_ENVIRONMENT, _COMPARE = "/env/", "/compare/"
_PATHS = {*COMMANDS, *QUESTIONS, SOCKET, _POLL, _DATA, ""}
_READERS = 2

_log = logging.getLogger("trainboard.dashboard")


class Visdom:
    """Visdom's server as an ASGI application; ``route`` says which paths are its own.

    ``base_url`` is a path that goes before all of them, such as ``/vis``. ``read_only`` is for people:
    programs go on drawing, and the Panes page changes nothing and tells programs of nothing.
    """

    def __init__(
        self, store: Store, write_token: str | None = None, base_url: str = "", *, read_only: bool = False
    ) -> None:
        self.writer = Writer(store)
        self.listeners = Listeners()
        self.login = Login(write_token)
        self.read_only = read_only
        self._store = store
        self._base_url = base_url.rstrip("/")
        # Threads of their own: a client that asks whether a window exists waits for the answer.
        self._readers = ThreadPoolExecutor(_READERS, thread_name_prefix="trainboard-visdom-read")

    def route(self, scope: Scope) -> str | None:
        """The path in Visdom's own terms, or None if the request is not for it. A login is "" by POST."""
        path = scope["path"]
        if not path.startswith(self._base_url):
            return None
        path = path[len(self._base_url) :]
        if path in ("", "/"):
            return "" if scope.get("method") == "POST" else None
        is_known = path in _PATHS or path.startswith((_ENVIRONMENT, _COMPARE))
        return path if is_known else None

    def is_login(self, scope: Scope) -> bool:
        return scope["type"] == "http" and self.route(scope) == ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = self.route(scope)
        if scope["type"] == "websocket":
            await self.listeners.listen(scope, receive, send)
            return
        answer = await self._answer(str(path), Request(scope, receive))
        await answer(scope, receive, send)

    def close(self) -> None:
        """Disconnect the programs that listen, and end the writer."""
        self.listeners.close()
        self.writer.close()

    async def _answer(self, path: str, request: Request) -> Response:
        if request.method != "POST":
            return _page(path)
        if path == "":
            address = request.client.host if request.client else ""
            return self.login.answer(address, await request.body())
        try:
            message = json.loads(await request.body() or b"{}")
            if not isinstance(message, dict):
                raise ValueError("it is not a JSON object")
            return await self._do(path, message)
        except Missing as error:
            return PlainTextResponse(str(error), 404)
        except TrainboardError as error:
            return PlainTextResponse(told(error), error.http_code)
        except RecursionError:
            return _refused(path, "it is nested too deeply")
        except (ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
            return _refused(path, f"{error!r:.300}")

    async def _do(self, path: str, message: dict[str, Any]) -> Response:
        if path == _POLL:
            return JSONResponse(self.listeners.poll(message))
        question = get_data if path == _DATA and "data" not in message else QUESTIONS.get(path)
        if question is not None:
            loop = asyncio.get_running_loop()
            text = await loop.run_in_executor(self._readers, question, self._store, message)
        else:
            command = _command(path)
            text = await self.writer.do(lambda transaction: command(transaction, message))
        return Response(text, media_type="text/html")


def _command(path: str) -> Command:
    if path == _DATA:
        return set_data
    return COMMANDS.get(path, make_environment)


def _page(path: str) -> Response:
    """A browser that was given an address of Visdom's own pages."""
    for prefix, separator in ((_ENVIRONMENT, None), (_COMPARE, "+")):
        if path.startswith(prefix):
            names = path[len(prefix) :].split(separator) if separator else [path[len(prefix) :]]
            listed = ",".join(name.replace("%", "%25").replace(",", "%2C") for name in names)
            return RedirectResponse(f"/panes?env={quote(listed)}")
    return PlainTextResponse("This is asked for by POST.", 405)


def _refused(path: str, why: str) -> Response:
    _log.warning("Refused %a of a Visdom client: %s", path, why)
    return PlainTextResponse(f"trainboard cannot use this request: {why}", 400)
