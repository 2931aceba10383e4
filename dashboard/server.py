"""One server on one port: ``/api/`` goes to the API, Visdom's paths to its protocol, the rest to Dash."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gc
import logging
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import uvicorn

from ..storage import spools
from ..storage.errors import TrainboardError
from ..storage.location import without_password
from . import graph_file
from .alerts.outbox import Outbox
from .alerts.rule_watch import RuleWatch
from .api import create_api
from .app import create_dash
from .changes import Changes
from .errors import NO_SUCH_FILE
from .limits import MAX_CONNECTIONS, LimitedBodies, LimitedProtocol
from .pages import PAGES
from .projector import files as projector_files
from .security import Guard, is_loopback, make_token
from .spool_watch import SpoolWatch
from .visdom.api import IMPORT_PATH
from .visdom.app import Visdom

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from ..storage import Store

DEFAULT_PORT = 6006
_LOOK_SECONDS = 1.0
_TRIED_PORTS = 101
_UVICORN: dict[str, Any] = {
    "http": LimitedProtocol,
    "ws": "websockets-sansio",
    "limit_concurrency": MAX_CONNECTIONS,
    "timeout_graceful_shutdown": 1,
}

_IN_NO_PATH = ("..", "\0", "\ufffd")
"""Where a path leads out of a folder, ends too early or is not UTF-8."""

_log = logging.getLogger("trainboard.dashboard")


def create_app(
    store: Store,
    *,
    host: str = "127.0.0.1",
    port: int = DEFAULT_PORT,
    token: str | None = None,
    write_token: str | None = None,
    visdom_base_url: str = "",
    visdom_read_only: bool = False,
) -> ASGIApp:
    """The dashboard as an ASGI application.

    ``host`` and ``port`` are where it will be reached: they decide which Host headers are believed.
    With a ``token`` every request must show it; a ``host`` other than loopback demands one
    (``ValueError``). With either token programs must show ``write_token`` to log here. Serve it with its
    lifespan, which adopts the spools that dead programs left behind.
    """
    visdom = Visdom(store, write_token, visdom_base_url, read_only=visdom_read_only)
    return _create_app(store, Changes(store), visdom, host, port, token, write_token)


def _create_app(
    store: Store,
    changes: Changes,
    visdom: Visdom,
    host: str,
    port: int,
    token: str | None,
    write_token: str | None,
    framed: bool = False,
) -> ASGIApp:
    if token is None and not is_loopback(host):
        raise ValueError(f"{host!r} can be reached by other machines, so a token is needed.")
    dash = create_dash(store)
    dispatcher = _Dispatcher(store, changes, visdom, dash.server, is_loopback(host))
    files = (IMPORT_PATH, graph_file.PATH, projector_files.VECTORS_PATH, projector_files.METADATA_PATH)
    app = LimitedBodies(dispatcher, lambda scope: bool(visdom.route(scope)) or scope["path"] in files)
    hashes = dash.csp_hashes()
    return Guard(
        app,
        host=host,
        port=port,
        token=token,
        write_token=write_token,
        script_hashes=hashes,
        framed=framed,
        visdom=visdom,
    )


class _Dispatcher:
    def __init__(self, store: Store, changes: Changes, visdom: Visdom, dash: ASGIApp, is_local: bool) -> None:
        self._store = store
        self._visdom = visdom
        self._changes = changes
        self._watch = SpoolWatch(store)
        self._rules = RuleWatch(store, Outbox(is_local))
        self._api = create_api(store, changes, self._watch, visdom, self._rules)
        self._dash = dash
        self._pages = {page.PATH for page in PAGES}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(scope, receive, send)
        elif self._visdom.route(scope) is not None:
            await self._visdom(scope, receive, send)
        elif scope["path"] == "/api" or scope["path"].startswith("/api/"):
            await self._api(scope, receive, send)
        elif any(part in scope["path"] for part in _IN_NO_PATH):
            await NO_SUCH_FILE(scope, receive, send)
        elif scope["path"] in self._pages:
            await self._dash({**scope, "path": "/", "raw_path": b"/"}, receive, send)
        else:
            await self._dash(scope, receive, send)

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        work = [_look_after(self._store, self._changes, self._watch), self._rules.run()]
        tasks = [asyncio.create_task(one) for one in work]
        try:
            await self._dash(scope, receive, send)
        finally:
            self._rules.outbox.close()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def _look_after(store: Store, changes: Changes, watch: SpoolWatch) -> None:
    """Find a replaced store again, take in what dead programs left behind, and tell of who is behind."""
    said = ""
    while True:
        try:
            if await asyncio.to_thread(store.reopen):
                _log.warning("Another store is at '%s' now; showing that one", without_password(store.url))
            changes.tell(await asyncio.to_thread(watch.behind))
            await asyncio.to_thread(spools.adopt_orphans, store)
            said = ""
        except TrainboardError as error:
            if str(error) != said:
                said = str(error)
                _log.warning("%s Trying again", said)
        except Exception:
            _log.exception("Spools left behind could not be read; trying again")
        await asyncio.sleep(_LOOK_SECONDS)


def serve(
    store: Store,
    host: str = "127.0.0.1",
    port: int = DEFAULT_PORT,
    *,
    token: str | None = None,
    write_token: str | None = None,
    visdom_port: int | None = None,
    visdom_base_url: str = "",
    visdom_read_only: bool = False,
    logs_read: Callable[[], float | None] = lambda: None,
    ready: Callable[[str], Any] = lambda address: None,
) -> None:
    """Serve until Ctrl-C or SIGTERM.

    A port in use is replaced by the next free one (0 means any). A ``host`` other than loopback gets a
    token made for it unless one is given, and where there is a token, so is one for programs that log.
    With ``visdom_port`` the same is served on that port, too, where Visdom's clients look for a server;
    with ``visdom_read_only`` nobody changes their windows on the page. ``logs_read`` says which part of
    TensorBoard's logs is read, while that takes long.
    Prints the address, then calls ``ready`` with it.
    """
    with contextlib.ExitStack() as open_until_end:
        listener = open_until_end.enter_context(bind(host, port))
        listeners = [listener]
        if visdom_port is not None:
            listeners.append(open_until_end.enter_context(bind(host, visdom_port, tried=1)))
        bound = listener.getsockname()[1]
        if port not in (0, bound):
            print(f"Port {port} is in use, so this is port {bound}.", flush=True)
        if token is None and not is_loopback(host):
            token = make_token()
        if token is not None and write_token is None:
            write_token = make_token()
        address = address_of(host, bound, token)

        def started() -> None:
            # What is loaded by now stays: looking through it for garbage would stop all answers for long.
            gc.freeze()
            gc.enable()
            _announce(address, write_token)
            if visdom_port is not None:
                print(f"Visdom clients reach it on port {listeners[1].getsockname()[1]}", flush=True)
            ready(address)

        server = Server(
            store,
            listener,
            host=host,
            token=token,
            write_token=write_token,
            visdom_base_url=visdom_base_url,
            visdom_read_only=visdom_read_only,
            logs_read=logs_read,
            started=started,
        )
        with contextlib.suppress(KeyboardInterrupt):
            server.run(listeners)


def bind(host: str, port: int, tried: int = _TRIED_PORTS) -> socket.socket:
    """Listen on the first free port of ``tried`` from ``port`` on (0: any).

    Raises ``OSError`` if none is free or there is no such host.
    """
    family = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][0]
    last = port if port == 0 else min(port + tried - 1, 65_535)
    for candidate in range(port, last + 1):
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, candidate))
            listener.listen(128)
            return listener
        except OSError as error:
            listener.close()
            if error.errno != errno.EADDRINUSE or candidate == last:
                raise
    raise AssertionError("unreachable")


def address_of(host: str, port: int, token: str | None) -> str:
    """The address to open in a browser on this machine, with the token where one is needed."""
    name = "127.0.0.1" if host in ("", "0.0.0.0") else "[::1]" if host == "::" else host
    name = f"[{name}]" if ":" in name and not name.startswith("[") else name
    return f"http://{name}:{port}/" + (f"?token={token}" if token else "")


def _announce(address: str, write_token: str | None) -> None:
    print(f"trainboard is at {address}  (Ctrl-C stops it)", flush=True)
    if write_token is not None:
        print(f"Programs log to it with TRAINBOARD_WRITE_TOKEN={write_token}", flush=True)


class Server(uvicorn.Server):
    """The dashboard of one store on a socket that listens already; ``run()`` it in any thread.

    Calls ``started`` once it answers. Setting ``should_exit`` stops it, and pages that wait for a change
    are answered first.
    """

    def __init__(
        self,
        store: Store,
        listener: socket.socket,
        *,
        host: str = "127.0.0.1",
        token: str | None = None,
        write_token: str | None = None,
        framed: bool = False,
        visdom_base_url: str = "",
        visdom_read_only: bool = False,
        logs_read: Callable[[], float | None] = lambda: None,
        started: Callable[[], Any] = lambda: None,
    ) -> None:
        self._listener = listener
        self._tell_started = started
        self._changes = Changes(store, logs_read)
        self._visdom = Visdom(store, write_token, visdom_base_url, read_only=visdom_read_only)
        port = listener.getsockname()[1]
        app = _create_app(store, self._changes, self._visdom, host, port, token, write_token, framed)
        super().__init__(uvicorn.Config(app, log_level="warning", access_log=False, **_UVICORN))

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        super().run(sockets or [self._listener])

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._tell_started()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._changes.close()
        self._visdom.close()
        await super().shutdown(sockets)
