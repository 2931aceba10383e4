"""Where programs on other machines log to: spools' frames in, each exactly once, and how far they are."""

from __future__ import annotations

import asyncio
import json
import threading
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ..storage import wire
from ..storage.errors import TooLarge, TrainboardError
from ..storage.location import sqlite_path
from ..storage.wire import INGEST_PATH
from . import asked
from .errors import told

if TYPE_CHECKING:
    from ..storage import Store
    from ..storage.ingest import Ingest

BODY_SECONDS = 60.0
_HELD_BODIES = 2
"""How many of the largest size may be in memory at once, or more that are smaller."""
_REMEMBERED_SPOOLS = 256
_MAX_NAME = 200

Handler = Callable[[Request], Awaitable[dict[str, Any]]]


def create_routes(store: Store) -> list[BaseRoute]:
    """The routes below ``/api/v1/ingest``; the guard in front of them asks for the write token."""
    intake = _Intake(store)
    return [
        Route(INGEST_PATH, _spoken(intake.stored), methods=["GET"]),
        Route(INGEST_PATH, _spoken(intake.feed), methods=["POST"]),
        Route(f"{INGEST_PATH}/heartbeat", _spoken(intake.heartbeat), methods=["POST"]),
        Route(f"{INGEST_PATH}/abandon", _spoken(intake.abandon), methods=["POST"]),
        Route(f"{INGEST_PATH}/run", _spoken(intake.run), methods=["GET"]),
        Route(f"{INGEST_PATH}/requests", _spoken(intake.requests), methods=["GET"]),
    ]


@dataclass
class _Spool:
    """A spool's way in. A retry may arrive while the request it repeats is still at work."""

    ingest: Ingest
    lock: threading.Lock = field(default_factory=threading.Lock)


class _Intake:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._bodies = _Bodies()
        self._spools: OrderedDict[str, _Spool] = OrderedDict()
        self._lock = threading.Lock()
        # Threads of its own, so that writers never keep readers waiting; SQLite has one writer at a time.
        writers = 1 if sqlite_path(store.url) else 8
        self._writers = ThreadPoolExecutor(writers, thread_name_prefix="trainboard-ingest")

    async def stored(self, request: Request) -> dict[str, Any]:
        """``?spool=ID``: how far it is in the store, as ``storage.sinks.Stored``."""
        return (await self._do(request, lambda ingest: ingest.stored()))._asdict()

    async def feed(self, request: Request) -> dict[str, Any]:
        """``?spool=ID&segment=N&offset=BYTE``, the body packed: answers with where to feed on."""
        segment, offset = asked.place(request, "segment"), asked.place(request, "offset")
        async with self._bodies.received(request) as body:

            def feed(ingest: Ingest) -> int:
                return ingest.feed(segment, _unpacked(body), offset)

            return {"offset": await self._do(request, feed)}

    async def heartbeat(self, request: Request) -> dict[str, Any]:
        """``?spool=ID``: its program lives."""
        await self._do(request, lambda ingest: ingest.heartbeat())
        return {}

    async def abandon(self, request: Request) -> dict[str, Any]:
        """``?spool=ID``: its program is dead, and all it said has been fed."""
        await self._do(request, lambda ingest: ingest.abandon())
        return {}

    async def run(self, request: Request) -> dict[str, Any]:
        """``?run=ID``: what a program must know to continue it, as ``storage.sinks.Resumable``."""
        run_id = _name(request, "run")
        return asdict(await asyncio.to_thread(self._store.resumable, run_id))

    async def requests(self, request: Request) -> dict[str, Any]:
        """``?run=ID&since=NUMBER``: what people asked of the run after that, as ``ControlRequest``."""
        run_id, since = _name(request, "run"), asked.place(request, "since")
        return {"requests": await asyncio.to_thread(self._store.requests, run_id, since)}

    async def _do(self, request: Request, work: Callable[[Ingest], Any]) -> Any:
        spool_id = _name(request, "spool")

        def do() -> Any:
            spool = self._spool(spool_id)
            with spool.lock:
                return work(spool.ingest)

        return await asyncio.get_running_loop().run_in_executor(self._writers, do)

    def _spool(self, spool_id: str) -> _Spool:
        """The spool's way in; of one not heard of lately a new one, which learns its series again."""
        with self._lock:
            spool = self._spools.pop(spool_id, None) or _Spool(self._store.ingest(spool_id))
            self._spools[spool_id] = spool
            if len(self._spools) > _REMEMBERED_SPOOLS:
                self._spools.popitem(last=False)
            return spool


class _Bodies:
    """The bodies that are in memory. Those that would be too much together must come again later."""

    def __init__(self) -> None:
        self._held = 0

    @asynccontextmanager
    async def received(self, request: Request) -> AsyncIterator[bytearray]:
        """The whole body of a request, held until the block ends."""
        wire.check_size(int(request.headers.get("content-length") or 0))
        body = bytearray()
        try:
            await self._receive(request, body)
            yield body
        finally:
            self._held -= len(body)

    async def _receive(self, request: Request, body: bytearray) -> None:
        try:
            async with asyncio.timeout(BODY_SECONDS):
                async for piece in request.stream():
                    body += piece
                    self._held += len(piece)
                    self._check(body)
        except TimeoutError as error:
            said = f"The body did not arrive in {BODY_SECONDS:.0f} seconds."
            raise HTTPException(408, said, {"connection": "close"}) from error
        except ClientDisconnect as error:
            raise HTTPException(400, "The connection ended before the body did.") from error

    def _check(self, body: bytearray) -> None:
        wire.check_size(len(body))
        if self._held > _HELD_BODIES * wire.MAX_BODY:
            said = "The server takes in as much as it has memory for; send this again in a second."
            raise HTTPException(503, said, {"connection": "close", "retry-after": "1"})


def _spoken(handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    """Check that both sides speak one version of the protocol, and answer in it, refusals too."""

    async def answer(request: Request) -> Response:
        try:
            wire.check_protocol(request.headers.get(wire.PROTOCOL_HEADER))
            return _reply(await handler(request))
        except TrainboardError as error:
            return _reply({"error": type(error).__name__, "message": told(error)}, error.http_code)

    return answer


def _reply(content: dict[str, Any], status: int = 200) -> Response:
    headers = {wire.PROTOCOL_HEADER: str(wire.PROTOCOL)}
    if status == TooLarge.http_code:
        headers["connection"] = "close"  # the rest of the body is not read
    # Not JSONResponse: a run's config may hold NaN.
    return Response(json.dumps(content), status, headers, "application/json")


def _unpacked(body: bytearray) -> bytes:
    try:
        return wire.unpack(body)
    except TrainboardError:
        raise
    except ValueError as error:
        raise HTTPException(400, f"These are not frames of a spool: {error}.") from error


def _name(request: Request, parameter: str) -> str:
    text = request.query_params.get(parameter, "")
    if not 0 < len(text) <= _MAX_NAME:
        raise HTTPException(400, f"{parameter!r} must be an id of 1 to {_MAX_NAME} characters.")
    return text
