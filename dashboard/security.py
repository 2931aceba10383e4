"""Who may ask, and what a browser may do with the answer: the guard in front of every request."""

from __future__ import annotations

import hmac
import ipaddress
import logging
import secrets
from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, RedirectResponse, Response

from ..storage.wire import INGEST_PATH

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE = "trainboard_token"
_SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}

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


def content_policy(script_hashes: Sequence[str]) -> str:
    """The content security policy: everything from here, no script but files and Dash's own inline ones."""
    directives = {
        "default-src": "'self'",
        "script-src": " ".join(["'self'", *script_hashes]),
        "style-src": "'self' 'unsafe-inline'",
        "img-src": "'self' data: blob:",
        "font-src": "'self' data:",
        "connect-src": "'self'",
        "worker-src": "'self' blob:",
        "object-src": "'none'",
        "base-uri": "'none'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in directives.items())


class Guard:
    """Checks the Host header, the token and the origin of writes, and adds the protective headers.

    A page of another site that has its name point to this machine (DNS rebinding) sends that name as
    Host; without a token only loopback names are believed, with one the token is the proof. The token
    comes once as ``?token=``, is kept in an HttpOnly cookie and taken out of the address; programs send
    ``Authorization: Bearer``. Programs that log need the write token, which reads nothing; without either
    token they need none.
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
    ) -> None:
        self._app = app
        self._host = host
        self._cookie = f"{COOKIE}_{port}"
        self._token = token
        self._write_token = write_token
        self._headers = {
            "content-security-policy": content_policy(script_hashes),
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
            await self._app(scope, receive, self._protected(send))
        elif scope["type"] == "http":
            await answer(scope, receive, self._protected(send))
        else:
            await send({"type": "websocket.close", "code": 1008, "reason": "refused"})

    def _refusal(self, connection: HTTPConnection) -> Response | None:
        logs = _is_ingest(connection)
        guarded = self._token is not None or (logs and self._write_token is not None)
        if not guarded and not self._is_known_host(connection.headers):
            return _refuse(connection, 403, "this Host is not served here; open the address it printed")
        if not _is_same_site(connection):
            return _refuse(connection, 403, "writes from other sites are refused")
        if guarded and logs and not self._has_write_token(connection):
            return _refuse(
                connection,
                401,
                "logging here needs the write token that the server printed, as TRAINBOARD_WRITE_TOKEN",
            )
        if guarded and not logs and not self._has_token(connection):
            return _refuse(connection, 401, "a token is needed: open the address the server printed")
        return None

    def _is_known_host(self, headers: Headers) -> bool:
        try:
            name = urlsplit("//" + headers.get("host", "")).hostname or ""
        except ValueError:
            return False
        return is_loopback(name) or name == self._host.lower()

    def _has_write_token(self, connection: HTTPConnection) -> bool:
        return _same(_bearer(connection), self._write_token)

    def _has_token(self, connection: HTTPConnection) -> bool:
        shown = [
            _bearer(connection),
            connection.cookies.get(self._cookie),
            connection.query_params.get("token"),
        ]
        return any(_same(token, self._token) for token in shown if token)

    def _exchange_token(self, connection: HTTPConnection) -> Response | None:
        """Move a token from the address to a cookie, so that it is not in the history or in a shared link."""
        is_page = connection.scope.get("method") == "GET" and not connection.url.path.startswith("/api/")
        if self._token is None or not is_page or "token" not in connection.query_params:
            return None
        rest = [pair for pair in parse_qsl(connection.url.query) if pair[0] != "token"]
        target = connection.url.path + (f"?{urlencode(rest)}" if rest else "")
        answer = RedirectResponse("/" + target.lstrip("/"), 303)
        answer.set_cookie(self._cookie, self._token, httponly=True, samesite="strict", max_age=30 * 86_400)
        return answer

    def _protected(self, send: Send) -> Send:
        async def send_protected(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
            await send(message)

        return send_protected


def _is_same_site(connection: HTTPConnection) -> bool:
    """Whether a write comes from our own pages, or from a program that is no browser.

    A websocket counts as a write: browsers let any page open one.
    """
    if connection.scope["type"] == "http" and connection.scope["method"] in _SAFE_METHODS:
        return True
    if connection.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = connection.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == connection.headers.get("host")


def _is_ingest(connection: HTTPConnection) -> bool:
    path = connection.scope["path"]
    return path == INGEST_PATH or path.startswith(INGEST_PATH + "/")


def _bearer(connection: HTTPConnection) -> str:
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    return token if scheme.lower() == "bearer" else ""


def _same(shown: str, token: str | None) -> bool:
    return token is not None and hmac.compare_digest(shown.encode(), token.encode())


def _refuse(connection: HTTPConnection, status: int, reason: str) -> Response:
    client = connection.client.host if connection.client else "unknown"
    _log.warning("Refused %s from %s: %s", connection.url.path, client, reason)
    return JSONResponse({"error": "Refused", "message": reason[0].upper() + reason[1:] + "."}, status)
