"""How much one connection may send, and how long it may take, so that nobody keeps the server busy alone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from ..storage.wire import INGEST_PATH

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BODY = 4 << 20
BODY_SECONDS = 20.0
LINGER_SECONDS = 2.0
MAX_HEAD = 64 << 10
HEAD_SECONDS = 10.0
MAX_VISDOM_BODY = 64 << 20
"""Visdom's clients send videos and large images in one piece, and people files of models."""
VISDOM_BODY_SECONDS = 60.0
MAX_CONNECTIONS = 4_096


class LimitedProtocol(HttpToolsProtocol):
    """HTTP as uvicorn speaks it, but the head of a request must be short and must arrive soon.

    A head is what comes before the body; uvicorn itself waits for it forever, whatever its length.
    """

    _head_bytes = 0
    _head_timer: asyncio.TimerHandle | None = None
    _has_head = False
    _messages = 0

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        before = self._messages
        super().data_received(data)
        if self._has_head or self._messages > before or self.transport.is_closing():
            return  # the rest of this data was of a request that is whole, and may be at work for long
        self._await_head()
        self._head_bytes += len(data)
        if self._head_bytes > MAX_HEAD:
            self.send_400_response(f"The head of a request may have {MAX_HEAD} bytes.")

    def on_headers_complete(self) -> None:
        self._has_head, self._head_bytes = True, 0
        self._stop_waiting()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._has_head = False
        self._messages += 1
        super().on_message_complete()

    def _await_head(self) -> None:
        if self._head_timer is None:
            self._head_timer = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def _stop_waiting(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None


class LimitedBodies:
    """Reads a request's whole body before the application sees it, and refuses one that is too much.

    What programs log is larger, and has limits of its own where it is taken in.
    """

    def __init__(self, app: ASGIApp, is_visdom: Callable[[Scope], bool] = lambda scope: False) -> None:
        self._app = app
        self._is_visdom = is_visdom

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] == INGEST_PATH:
            await self._app(scope, receive, send)
            return
        visdom = self._is_visdom(scope)
        most, seconds = (MAX_VISDOM_BODY, VISDOM_BODY_SECONDS) if visdom else (MAX_BODY, BODY_SECONDS)
        try:
            async with asyncio.timeout(seconds):
                body = await _read(scope, receive, most)
        except TimeoutError:
            refusal = _refusal(408, f"The body did not arrive in {seconds:.0f} seconds.")
        except ValueError as error:
            refusal = _refusal(413, str(error))
        else:
            await self._app(scope, _after(body, receive), send)
            return
        await _refuse(refusal, receive, send, most)


async def _read(scope: Scope, receive: Receive, most: int) -> bytes:
    """The body. Raises ``ValueError`` if it is, or says it will be, too large."""
    announced = Headers(scope=scope).get("content-length", "")
    _check(int(announced) if announced.isdecimal() else 0, most)
    received = bytearray()
    more = True
    while more:
        message = await receive()
        received += message.get("body", b"")
        _check(len(received), most)
        more = message.get("more_body", False)
    return bytes(received)


def _check(size: int, most: int) -> None:
    if size > most:
        raise ValueError(f"The body is more than {most} bytes.")


async def _refuse(refusal: JSONResponse, receive: Receive, send: Send, most: int) -> None:
    """Answer at once, and only then drop what still comes, up to ``most`` bytes.

    Who is still sending when the connection closes would hear of that, and not of the answer.
    """
    headers = refusal.raw_headers
    await send({"type": "http.response.start", "status": refusal.status_code, "headers": headers})
    await send({"type": "http.response.body", "body": bytes(refusal.body), "more_body": True})
    dropped, more = 0, True
    with suppress(TimeoutError):
        async with asyncio.timeout(LINGER_SECONDS):
            while more and dropped < most:
                message = await receive()
                dropped += len(message.get("body", b""))
                more = message.get("more_body", False)
    await send({"type": "http.response.body"})


def _after(body: bytes, receive: Receive) -> Receive:
    """Gives the body in one piece, and then what else happens on the connection."""
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


def _refusal(status: int, message: str) -> JSONResponse:
    # The rest of the body is not read, so the connection is of no use any more.
    return JSONResponse({"error": "Refused", "message": message}, status, {"connection": "close"})
