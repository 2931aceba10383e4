"""What a chart's query takes as series grow, what a comparison of many runs takes, and bytes a point.

``python -m benchmarks.query`` prints the tables. The longest series takes half a minute and 0.7 GB of disk.
"""

from __future__ import annotations

import json
import random
import sqlite3
import statistics
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from .measure import median_of, table
from .server import Server

if TYPE_CHECKING:
    from trainboard.storage import Store
    from trainboard.storage.chunks import Columns

WIDTH = 500
LENGTHS = (10_000, 1_000_000, 100_000_000)
LONGEST = max(LENGTHS)
WINDOWS = {"whole": None, "half": 0.5, "a tenth": 0.1, "1 %": 0.01, "0.1 %": 1e-3, "1,000 points": 0.0}
RUNS, RUN_POINTS = 100, 100_000
_FEED = 1_000_000
_REPEATS = 31


def fill(path: Path, run: str, points: int, seed: int = 0) -> float:
    """Store a noisy float32 loss with wall times, as a drain would; returns the seconds it took."""
    from trainboard.storage import open_store
    from trainboard.storage.append import append_points
    from trainboard.storage.run_rows import load_run
    from trainboard.storage.series import SeriesKey

    store = open_store(path, create=True)
    took = 0.0
    for columns in _curve(points, seed):
        begin = time.perf_counter()
        with store.writing() as connection:
            load_run(connection, run)
            append_points(connection, run, {SeriesKey(0, "scalar", "loss"): columns})
        took += time.perf_counter() - begin
    store.close()
    return took


def _curve(points: int, seed: int) -> Iterator[Columns]:
    import numpy as np

    from trainboard.storage.chunks import Columns

    generator = np.random.default_rng(seed)
    wall = 1.8e9
    for start in range(0, points, _FEED):
        steps = np.arange(start, min(start + _FEED, points))
        walls = wall + np.cumsum(0.05 * np.exp(generator.normal(0, 0.1, len(steps))))
        noise = np.exp(generator.normal(0, 0.08, len(steps)))
        losses = (0.3 + 2 * np.exp(-steps / (points / 5))) * noise
        yield Columns(steps, walls, losses.astype(np.float32).astype(np.float64))
        wall = float(walls[-1])


def one_series(folder: str, points: str) -> dict[str, float]:
    """Milliseconds of a chart's query for each of ``WINDOWS``, never twice the same; bytes and seconds."""
    from trainboard.storage import open_store

    count, path = int(points), Path(folder, "store.db")
    took = fill(path, "run", count)
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    store = open_store(path)
    figures = {"million points/s": count / took / 1e6, "bytes": path.stat().st_size / count}
    for name, part in WINDOWS.items():
        extent = 1_000 if part == 0 else int(count * (part or 0))
        figures[name] = _milliseconds(partial(_ask, store, count, extent, random.Random(0)))
    return figures | {"server": server_memory(path, count)}


def _ask(store: Store, count: int, extent: int, place: random.Random) -> None:
    """One window of so many steps, another one each time, or with 0 the whole series."""
    begin = place.randrange(count - extent)
    store.points("run", "loss", window=(begin, begin + extent) if extent else None, width=WIDTH)


def server_memory(path: Path, points: int) -> float:
    """Megabytes of a server after charts of the whole series and of a hundred windows of it."""
    with Server(path) as server:
        for number in range(100):
            window = [number * points // 200, (number + 100) * points // 200] if number else None
            wanted = {"series": [{"run": "run", "tag": "loss"}], "width": WIDTH, "window": window}
            body, as_json = json.dumps(wanted).encode(), {"content-type": "application/json"}
            address = urllib.request.Request(f"{server.url}/api/v1/scalars", body, as_json)
            with urllib.request.urlopen(address, timeout=60) as answer:
                answer.read()
        return server.memory


def compare(folder: str) -> dict[str, float]:
    """Milliseconds to the arrays of one tag of every run."""
    from trainboard.storage import open_store

    path = Path(folder, "store.db")
    for number in range(RUNS):
        fill(path, f"run-{number}", RUN_POINTS, seed=number)
    store = open_store(path)
    return {
        "all": _milliseconds(lambda: [store.points(f"run-{n}", "loss", width=WIDTH) for n in range(RUNS)])
    }


def _milliseconds(query: Callable[[], object]) -> float:
    took = []
    for _ in range(_REPEATS):
        begin = time.perf_counter()
        query()
        took.append(1_000 * (time.perf_counter() - begin))
    return statistics.median(took)


def report(repeats: int) -> str:
    rows = []
    for points in LENGTHS:
        figures = median_of(1 if points == LONGEST else repeats, "benchmarks.query", "one_series", points)
        times = (f"{figures[name]:.1f}" for name in WINDOWS)
        rows.append(
            (
                f"{points:,}",
                *times,
                f"{figures['bytes']:.1f}",
                f"{figures['million points/s']:.1f}",
                f"{figures['server']:.0f}",
            )
        )
    header = ("points", *WINDOWS, "bytes a point", "stored, million points/s", "server, MB")
    one = table(f"Query of a window of one series at {WIDTH} pixels, milliseconds", header, rows)
    took = median_of(repeats, "benchmarks.query", "compare")["all"]
    many = [(f"{RUNS} runs of {RUN_POINTS:,} points", f"{took:.0f}")]
    return one + "\n" + table(f"Comparison of runs at {WIDTH} pixels, to arrays", ("", "ms"), many)


if __name__ == "__main__":
    if not sys.argv[1:]:
        print(report(repeats=3))
    else:
        folder, measure, *rest = sys.argv[1:]
        print(json.dumps({"one_series": one_series, "compare": compare}[measure](folder, *rest)))
