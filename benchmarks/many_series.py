"""A store of many runs with many tags, and one of many runs: what the server and the page take to show them.

``python -m benchmarks.many_series`` prints the table; ``--runs 300 --tags 1500`` is for one store.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from .measure import Row, table
from .server import Server

STORES = ((1_500, 1_500, 20), (100_000, 1, 20), (1, 1_000_000, 1))
WIDTH = 500
_BATCH = 256
_PIECE = 1 << 20


def build(path: Path, runs: int, tags: int, steps: int) -> float:
    """Store so many runs of so many tags as drains would; returns seconds."""
    from trainboard.storage import open_store
    from trainboard.storage.frames import FrameType, message

    store = open_store(path, create=True)
    said = b"".join(_scalars(tags, steps))
    begin = time.perf_counter()
    for number in range(runs):
        run = f"run-{number:06}"
        opened = json.dumps({"format": 1, "spool": run, "run": run, "rank": 0}).encode()
        described = {"project": "many", "name": run, "created_at": 1.8e9 + number, "config": {"lr": number}}
        data = message(FrameType.OPEN, opened).data
        data += message(FrameType.RUN, json.dumps(described).encode()).data + said
        data += message(FrameType.FINISH, b'{"status": "finished"}').data
        ingest, at = store.ingest(run), 0
        while at < len(data):
            at = ingest.feed(0, data[at : at + _PIECE], at)
    store.close()
    return time.perf_counter() - begin


def _scalars(tags: int, steps: int) -> Iterator[bytes]:
    """Declarations of the series, then the points of each."""
    from trainboard.storage.frames import FrameType, message, scalar_batch

    for tag in range(tags):
        name = json.dumps({"kind": "scalar", "tag": f"layer_{tag // 10:06}/metric_{tag % 10}"})
        yield message(FrameType.SERIES, name.encode(), tag).data
    for step in range(steps):
        for first in range(0, tags, _BATCH):
            fields: list[float] = []
            for position, tag in enumerate(range(first, min(first + _BATCH, tags))):
                mark = FrameType.SCALAR | position << 8
                fields += [step, 1.8e9 + step, 1 / (1 + step + tag % 7), tag, mark]
            yield scalar_batch(fields).data


def measure(path: Path) -> dict[str, float]:
    """Milliseconds of what a page asks first, and what the server takes of memory."""
    found: dict[str, float] = {}
    begin = time.perf_counter()
    with Server(path) as server:
        found["server starts"] = 1_000 * (time.perf_counter() - begin)
        found["memory at start, MB"] = server.memory
        answer, found["run list"] = _asked(lambda: _get(f"{server.url}/api/v1/runs?limit=100"))
        newest = [run["id"] for run in answer["runs"][:10]]
        ids = ",".join(newest)
        answer, found["tags of 10 runs"] = _asked(lambda: _get(f"{server.url}/api/v1/series?runs={ids}"))
        tags = [tag for tag, _, _ in answer["series"][:12]]
        wanted = [{"run": run, "tag": tag} for run in newest for tag in tags]
        body = json.dumps({"series": wanted, "width": WIDTH}).encode()
        _, found["12 charts of 10 runs"] = _asked(lambda: _read(f"{server.url}/api/v1/scalars", body))
        found["first chart in the browser"] = first_chart(server.url)
        found["memory, MB"] = server.memory
    return found


def first_chart(url: str) -> float:
    """Milliseconds from opening the page to the first curve on it, in headless Chromium."""
    from .browser import page

    with page() as tab:
        begin = time.perf_counter()
        tab.goto(url)
        tab.wait_for_selector(".card canvas", timeout=120_000)
        return 1_000 * (time.perf_counter() - begin)


def _asked(ask: Callable[[], Any]) -> tuple[Any, float]:
    begin = time.perf_counter()
    answer = ask()
    return answer, 1_000 * (time.perf_counter() - begin)


def _get(url: str) -> Any:
    return json.loads(_read(url))


def _read(url: str, body: bytes | None = None) -> bytes:
    request = urllib.request.Request(url, body, {"content-type": "application/json"} if body else {})
    with urllib.request.urlopen(request, timeout=300) as answer:
        return answer.read()


def report(stores: tuple[tuple[int, int, int], ...] = STORES) -> str:
    rows: list[Row] = []
    header: Row = ()
    for runs, tags, steps in stores:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "store.db")
            seconds = build(path, runs, tags, steps)
            size = path.stat().st_size / 1e6
            figures = {"stored in, s": seconds, "store, MB": size} | measure(path)
        header = ("runs", "tags of each", "points of each", *figures)
        rows.append(
            (f"{runs:,}", f"{tags:,}", f"{steps}", *(f"{figure:,.0f}" for figure in figures.values()))
        )
    return table("Many runs and tags, milliseconds", header, rows)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.many_series", description=__doc__)
    parser.add_argument("--runs", type=int)
    parser.add_argument("--tags", type=int)
    parser.add_argument("--steps", type=int, default=20)
    asked = parser.parse_args()
    print(report(((asked.runs or 1, asked.tags or 1, asked.steps),) if asked.runs or asked.tags else STORES))


if __name__ == "__main__":
    main()
