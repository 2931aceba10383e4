"""The table of a project of 50,000 runs: what the server and the page take for what people do there.

``python -m benchmarks.run_table`` prints the figures for an SQLite file; with an empty database,
``--postgresql postgresql+psycopg://…``, for that beside it.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .browser import page
from .measure import table
from .server import Server

if TYPE_CHECKING:
    from trainboard.storage import Store

RUNS = 50_000
TAGS = ("train/loss", "val/loss", "val/accuracy")
COLUMNS = ["config.lr", "config.model", "last.train/loss", "last.val/loss"]
ASKED: dict[str, dict[str, Any]] = {
    "first page": {},
    "page at row 40,000": {"offset": 40_000},
    "sorted by name": {"sort": [["name", False]]},
    "sorted by `config.lr`": {"sort": [["config.lr", True]]},
    "sorted by `last.val/loss`": {"sort": [["last.val/loss", False]]},
    "words: `wide seed7`": {"where": "wide seed7"},
    "pattern: `/seed[0-4]$/`": {"where": "/seed[0-4]$/"},
    "`config.lr > 1e-3 and status = finished`": {"where": "config.lr > 1e-3 and status = finished"},
    "`last.val/loss < 0.2`": {"where": "last.val/loss < 0.2"},
}
_REPEATS = 5
_AT_ONCE = 2_000
_PACKAGES = {f"package-{number}": f"{number % 7}.{number % 11}.0" for number in range(150)}


def fill(store: Store, runs: int) -> None:
    """Write the rows that drained runs leave; what points they have does not matter to the table."""
    from sqlalchemy import insert

    from trainboard.storage import schema
    from trainboard.storage.bulk import insert_rows

    source = random.Random(0)
    for first in range(0, runs, _AT_ONCE):
        numbers = range(first, min(first + _AT_ONCE, runs))
        with store.writing() as connection:
            connection.execute(insert(schema.runs), [_run(number, source) for number in numbers])
            rows = [row for number in numbers for row in _series(number, source)]
            insert_rows(connection, schema.series, rows)


def _run(number: int, source: random.Random) -> dict[str, Any]:
    model, seed = ("narrow", "wide")[number % 2], number % 10
    began = 1.7e9 + 60 * number
    return {
        "run_id": _id(number),
        "project": "many",
        "name": f"{model}-{number:05}-seed{seed}",
        "group_name": model,
        "tags": ["sweep"],
        "notes": "",
        "config": {"lr": 10 ** source.uniform(-5, -1), "model": model, "seed": seed, "layers": number % 8},
        "environment": {"python": "3.11.7", "packages": _PACKAGES, "argv": ["train.py", f"--seed={seed}"]},
        "summary": {},
        "status": "finished" if number % 20 else "crashed",
        "dropped": 0,
        "damaged": 0,
        "created_at": began,
        "updated_at": began + 50,
        "ended_at": began + 50,
        "revision": 3,
    }


def _series(number: int, source: random.Random) -> Iterator[dict[str, Any]]:
    from trainboard.storage.series import SeriesKey
    from trainboard.storage.summary import empty_row

    for tag in TAGS:
        last = source.uniform(0.1, 1.0)
        told = {"count": 100, "finite_count": 100, "first_step": 0, "last_step": 99, "last": last}
        told |= {"minimum": last, "maximum": 3.0, "mean": last + 0.5, "min_step": 99, "max_step": 0}
        yield empty_row(_id(number), SeriesKey(0, "scalar", tag)) | told


def _id(number: int) -> str:
    return f"{number * 0x9E3779B97F4A7C15 % 2**64:016x}"


def measure(store: str) -> dict[str, float]:
    """Milliseconds of the answers to a page, and of the page itself."""
    found: dict[str, float] = {}
    with Server(store) as server:
        for name, asked in ASKED.items():
            found[name] = _median(server.url, "run-table", {"project": "many", "columns": COLUMNS} | asked)
        found["ids of all, for a change of all"] = _median(server.url, "run-ids", {"project": "many"})
        found["first rows in the browser, cold"] = first_rows(server.url)
        ids = _asked(server.url, "run-ids", {"project": "many"})["ids"]
        for action in ("archive", "unarchive", "delete", "restore"):
            begin = time.perf_counter()
            _asked(server.url, "run-changes", {"action": action, "runs": ids})
            found[f"{action} all"] = 1_000 * (time.perf_counter() - begin)
        found["memory of the server, MB"] = server.memory
    return found


def first_rows(url: str) -> float:
    """Milliseconds from opening the page to the first row of the table, in headless Chromium."""
    with page() as tab:
        begin = time.perf_counter()
        tab.goto(f"{url}/runs")
        tab.wait_for_selector("#run-grid [col-id='name'] a", timeout=120_000)
        return 1_000 * (time.perf_counter() - begin)


def _median(url: str, path: str, body: dict[str, Any]) -> float:
    took = []
    for _ in range(_REPEATS):
        begin = time.perf_counter()
        _asked(url, path, body)
        took.append(1_000 * (time.perf_counter() - begin))
    return statistics.median(took)


def _asked(url: str, path: str, body: dict[str, Any]) -> Any:
    headers = {"content-type": "application/json"}
    request = urllib.request.Request(f"{url}/api/v1/{path}", json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=300) as answer:
        return json.load(answer)


def report(postgresql: str = "") -> str:
    from trainboard.storage import open_store

    with tempfile.TemporaryDirectory() as folder:
        stores = {"SQLite": str(Path(folder, "store.db"))} | (
            {"PostgreSQL": postgresql} if postgresql else {}
        )
        figures = {}
        for engine, url in stores.items():
            store = open_store(url, create=True)
            fill(store, RUNS)
            store.close()
            figures[engine] = measure(url)
    rows = [(name, *(f"{one[name]:,.0f}" for one in figures.values())) for name in figures["SQLite"]]
    return table(f"The table of {RUNS:,} runs, milliseconds", ("", *stores), rows)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run_table", description=__doc__)
    parser.add_argument("--postgresql", default="", metavar="URL", help="an empty database")
    print(report(parser.parse_args().postgresql))


if __name__ == "__main__":
    main()
