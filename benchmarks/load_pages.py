"""The pages of the load benchmark: what a browser with our charts open asks for, without the browser."""

from __future__ import annotations

import asyncio
import json
import struct
import time
from collections import defaultdict
from typing import Any

SHOWN_RUNS = 10
_REST_SECONDS, _TICK_SECONDS, _LOAD_SECONDS = 0.15, 1.0, 0.5
_LOADED = ("/", "/_dash-layout", "/_dash-dependencies", "/assets/base.css", "/api/v1/runs")


def read_for(port: int, number: int, seconds: float, token: str) -> dict[str, Any]:
    """Keep pages open for ``seconds``; returns what each kind of request took, and the errors met."""
    return asyncio.run(_Pages(port, seconds, token).read(number))


class _Pages:
    def __init__(self, port: int, seconds: float, token: str) -> None:
        self._port, self._token = port, token
        self._until = time.monotonic() + seconds
        self._took: dict[str, list[float]] = defaultdict(list)
        self._errors = 0

    async def read(self, number: int) -> dict[str, Any]:
        await asyncio.gather(self._load(), *(self._follow(index / number) for index in range(number)))
        return {"took": self._took, "errors": self._errors}

    async def _load(self) -> None:
        """Load the page again and again, as people who come to look."""
        connection = _Connection(self._port, self._token)
        while time.monotonic() < self._until:
            begun = time.monotonic()
            for path in _LOADED:
                await self._ask(connection, "GET", path)
            self._took["page"].append(time.monotonic() - begun)
            await asyncio.sleep(_LOAD_SECONDS)

    async def _follow(self, late: float) -> None:
        """One open page: wait for a change, ask for what the charts lack, and rest."""
        waiting, asking = _Connection(self._port, self._token), _Connection(self._port, self._token)
        await asyncio.sleep(late)
        version, totals, tick = -1, {}, 0.0
        while time.monotonic() < self._until:
            answer = await self._ask(waiting, "GET", f"/api/v1/changes?since={version}&wait=4")
            if answer is None:
                continue
            change = json.loads(answer)
            version = change["version"]
            if time.monotonic() > tick:
                tick = time.monotonic() + _TICK_SECONDS
                totals = await self._refresh(asking, totals, change["runs"])
            await self._chart(asking, totals, change["runs"])
            await asyncio.sleep(_REST_SECONDS)

    async def _refresh(self, connection: _Connection, totals: Any, changed: list[str] | None) -> Any:
        """Learn the runs and series, all at first, later those that changed."""
        path = "/api/v1/runs" if changed is None or not totals else f"/api/v1/runs?ids={','.join(changed)}"
        answer = await self._timed("runs", connection, "GET", path)
        ids = sorted(run["id"] for run in json.loads(answer or b'{"runs": []}')["runs"])[:SHOWN_RUNS]
        if not totals and ids:
            answer = await self._ask(connection, "GET", f"/api/v1/series?kind=scalar&runs={','.join(ids)}")
            found = json.loads(answer or b'{"series": [], "runs": {}}')
            tags = [tag for tag, *_ in found["series"]]
            return {(run, tags[place]): 0 for run, places in found["runs"].items() for place in places}
        return totals

    async def _chart(self, connection: _Connection, totals: Any, changed: list[str] | None) -> None:
        wanted = [key for key in totals if changed is None or key[0] in changed]
        if not wanted:
            return
        series = [{"run": run, "tag": tag, "since": totals[run, tag]} for run, tag in wanted]
        body = json.dumps({"series": series, "width": 500, "axis": "step"}).encode()
        answer = await self._timed("scalars", connection, "POST", "/api/v1/scalars", body)
        if answer is None:
            return
        (length,) = struct.unpack_from("<I", answer)
        for key, line in zip(wanted, json.loads(answer[4 : 4 + length]), strict=True):
            totals[key] = line["total"] if line else 0

    async def _timed(self, name: str, *request: Any) -> bytes | None:
        begun = time.monotonic()
        answer = await self._ask(*request)
        self._took[name].append(time.monotonic() - begun)
        return answer

    async def _ask(self, connection: _Connection, *request: Any) -> bytes | None:
        try:
            status, body = await connection.ask(*request)
        except (OSError, EOFError):
            status, body = 0, b""
        if status == 200:
            return body
        self._errors += 1
        await asyncio.sleep(_TICK_SECONDS)
        return None


class _Connection:
    """One kept-alive connection, and as little of HTTP as that takes."""

    def __init__(self, port: int, token: str) -> None:
        self._port = port
        self._head = f"Host: 127.0.0.1:{port}\r\nAuthorization: Bearer {token}\r\n"
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, method: str, path: str, body: bytes = b"") -> tuple[int, bytes]:
        reader, writer = await self._streams_now()
        writer.write(
            f"{method} {path} HTTP/1.1\r\n{self._head}Content-Length: {len(body)}\r\n\r\n".encode() + body
        )
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        length = int(head.partition("content-length:")[2].partition("\r\n")[0])
        answer = await reader.readexactly(length)
        self._streams = reader, writer
        return int(head.split(" ", 2)[1]), answer

    async def _streams_now(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """The connection, made anew where the server closed it because it was idle."""
        streams, self._streams = self._streams, None
        if streams is None or streams[0].at_eof():
            return await asyncio.open_connection("127.0.0.1", self._port)
        return streams
