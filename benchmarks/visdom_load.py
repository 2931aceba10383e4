"""Visdom's clients on our server and on Visdom's own, and what an append costs as its line grows.

Three parts: unmodified clients beside open pages, a raw generator of a thousand appends a second, and
appends to a line of a million points beside those to one of a hundred.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import urlopen

import numpy as np

from .browser import page
from .measure import Row, table
from .server import Server

if TYPE_CHECKING:
    import visdom

CLIENTS, WINDOWS, PAGES = 20, 4, 3
PERIOD, SECONDS = 0.5, 60.0
RATE, CONNECTIONS = 1_000, 16
APPENDS = 20
SIZES = (100, 1_000_000)
THEIRS_SECONDS = 10.0
# Clients that each import everything would keep the machine busy for the first half of the measurement.
_starter = multiprocessing.get_context("forkserver")
_starter.set_forkserver_preload(["visdom", "benchmarks.visdom_load"])
_THEIRS = "from visdom.server.run_server import main; main()"


def report(seconds: float = SECONDS) -> str:
    with tempfile.TemporaryDirectory() as folder:
        store = _new_store(Path(folder))
        with Server(store) as ours:
            latencies, lost = clients(ours.url, seconds)
            rows = [_row("20 clients x 4 windows at 2 Hz, 3 pages open", "trainboard", latencies, lost)]
            latencies, lost = asyncio.run(generate(ours.url, seconds))
            rows.append(_row("1,000 appends a second", "trainboard", latencies, lost))
            growth = [_growth("trainboard", ours.url, SIZES)]
        with _visdom(Path(folder)) as theirs:
            latencies, lost = asyncio.run(generate(theirs, THEIRS_SECONDS))
            rows.append(_row("1,000 appends a second, for 10 s", "visdom", latencies, lost))
            growth.append(_growth("visdom", theirs, (SIZES[0], 100_000)))
    header = ("Load", "Server", "Appends", "Median", "p99", "Lost")
    first = table("Visdom's clients: from a request to its answer", header, rows)
    header = ("Server", "Append to a short line", "To a long one", "Points of that")
    return first + "\n" + table("Visdom's clients: an append as its line grows", header, growth)


def clients(url: str, seconds: float) -> tuple[list[float], int]:
    """Unmodified clients, each in a process, from when each page shows something of what they draw."""
    told, ready = _starter.Queue(), _starter.Barrier(CLIENTS + 1)
    port = urlsplit(url).port
    programs = [
        _starter.Process(target=_client, args=(port, n, seconds, ready, told)) for n in range(CLIENTS)
    ]
    with page() as first:
        browser = first.context.browser
        assert browser is not None
        others = [browser.new_page(viewport=first.viewport_size) for _ in range(PAGES - 1)]
        for number, shown in enumerate((first, *others)):
            shown.goto(f"{url}/panes?env=client{number}")
            shown.get_by_text("No windows.").or_(shown.get_by_text("No environments")).wait_for()
        for program in programs:
            program.start()
        for shown in (first, *others):
            shown.locator(".js-plotly-plot").first.wait_for()
        ready.wait()
        results = [told.get(timeout=seconds + 120) for _ in programs]
    for program in programs:
        program.join()
    stored = [_points(url, f"client{n}", f"w{w}") for n in range(CLIENTS) for w in range(WINDOWS)]
    sent = sum(WINDOWS + len(result) for result in results)
    return [latency for result in results for latency in result], sent - sum(stored)


def _client(
    port: int, number: int, seconds: float, ready: Barrier, told: multiprocessing.Queue[list[float]]
) -> None:
    import visdom

    vis = visdom.Visdom(server="http://127.0.0.1", port=port, env=f"client{number}", raise_exceptions=True)
    latencies: list[float] = []
    for window in range(WINDOWS):
        _draw(vis, window, 0)
    ready.wait()
    time.sleep(PERIOD * number / CLIENTS)  # programs know nothing of one another: they are not in step
    until = time.perf_counter() + seconds
    for step in count(1):
        begun = time.perf_counter()
        if begun > until:
            break
        for window in range(WINDOWS):
            before = time.perf_counter()
            _draw(vis, window, step)
            latencies.append(time.perf_counter() - before)
        time.sleep(max(0.0, PERIOD - (time.perf_counter() - begun)))
    told.put(latencies)


def _draw(vis: visdom.Visdom, window: int, step: int) -> None:
    x, y = np.array([step]), np.array([float(step)])
    vis.line(X=x, Y=y, win=f"w{window}", name="a", update="append", opts={"title": f"w{window}"})


async def generate(url: str, seconds: float) -> tuple[list[float], int]:
    """Appends at an even rate over several connections; a late one is timed from when it was due."""
    urlopen(f"{url}/env/load", b'{"eid": "load"}').close()  # what a client begins with
    begun = time.perf_counter()
    latencies: list[float] = []

    async def one(connection: int) -> int:
        reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(url).port)
        answered = 0
        for number in range(connection, int(RATE * seconds), CONNECTIONS):
            due = begun + number / RATE
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            writer.write(_request(f"w{connection}", [number], [float(number)]))
            answered += await _answer(reader) == f"w{connection}".encode()
            latencies.append(time.perf_counter() - due)
        writer.close()
        return answered

    answered = await asyncio.gather(*(one(connection) for connection in range(CONNECTIONS)))
    stored = sum(_points(url, "load", f"w{connection}") for connection in range(CONNECTIONS))
    return latencies, max(len(latencies), sum(answered)) - stored


def _growth(name: str, url: str, sizes: tuple[int, int]) -> Row:
    short, long = (asyncio.run(_append_time(url, f"of {size}", size)) for size in sizes)
    return name, f"{1e3 * short:.2f} ms", f"{1e3 * long:.2f} ms", f"{sizes[1]:,}"


async def _append_time(url: str, window: str, size: int) -> float:
    """The median time of an append to a line of ``size`` points."""
    reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(url).port, limit=1 << 26)
    for start in range(0, size, 100_000):
        x = list(range(start, min(start + 100_000, size)))
        writer.write(_request(window, x, [float(value) for value in x]))
        await _answer(reader)
    times: list[float] = []
    for number in range(APPENDS):
        before = time.perf_counter()
        writer.write(_request(window, [size + number], [0.5]))
        await _answer(reader)
        times.append(time.perf_counter() - before)
    writer.close()
    return float(np.median(times))


def _request(window: str, x: list[int], y: list[float]) -> bytes:
    trace = {"type": "scatter", "mode": "lines", "name": "a", "x": x, "y": y}
    message = {"eid": "load", "win": window, "name": "a", "append": True, "data": [trace], "layout": {}}
    body = json.dumps({**message, "opts": {}}).encode()
    return b"POST /update HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n" % len(body) + body


async def _answer(reader: asyncio.StreamReader) -> bytes:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = int(head.partition(b"content-length:")[2].split(b"\r\n")[0])
    return await reader.readexactly(length)


def _points(url: str, env: str, window: str) -> int:
    asked = json.dumps({"eid": env, "win": window}).encode()
    with urlopen(f"{url}/win_data", asked) as answer:
        return len(json.load(answer)["content"]["data"][0]["x"])


def _row(load: str, server: str, latencies: list[float], lost: int) -> Row:
    median, late = (f"{1e3 * value:.1f} ms" for value in np.quantile(latencies, [0.5, 0.99]))
    return load, server, f"{len(latencies):,}", median, late, str(lost)


def _new_store(folder: Path) -> Path:
    from trainboard.storage import open_store

    path = folder / "visdom.db"
    open_store(path, create=True).close()
    return path


@contextmanager
def _visdom(folder: Path) -> Iterator[str]:
    """Visdom's own server; it downloads nothing."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = ["-port", str(port), "-bind_local", "-env_path", f"{folder}/envs/"]
    process = subprocess.Popen(
        [sys.executable, "-c", _THEIRS, *options],
        env={**os.environ, "HOME": str(folder)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(300):
            with socket.socket() as there:
                if there.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()
