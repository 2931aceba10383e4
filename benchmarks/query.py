"""What a chart's query takes as series grow, what a comparison of many runs takes, and bytes a point.

``python -m benchmarks.query`` prints the tables; with ``--long`` also for a series of 100 million points.
"""

from __future__ import annotations

import json
import sqlite3
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from .measure import median_of, table

if TYPE_CHECKING:
    from trainboard.storage.chunks import Columns

WIDTH = 500
LENGTHS = (10_000, 1_000_000, 10_000_000)
LONG = 100_000_000
RUNS, RUN_POINTS = 100, 100_000
_FEED = 1_000_000
_REPEATS = 15


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
    """Milliseconds of a chart's query: of everything, and the slowest of some windows; and the size."""
    from trainboard.storage import open_store

    count, path = int(points), Path(folder, "store.db")
    took = fill(path, "run", count)
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    store = open_store(path)
    windows = {"everything": None} | {
        f"{part:.0e} at {at}": (at * count, at * count + part * count)
        for part in (0.5, 0.02, 1e-3, 1e-5)
        for at in (0.0, 0.4321)
    }
    found = {
        name: _milliseconds(partial(store.points, "run", "loss", window=window, width=WIDTH))
        for name, window in windows.items()
    }
    return {
        "everything": found.pop("everything"),
        "slowest window": max(found.values()),
        "million points/s": count / took / 1e6,
        "bytes": path.stat().st_size / count,
    }


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


def report(repeats: int, lengths: tuple[int, ...] = LENGTHS) -> str:
    rows = []
    for points in lengths:
        figures = median_of(1 if points == LONG else repeats, "benchmarks.query", "one_series", points)
        rows.append(
            (
                f"{points:,}",
                f"{figures['everything']:.1f}",
                f"{figures['slowest window']:.1f}",
                f"{figures['bytes']:.1f}",
                f"{figures['million points/s']:.1f}",
            )
        )
    header = ("points", "whole, ms", "slowest of 8 windows, ms", "bytes a point", "stored, million points/s")
    one = table(f"Query of one series for a chart {WIDTH} pixels wide", header, rows)
    took = median_of(repeats, "benchmarks.query", "compare")["all"]
    many = [(f"{RUNS} runs of {RUN_POINTS:,} points", f"{took:.0f}")]
    return one + "\n" + table(f"Comparison of runs at {WIDTH} pixels, to arrays", ("", "ms"), many)


if __name__ == "__main__":
    if sys.argv[1:] in ([], ["--long"]):
        print(report(repeats=3, lengths=(*LENGTHS, LONG) if "--long" in sys.argv else LENGTHS))
    else:
        folder, measure, *rest = sys.argv[1:]
        print(json.dumps({"one_series": one_series, "compare": compare}[measure](folder, *rest)))
