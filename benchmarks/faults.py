"""Programs killed at random moments while a dashboard reads: points lost and repeated.

``python -m benchmarks.faults --trials 1000`` prints the table. Programs log to a file, and to a server that
is itself killed and started again in every tenth trial. A point counts once its ``log()`` returned.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .measure import Row, table

PROGRAM = """
import sys, trainboard as tb
run = tb.init("faults", id=sys.argv[2], store=sys.argv[1])
step = 0
while True:
    run.log({"loss": step})
    print(step, flush=True)
    step += 1
"""
POINTS = (1, 50, 1_000, 10_000, 40_000)
RESTART_EVERY = 10


@dataclass
class Tally:
    """What became of the points of all trials; ``failed_reads`` are the dashboard's."""

    trials: int = 0
    confirmed: int = 0
    stored: int = 0
    lost: int = 0
    repeated: int = 0
    failed_reads: int = 0


class Server:
    """``trainboard serve`` in a process of its own, on the same port after every restart."""

    def __init__(self, store: Path) -> None:
        self._store = store
        self._port = "0"
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        command = [sys.executable, "-m", "trainboard", "serve", str(self._store), "--no-open", "--port"]
        self._process = subprocess.Popen([*command, self._port], stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        found = re.search(r"http://[^:]+:(\d+)/", self._process.stdout.readline())
        assert found is not None, "the server did not start"
        self._port = found[1]

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate()

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()


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


def log_until_killed(
    target: str, run_id: str, points: int, dice: random.Random, server: Server | None
) -> int:
    """One program's life; returns how many of its ``log()`` calls returned."""
    program = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", PROGRAM, target, run_id], stdout=subprocess.PIPE, text=True
    )
    assert program.stdout is not None
    restart_at = dice.randrange(points) if server else -1
    seen = 0
    for number in range(points):
        seen += program.stdout.readline().endswith("\n")
        if server and number == restart_at:
            server.kill()
            server.start()
    program.send_signal(signal.SIGKILL)
    seen += sum(line.endswith("\n") for line in program.stdout)
    program.wait()
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
                _count(tally, confirmed, store.points_since(f"run-{trial}", "loss", 0).value.tolist())
    return tally


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
