"""Programs killed at random moments while a dashboard reads: points lost and repeated.

``python -m benchmarks.faults --trials 1000`` prints the table. Programs log to a file, and to a server that
is itself killed and started again in every tenth trial. A point counts once its ``log()`` returned.
"""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing
import os
import random
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING

from .measure import Row, table
from .server import Server

if TYPE_CHECKING:
    from trainboard.storage import Store

POINTS = (0, 1, 2, 50, 1_000, 10_000, 40_000)
RESTART_EVERY = 10

# Children of a process that has imported everything start in milliseconds, not in a second.
_starter = multiprocessing.get_context("forkserver")
_starter.set_forkserver_preload(["trainboard.loggers.session", "trainboard.storage.store"])


@dataclass
class Tally:
    """What became of the points of all trials; ``failed_reads`` are the dashboard's."""

    trials: int = 0
    confirmed: int = 0
    stored: int = 0
    lost: int = 0
    repeated: int = 0
    failed_reads: int = 0


@contextlib.contextmanager
def reading(server: Server, tally: Tally) -> Iterator[None]:
    """Ask the server for its runs all the while, and count the answers that were errors."""
    over = threading.Event()

    def read() -> None:
        while not over.wait(0.05):
            try:
                urllib.request.urlopen(f"{server.url}/api/v1/runs", timeout=30).close()
            except urllib.error.HTTPError:
                tally.failed_reads += 1
            except OSError:
                continue  # it is being restarted

    thread = threading.Thread(target=read)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def log_forever(target: str, run_id: str, folder: str, sender: Connection) -> None:
    """A training program: a byte goes down the pipe for each ``log()`` that returned."""
    import warnings

    import trainboard

    os.environ["TRAINBOARD_DIR"] = folder  # the starter has that of when it was started
    confirmed = sender.fileno()
    warnings.simplefilter("ignore")
    run = trainboard.init("faults", id=run_id, store=target, system_every=0)
    step = 0
    while True:
        run.log({"loss": step})
        os.write(confirmed, b".")
        step += 1


def log_until_killed(
    target: str, run_id: str, points: int, dice: random.Random, server: Server | None
) -> int:
    """One program's life; returns how many of its ``log()`` calls returned."""
    receiver, sender = _starter.Pipe(duplex=False)
    program = _starter.Process(
        target=log_forever, args=(target, run_id, os.environ["TRAINBOARD_DIR"], sender)
    )
    program.start()
    sender.close()
    restart_at = dice.randint(1, max(points, 1)) if server else 0
    seen = _read(receiver.fileno(), restart_at)
    if server:
        server.kill()
        server.start()
    seen += _read(receiver.fileno(), points - seen)
    program.kill()
    while more := len(os.read(receiver.fileno(), 1 << 16)):
        seen += more
    program.join()
    return seen


def _read(descriptor: int, count: int) -> int:
    """Read at least so many bytes, if the other end lives."""
    seen = 0
    while seen < count and (more := len(os.read(descriptor, 1 << 16))):
        seen += more
    return seen


def measure(trials: int, over_http: bool) -> Tally:
    """Kill that many programs, one after the other, and look for the points of each."""
    from trainboard.storage import open_store

    dice, tally = random.Random(trials), Tally()
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        os.environ["TRAINBOARD_DIR"] = folder
        store = stack.enter_context(contextlib.closing(open_store(Path(folder, "runs.db"), create=True)))
        server = stack.enter_context(Server(Path(folder, "runs.db")))
        target = server.url if over_http else store.url
        with reading(server, tally):
            for trial in range(trials):
                unlucky = server if over_http and trial % RESTART_EVERY == 0 else None
                confirmed = log_until_killed(target, f"run-{trial}", dice.choice(POINTS), dice, unlucky)
                recover(target)
                _count(tally, confirmed, _stored(store, f"run-{trial}"))
    return tally


def _stored(store: Store, run_id: str) -> list[float]:
    """The points of a run that may have been killed before it had any."""
    from trainboard.storage.errors import RunNotFound, SeriesNotFound

    try:
        return store.points_since(run_id, "loss", 0).value.tolist()
    except (RunNotFound, SeriesNotFound):
        return []


def recover(target: str) -> None:
    """Wait until what the program left behind is stored, by us or by the server."""
    from trainboard.storage.sinks import open_sink
    from trainboard.storage.spools import adopt_orphans, found_in, spool_root

    until = time.monotonic() + 60
    while found_in(spool_root(target)):
        assert time.monotonic() < until, f"spools stay in {spool_root(target)}"
        with contextlib.closing(open_sink(target)) as sink:
            adopt_orphans(sink)


def _count(tally: Tally, confirmed: int, values: list[float]) -> None:
    tally.trials += 1
    tally.confirmed += confirmed
    tally.stored += len(values)
    tally.lost += len(set(map(float, range(confirmed))) - set(values))
    tally.repeated += len(values) - len(set(values))


def report(trials: int) -> str:
    rows: list[Row] = []
    for name, over_http in (("to a file", False), ("to a server", True)):
        tally = measure(trials, over_http)
        counts = (tally.trials, tally.confirmed, tally.lost, tally.repeated, tally.failed_reads)
        rows.append((name, *(f"{count:,}" for count in counts)))
    header = ("logging", "SIGKILLs", "points confirmed", "lost", "repeated", "failed reads")
    return table("SIGKILL at random moments while a dashboard reads", header, rows)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.faults", description=__doc__)
    parser.add_argument("--trials", type=int, default=1_000, help="programs killed in each row")
    print(report(parser.parse_args().trials))
