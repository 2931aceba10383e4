"""Many programs into one store at once, SQLite and PostgreSQL: what arrives, how late, and what goes wrong.

``python -m benchmarks.writers`` prints the table. Each program logs ten numbers a step, as fast as its pace
allows, for the same time; a point is late by what passes from its ``log()`` until the store holds it.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .drain import tests_postgresql
from .measure import Row, table

PROGRAM = """
import sys, time, warnings
import trainboard as tb

with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    store, run_id, seconds, pause = sys.argv[1], sys.argv[2], float(sys.argv[3]), float(sys.argv[4])
    with tb.init("writers", id=run_id, store=store) as run:
        print("ready", flush=True)
        sys.stdin.readline()
        step, until = 0, time.time() + seconds
        while time.time() < until:
            run.log({f"value_{number}": time.time() for number in range(10)}, step)
            step += 1
            time.sleep(pause)
        run.flush(300)
print(step, sum("does not take points" in str(each.message) for each in caught), flush=True)
"""
WRITERS = (1, 4, 16, 32)


@contextmanager
def place(engine: str) -> Iterator[str]:
    """The URL of a store that is yet to be made."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["TRAINBOARD_DIR"] = folder
        if engine == "SQLite":
            yield f"sqlite:///{Path(folder, 'runs.db')}"
            return
        with tests_postgresql(fsync="on") as server:
            yield server.new_database()


def measure(engine: str, writers: int, seconds: float, pause: float) -> dict[str, float]:
    """Points a second, seconds late (median and 99th percentile), lost, repeated, and warnings."""
    from trainboard.storage import open_store

    with place(engine) as url:
        store = open_store(url, create=True)
        command = [sys.executable, "-c", PROGRAM, url]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        programs = [
            subprocess.Popen([*command, f"run-{number}", str(seconds), str(pause)], **pipes)  # type: ignore[call-overload]
            for number in range(writers)
        ]
        for program in programs:
            program.stdout.readline()
        over = threading.Event()
        late: list[float] = []
        watcher = threading.Thread(target=_watch, args=(url, over, late))
        watcher.start()
        for program in programs:
            program.stdin.write("go\n")
            program.stdin.flush()
        time.sleep(seconds)
        over.set()
        watcher.join()
        told = [list(map(int, program.communicate(timeout=600)[0].split())) for program in programs]
        lost = repeated = 0
        for number, (steps, _) in enumerate(told):
            for tag in range(10):
                found = store.points_since(f"run-{number}", f"value_{tag}", 0).step.tolist()
                lost += steps - len(set(found))
                repeated += len(found) - len(set(found))
        store.close()
    late = sorted(late) or [0.0]
    return {
        "points/s": 10 * sum(steps for steps, _ in told) / seconds,
        "late": statistics.median(late),
        "p99": late[len(late) * 99 // 100],
        "lost": lost,
        "repeated": repeated,
        "warnings": sum(warned for _, warned in told),
    }


def _watch(url: str, over: threading.Event, late: list[float]) -> None:
    """Note, of each batch that becomes visible, how old its first point is."""
    from trainboard.storage import open_store

    store, seen = open_store(url), 0
    while not over.wait(0.02):
        try:
            points = store.points_since("run-0", "value_0", seen)
        except LookupError:
            continue
        if len(points.value):
            late.append(time.time() - float(points.value[0]))
            seen += len(points.value)
    store.close()


def report(repeats: int, seconds: float = 10.0, pause: float = 0.005) -> str:
    rows: list[Row] = []
    for engine in ("SQLite", "PostgreSQL"):
        for writers in WRITERS:
            told = measure(engine, writers, seconds, pause)
            rows.append(
                (
                    engine,
                    str(writers),
                    f"{told['points/s']:,.0f}",
                    f"{told['late']:.2f}",
                    f"{told['p99']:.2f}",
                    *(f"{told[name]:,.0f}" for name in ("lost", "repeated", "warnings")),
                )
            )
    header = ("store", "programs", "points a second", "late, s", "p99", "lost", "repeated", "warnings")
    return table(f"Programs writing one store for {seconds:.0f} s", header, rows)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.writers", description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0, help="how long each program logs")
    parser.add_argument("--pause", type=float, default=0.005, help="seconds between two steps")
    parser.add_argument("--one", nargs=2, metavar=("STORE", "PROGRAMS"), help="one row, as JSON")
    arguments = parser.parse_args()
    if arguments.one:
        engine, count = arguments.one
        print(json.dumps(measure(engine, int(count), arguments.seconds, arguments.pause)))
    else:
        print(report(1, arguments.seconds, arguments.pause))
