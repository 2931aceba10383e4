"""The programs that listen for events: over a websocket, or by asking again and again."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
import uuid
from typing import TYPE_CHECKING, Any

from starlette.websockets import WebSocket, WebSocketDisconnect

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

ALIVE = json.dumps({"command": "alive", "data": "vis_alive"})
MAX_WAITING = 1_000
"""Messages kept for a program that does not read them; then it is given up, and may connect again."""

MAX_WAITING_LETTERS = 64 << 20
"""As many of the newest message's length are kept as have this many letters together."""

SILENCE_SECONDS = 15.0
"""A program that asks for messages and has not for this long is forgotten."""


class Listeners:
    """Every event goes to all of them, in order; each picks out what it is about. For one event loop."""

    def __init__(self) -> None:
        self._sockets: set[asyncio.Queue[str | None]] = set()
        self._pollers: dict[str, tuple[float, list[str]]] = {}

    def tell(self, event: dict[str, Any]) -> None:
        """Send an event to every program."""
        message = json.dumps(event)
        most = max(1, min(MAX_WAITING, MAX_WAITING_LETTERS // len(message)))
        for waiting in list(self._sockets):
            if waiting.qsize() < most:
                waiting.put_nowait(message)
            else:
                self._give_up(waiting)
        self._forget_silent()
        for sid, (asked_at, messages) in list(self._pollers.items()):
            self._pollers[sid] = asked_at, [*messages, message][-most:]

    def close(self) -> None:
        """Disconnect all: the server is about to stop."""
        for waiting in list(self._sockets):
            self._give_up(waiting)

    async def listen(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve /vis_socket: say that the server is alive, then every event as it happens."""
        socket = WebSocket(scope, receive, send)
        await socket.accept()
        waiting: asyncio.Queue[str | None] = asyncio.Queue()
        waiting.put_nowait(ALIVE)
        self._sockets.add(waiting)
        sending = asyncio.create_task(_send_all(socket, waiting))
        hearing = asyncio.create_task(self._hear(socket))
        try:
            await asyncio.wait({sending, hearing}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._sockets.discard(waiting)
            for task in (sending, hearing):
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError, WebSocketDisconnect, RuntimeError):
                    await task

    def poll(self, message: dict[str, Any]) -> dict[str, Any]:
        """Answer /vis_socket_wrap: begin, or tell what happened since the last time."""
        self._forget_silent()
        if message.get("message_type") == "init":
            sid = str(uuid.uuid4())
            self._pollers[sid] = time.monotonic(), [ALIVE]
            return {"success": True, "sid": sid}
        sid = str(message.get("sid"))
        if sid not in self._pollers:
            # Without "messages" the client's thread would end.
            return {"success": False, "reason": "closed", "messages": []}
        _, messages = self._pollers[sid]
        self._pollers[sid] = time.monotonic(), []
        return {"success": True, "messages": messages}

    async def _hear(self, socket: WebSocket) -> None:
        while True:
            with contextlib.suppress(ValueError):
                message = json.loads(await socket.receive_text())
                if isinstance(message, dict) and message.get("cmd") == "echo":
                    self.tell(message)

    def _give_up(self, waiting: asyncio.Queue[str | None]) -> None:
        self._sockets.discard(waiting)
        while not waiting.empty():
            waiting.get_nowait()
        waiting.put_nowait(None)

    def _forget_silent(self) -> None:
        since = time.monotonic() - SILENCE_SECONDS
        for sid in [sid for sid, (asked_at, _) in self._pollers.items() if asked_at < since]:
            del self._pollers[sid]


async def _send_all(socket: WebSocket, waiting: asyncio.Queue[str | None]) -> None:
    while (message := await waiting.get()) is not None:
        await socket.send_text(message)
    await socket.close()
