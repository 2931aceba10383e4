"""Who may ask, and what a browser may do with the answer: the guard in front of every request."""

from __future__ import annotations

import hmac
import ipaddress
import logging
import math
import re
import secrets
from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, RedirectResponse, Response

from ..storage.wire import INGEST_PATH
from .guesses import Guesses

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from .visdom.app import Visdom

COOKIE = "trainboard_token"
_COOKIE_SECONDS = 30 * 86_400
_SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
_READING_POSTS = {
    f"/api/v1/{name}"
    for name in (
        "scalars",
        "groups",
        "bands",
        "run-table",
        "comparison",
        "layouts",
        *(f"projector/{name}" for name in ("rows", "cancel", "vectors", "metadata", "label")),
        *(f"graph/{name}" for name in ("about", "view", "find", "box", "file", "twin")),
    )
}
"""What is asked by POST because the question is long, or is to stop the work for an answer."""

_HOST = re.compile(r"(\[[0-9a-f.:]+\]|[^][/?#@:]+)(?::\d+)?")
"""A Host header: a name or an address, and a port. ``urlsplit`` passes over what may stand around them."""
_NEED_READ = "a token is needed: open the address the server printed"
_NEED_LOGIN = "a Visdom client must log in with the write token as its password"
_NEED_WRITE = "logging here needs the write token that the server printed, as TRAINBOARD_WRITE_TOKEN"

_log = logging.getLogger("trainboard.dashboard")


def make_token() -> str:
    """A token no one guesses: 256 random bits."""
    return secrets.token_urlsafe(32)


def is_loopback(host: str) -> bool:
    """Whether only programs on this machine can reach ``host``, a name or an address to bind to."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


_NOTEBOOKS = "http://localhost:* http://127.0.0.1:* vscode-webview:"
# Every page around a frame must be one of these: a page of this machine inside another site's is refused.


def content_policy(script_hashes: Sequence[str], framed: bool = False) -> str:
    """The content security policy: everything from here, no script but files and Dash's own inline ones.

    ``framed`` lets pages of this machine, such as notebooks, show it in a frame; else none may.
    """
    directives = {
        "default-src": "'self'",
        "script-src": " ".join(["'self'", *script_hashes]),
        "style-src": "'self' 'unsafe-inline'",
        "img-src": "'self' data: blob:",
        "font-src": "'self' data:",
        "media-src": "'self' data: blob:",
        "connect-src": "'self'",
        "worker-src": "'self' blob:",
        "object-src": "'none'",
        "base-uri": "'none'",
        "form-action": "'self'",
        "frame-ancestors": _NOTEBOOKS if framed else "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in directives.items())


class Guard:
    """Checks the Host header, the token and the origin of writes, and adds the protective headers.

    A page of another site that has its name point to this machine (DNS rebinding) sends that name as
    Host; without a token only loopback names are believed, with one the token is the proof. The token
    comes once as ``?token=``, is kept in an HttpOnly cookie and taken out of the address; programs send
    ``Authorization: Bearer``. Whatever logs or changes something needs the write token, which reads
    nothing; without either token nothing is asked for. An address that shows many wrong tokens is kept
    waiting.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        host: str,
        port: int,
        token: str | None,
        write_token: str | None = None,
        script_hashes: Sequence[str] = (),
        framed: bool = False,
        visdom: Visdom | None = None,
    ) -> None:
        self._app = app
        self._visdom = visdom
        self._host = host
        self._cookie = f"{COOKIE}_{port}"
        self._token = token
        self._write_token = write_token
        self._guesses = Guesses()
        self._headers = {
            "content-security-policy": content_policy(script_hashes, framed),
            "x-content-type-options": "nosniff",
            "referrer-policy": "same-origin",
            "cross-origin-opener-policy": "same-origin",
            "cross-origin-resource-policy": "same-origin",
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        answer = self._refusal(connection) or self._exchange_token(connection)
        if answer is None:
            await self._app(scope, receive, self._protected(send, connection))
        elif scope["type"] == "http":
            await answer(scope, receive, self._protected(send, connection))
        else:
            await send({"type": "websocket.close", "code": 1008, "reason": "refused"})

    def _refusal(self, connection: HTTPConnection) -> Response | None:
        writes = _writes(connection)
        guarded = self._token is not None or (writes and self._write_token is not None)
        if not guarded and not self._is_known_host(connection.headers):
            return _refuse(connection, 403, "this Host is not served here; open the address it printed")
        if not _is_same_site(connection):
            return _refuse(connection, 403, "requests from other sites are refused")
        if self._visdom is not None and self._visdom.route(connection.scope) is not None:
            return self._refusal_of_program(connection, self._visdom)
        if not guarded:
            return None
        shown = self._write_tokens(connection) if writes else self._read_tokens(connection)
        token = self._write_token if writes else self._token
        return self._refusal_of_tokens(connection, shown, token, _NEED_WRITE if writes else _NEED_READ)

    def _refusal_of_program(self, connection: HTTPConnection, visdom: Visdom) -> Response | None:
        """Whether a Visdom client must log in first. Its cookie is of no use for anything else."""
        if visdom.is_login(connection.scope) or visdom.login.is_allowed(connection.cookies):
            return None
        shown = [*self._write_tokens(connection), *self._read_tokens(connection)]
        # A browser that may read is led to the page.
        token = self._token if connection.scope.get("method") in _SAFE_METHODS else self._write_token
        return self._refusal_of_tokens(connection, shown, token, _NEED_LOGIN)

    def _refusal_of_tokens(
        self, connection: HTTPConnection, shown: Sequence[str], token: str | None, need: str
    ) -> Response | None:
        address = connection.client.host if connection.client else ""
        wait = self._guesses.wait(address) if shown else 0
        if wait:
            refusal = _refuse(connection, 429, "too many different wrong tokens from this address; wait")
            refusal.headers["retry-after"] = str(math.ceil(wait))
            return refusal
        if any(_same(one, token) for one in shown):
            return None
        for one in shown:
            # Whoever mistakes one of our own tokens for the other does not guess.
            if not _same(one, self._token) and not _same(one, self._write_token):
                self._guesses.add(address, one)
        return _refuse(connection, 401, need)

    def _is_known_host(self, headers: Headers) -> bool:
        given = _HOST.fullmatch(headers.get("host", "").lower())
        name = given[1].strip("[]") if given else ""
        return is_loopback(name) or name == self._host.lower()

    def _write_tokens(self, connection: HTTPConnection) -> list[str]:
        return [token for token in (_bearer(connection),) if token]

    def _read_tokens(self, connection: HTTPConnection) -> list[str]:
        shown = [
            _bearer(connection),
            connection.cookies.get(self._cookie),
            connection.query_params.get("token"),
        ]
        return [token for token in shown if token]

    def _exchange_token(self, connection: HTTPConnection) -> Response | None:
        """Move a token from the address to a cookie, so that it is not in the history or in a shared link."""
        is_page = connection.scope.get("method") == "GET" and not connection.url.path.startswith("/api/")
        if self._token is None or not is_page or "token" not in connection.query_params:
            return None
        rest = [pair for pair in parse_qsl(connection.url.query) if pair[0] != "token"]
        target = connection.url.path + (f"?{urlencode(rest)}" if rest else "")
        answer = RedirectResponse("/" + target.lstrip("/"), 303)
        answer.set_cookie(
            self._cookie,
            self._token,
            httponly=True,
            samesite="strict",
            secure=connection.url.scheme == "https",
            max_age=_COOKIE_SECONDS,
        )
        return answer

    def _protected(self, send: Send, connection: HTTPConnection) -> Send:
        # Browsers keep some errors, too: that a store is gone must not be what they remember.
        added = self._headers | ({"cache-control": "no-store"} if _is_api(connection) else {})

        async def send_protected(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in added.items():
                    headers.setdefault(name, value)
            await send(message)

        return send_protected


def _is_same_site(connection: HTTPConnection) -> bool:
    """Whether a request comes from our own pages, from a program that is no browser, or opens a page.

    Another site may lead people to a page of ours, and may not do anything else: not even wait for an
    answer of the API that it could not read. A websocket counts as a write: browsers let any page open
    one.
    """
    headers = connection.headers
    is_http = connection.scope["type"] == "http"
    is_safe = is_http and connection.scope["method"] in _SAFE_METHODS
    if is_safe and (headers.get("sec-fetch-mode") == "navigate" or not _is_api(connection)):
        return True
    if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc == headers.get("host")


def _writes(connection: HTTPConnection) -> bool:
    """Whether a request needs the permission to write: all that logs or changes something by the API."""
    path = connection.scope["path"]
    if path == INGEST_PATH or path.startswith(INGEST_PATH + "/"):
        return True
    is_safe = connection.scope.get("method", "GET") in _SAFE_METHODS
    return _is_api(connection) and not is_safe and path not in _READING_POSTS


def _is_api(connection: HTTPConnection) -> bool:
    return connection.scope["path"].startswith("/api/")


def _bearer(connection: HTTPConnection) -> str:
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    return token if scheme.lower() == "bearer" else ""


def _same(shown: str, token: str | None) -> bool:
    return token is not None and hmac.compare_digest(shown.encode(), token.encode())


def _refuse(connection: HTTPConnection, status: int, reason: str) -> Response:
    client = connection.client.host if connection.client else "unknown"
    # %a: the path is what a stranger sent, and may hold line ends.
    _log.warning("Refused %a from %s: %s", connection.scope["path"], client, reason)
    message = reason[0].upper() + reason[1:] + "."
    # Its body is not read, so the connection is of no use any more.
    return JSONResponse({"error": "Refused", "message": message}, status, {"connection": "close"})
