"""Points out of a store into TensorBoard's logs, beside SummaryWriter writing the same points.

``python -m benchmarks.export`` prints the table.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path

from .measure import median_of, table

TAGS = 10
CASES = {
    "trainboard, float32 values": ("trainboard", 1_000_000, "single"),
    "trainboard, float64 values": ("trainboard", 1_000_000, "double"),
    "trainboard, ten times the points": ("trainboard", 10_000_000, "double"),
    "SummaryWriter": ("summary_writer", 100_000, "double"),
}


def measure(folder: str, tool: str, points: str, precision: str) -> dict[str, float]:
    """Points a second, bytes a point, and by how many MB the process grew."""
    path, count = Path(folder), int(points)
    if tool == "trainboard":
        fill(path, count, precision)
    before = _peak()
    begin = time.perf_counter()
    (export if tool == "trainboard" else write)(path, count)
    took = time.perf_counter() - begin
    size = sum(file.stat().st_size for file in (path / "logs").rglob("*tfevents*"))
    return {"rate": count / took, "bytes": size / count, "grown": (_peak() - before) / 1000}


def fill(path: Path, count: int, precision: str) -> None:
    """A store with ``count`` points, of ``TAGS`` series of one run, made in a process of its own."""
    import multiprocessing

    # What filling takes must not count as what exporting takes.
    worker = multiprocessing.get_context("spawn").Process(target=_fill, args=(path, count, precision))
    worker.start()
    worker.join()
    assert worker.exitcode == 0


def _fill(path: Path, count: int, precision: str) -> None:
    import numpy as np

    from trainboard.storage import open_store
    from trainboard.storage.append import append_points
    from trainboard.storage.chunks import Columns
    from trainboard.storage.run_rows import load_run, save_run
    from trainboard.storage.series import SeriesKey

    store = open_store(path / "store.db", create=True)
    steps = np.arange(count // TAGS, dtype=np.int64)
    values = np.random.default_rng(0).normal(size=len(steps))
    if precision == "single":
        values = values.astype(np.float32).astype(np.float64)
    with store.writing() as connection:
        row = load_run(connection, "run")
        points = Columns(steps, 1.7e9 + steps * 0.1, values)
        for number in range(TAGS):
            append_points(connection, "run", {SeriesKey(0, "scalar", f"metrics/value_{number}"): points})
        save_run(connection, row)
    store.close()


def export(path: Path, count: int) -> None:
    from trainboard.storage import open_store

    done = open_store(path / "store.db").export_tensorboard(path / "logs")
    assert done.points == count


def write(path: Path, count: int) -> None:
    from torch.utils.tensorboard import SummaryWriter

    with SummaryWriter(str(path / "logs")) as writer:
        for step in range(count // TAGS):
            for number in range(TAGS):
                writer.add_scalar(f"metrics/value_{number}", step / 7, step)


def _peak() -> float:
    """Kilobytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def report(repeats: int) -> str:
    figures = {name: median_of(repeats, "benchmarks.export", *case) for name, case in CASES.items()}
    peer = figures["SummaryWriter"]["rate"]
    rows = [
        (
            name,
            f"{CASES[name][1]:,}",
            f"{told['rate']:,.0f}",
            f"{told['rate'] / peer:.0f}",
            f"{told['bytes']:.0f}",
            f"{told['grown']:.0f}",
        )
        for name, told in figures.items()
    ]
    header = ("", "points", "points a second", "SummaryWriter = 1", "bytes a point", "MB grown")
    return table("Export to TensorBoard's logs, from SQLite, ten series of one run", header, rows)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(measure(*sys.argv[1:])))
    else:
        print(report(repeats=3))
