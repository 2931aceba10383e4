"""Many processes logging into one store while a dashboard reads: what is lost, and what a call costs then.

``python -m benchmarks.crowd`` prints the table: 32 processes for a minute. ``--seconds 5`` is shorter.
"""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path

from .faults import Tally, reading
from .measure import table
from .server import Server

WRITERS = 32
SECONDS = 60.0
PAUSE = 0.01
TAGS = [f"metrics/value_{number}" for number in range(10)]

_starter = multiprocessing.get_context("forkserver")
_starter.set_forkserver_preload(["trainboard.loggers.session", "trainboard.storage.store"])


def write(store: str, run_id: str, seconds: float, answer: Connection) -> None:
    """Log ten numbers at a time; answers with what each call took, in nanoseconds, and what was warned of."""
    import warnings

    import trainboard

    took: list[int] = []
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        run = trainboard.init("writers", id=run_id, store=store, system_every=0)
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            numbers = dict.fromkeys(TAGS, float(len(took)))
            begin = time.perf_counter_ns()
            run.log(numbers)
            took.append(time.perf_counter_ns() - begin)
            time.sleep(PAUSE)
        run.finish()
    answer.send((took, [str(warning.message) for warning in warned]))


def measure(writers: int, seconds: float) -> dict[str, float]:
    """Counts of points and of complaints, and microseconds of a call."""
    from trainboard.storage import open_store

    tally = Tally()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "store.db")
        store = open_store(path, create=True)
        with contextlib.closing(store), Server(path) as server, reading(server, tally):
            answers = _let_write(str(path), writers, seconds)
            stored = [store.points_since(f"run-{number}", TAGS[-1], 0).value for number in range(writers)]
    calls = [sorted(took) for took, _ in answers]
    each = sorted(duration for took in calls for duration in took)
    lost = sum(
        len(set(range(len(took))) - set(values.tolist())) for took, values in zip(calls, stored, strict=True)
    )
    complaints = [text for _, texts in answers for text in texts]
    return {
        "points": len(each) * len(TAGS),
        "points/s": len(each) * len(TAGS) / seconds,
        "lost": lost,
        "repeated": sum(len(values) - len(set(values.tolist())) for values in stored),
        "database is locked": sum("locked" in text for text in complaints),
        "other warnings": sum("locked" not in text for text in complaints),
        "failed reads": tally.failed_reads,
        "median call, us": each[len(each) // 2] / 1_000,
        "p99 call, us": each[len(each) * 99 // 100] / 1_000,
    }


def _let_write(store: str, writers: int, seconds: float) -> list[tuple[list[int], list[str]]]:
    pipes = [_starter.Pipe(duplex=False) for _ in range(writers)]
    programs = [
        _starter.Process(target=write, args=(store, f"run-{number}", seconds, sender))
        for number, (_, sender) in enumerate(pipes)
    ]
    for program in programs:
        program.start()
    answers = [receiver.recv() for receiver, _ in pipes]
    for program in programs:
        program.join()
    return answers


def report(writers: int = WRITERS, seconds: float = SECONDS) -> str:
    figures = measure(writers, seconds)
    row = (f"{writers}", *(f"{figure:,.0f}" for figure in figures.values()))
    title = (
        f"One SQLite store, each process logging ten numbers every {1_000 * PAUSE:.0f} ms for {seconds:.0f} s"
    )
    return table(title, ("processes", *figures), [row])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.crowd", description=__doc__)
    parser.add_argument("--writers", type=int, default=WRITERS)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    print(report(**vars(parser.parse_args())))
