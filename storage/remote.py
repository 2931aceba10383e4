"""A store behind a trainboard server: the same way in as a database's, over HTTP."""

from __future__ import annotations

import http.client
import json
import os
from typing import Any
from urllib.parse import urlencode, urlsplit

from . import wire
from .errors import (
    NotAStore,
    ProtocolMismatch,
    RunNotFound,
    SpoolGap,
    StoreRefused,
    StoreUnavailable,
    TooLarge,
    TrainboardError,
)
from .location import check_location, without_password
from .sinks import ControlRequest, Resumable, Stored

TOKEN_VARIABLE = "TRAINBOARD_WRITE_TOKEN"
TIMEOUT_S = 20.0
_MAX_REPLY = 64 << 20
_REFUSALS: dict[int, type[TrainboardError]] = {
    401: StoreRefused,
    403: StoreRefused,
    404: RunNotFound,
    409: SpoolGap,
    413: TooLarge,
    426: ProtocolMismatch,
}


class RemoteStore:
    """The server at ``url``, shown the token of ``$TRAINBOARD_WRITE_TOKEN``. For one thread at a time.

    Every request may be repeated without harm, so a reply that was lost is asked for again. Methods raise
    what the server refused with, ``StoreUnavailable`` where it cannot be reached, and ``NotAStore`` where
    something else answers.
    """

    def __init__(self, url: str) -> None:
        check_location(url)
        self.url = url
        parts = urlsplit(url)
        assert parts.hostname is not None
        secure = parts.scheme == "https"
        connect = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        self._connection = connect(parts.hostname, parts.port, timeout=TIMEOUT_S)
        self._path = parts.path.rstrip("/") + wire.INGEST_PATH
        self._headers = {wire.PROTOCOL_HEADER: str(wire.PROTOCOL)}
        token = os.environ.get(TOKEN_VARIABLE)
        if token:
            self._headers["Authorization"] = f"Bearer {token}"

    def close(self) -> None:
        self._connection.close()

    def ingest(self, spool_id: str) -> RemoteIngest:
        """The way in for the frames of one spool."""
        return RemoteIngest(self, spool_id)

    def resumable(self, run_id: str) -> Resumable:
        """Raises ``RunNotFound`` if the server has no such run."""
        return Resumable(**self.ask("GET", "/run", run=run_id))

    def requests(self, run_id: str, since: int) -> list[ControlRequest]:
        """What people asked of a run after the request of number ``since``, in order."""
        found = self.ask("GET", "/requests", run=run_id, since=since)["requests"]
        return [ControlRequest(*request) for request in found]

    def ask(self, method: str, what: str, body: bytes | None = None, **query: str | int) -> dict[str, Any]:
        """The server's answer to one request below its ingest path."""
        target = f"{self._path}{what}?{urlencode(query)}"
        try:
            try:
                return self._exchange(method, target, body)
            except (BrokenPipeError, ConnectionResetError):
                # It closed a connection that was idle, or was restarted.
                self._connection.close()
                return self._exchange(method, target, body)
        except TrainboardError:
            raise
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            reason = str(error) or type(error).__name__
            raise StoreUnavailable(f"Server '{self._name}' cannot be reached: {reason}.") from error

    def _exchange(self, method: str, target: str, body: bytes | None) -> dict[str, Any]:
        self._connection.request(method, target, body, self._headers)
        with self._connection.getresponse() as response:
            spoken = response.getheader(wire.PROTOCOL_HEADER)
            reply = _as_object(response.read(_MAX_REPLY))
        if spoken is None and response.status in (200, 404, 405):
            raise NotAStore(
                f"'{self._name}' does not answer as a trainboard server that takes runs; check the address, "
                "or update trainboard there."
            )
        if response.status == 200:
            return reply
        refusal = _REFUSALS.get(response.status, StoreUnavailable)
        raise refusal(f"Server '{self._name}': {reply.get('message') or response.reason}")

    @property
    def _name(self) -> str:
        return without_password(self.url)


class RemoteIngest:
    """One spool's way into the store of a server; ``Ingest`` says what each method does."""

    def __init__(self, server: RemoteStore, spool_id: str) -> None:
        self._server = server
        self._spool = spool_id

    def stored(self) -> Stored:
        return Stored(**self._server.ask("GET", "", spool=self._spool))

    def feed(self, segment: int, data: bytes | bytearray | memoryview, offset: int) -> int:
        packed = wire.pack(data)
        place = {"spool": self._spool, "segment": segment, "offset": offset}
        return int(self._server.ask("POST", "", packed, **place)["offset"])

    def heartbeat(self) -> None:
        self._server.ask("POST", "/heartbeat", spool=self._spool)

    def abandon(self) -> None:
        self._server.ask("POST", "/abandon", spool=self._spool)


def _as_object(body: bytes) -> dict[str, Any]:
    try:
        reply = json.loads(body)
    except ValueError:
        return {}
    return reply if isinstance(reply, dict) else {}
