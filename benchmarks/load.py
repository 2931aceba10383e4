"""One server under many at once: 200 open pages, 50 programs that log over HTTP, and pages being loaded.

``python -m benchmarks.load [SECONDS]`` prints the table. A page does what ours does: it waits for a
change, asks for what its charts lack in one batch, and once a second for the runs that changed. A program
logs ten numbers ten times a second and sends them five times a second, as a drain would. Afterwards every
point is looked for in the store.
"""

from __future__ import annotations

import json
import os
import re
import statistics
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .load_pages import read_for
from .load_programs import TAGS, write_for
from .measure import median_of, table

PAGES, PROGRAMS = 200, 50
SECONDS = 60
_TOKENS = {"--token": "read", "--write-token": "write"}


@contextmanager
def _server(store: Path) -> Iterator[tuple[int, int]]:
    """A server process; yields its port and its process id."""
    options = [word for pair in _TOKENS.items() for word in pair]
    command = [sys.executable, "-m", "trainboard", "serve", str(store), "--no-open", "--port", "0", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        found = next(filter(None, (re.search(r":(\d+)/", line) for line in process.stdout)))
        try:
            yield int(found[1]), process.pid
        finally:
            process.terminate()


def measure(folder: str, seconds: str) -> dict[str, float]:
    """Milliseconds of every kind of request, what went wrong, what was lost, and the server's memory."""
    from trainboard.storage import open_store

    path = Path(folder, "store.db")
    open_store(path, create=True).close()
    with _server(path) as (port, pid):
        programs = _start("write", port, PROGRAMS, seconds)
        pages = _start("read", port, PAGES, seconds)
        wrote, read = (json.loads(process.communicate()[0]) for process in (programs, pages))
        memory = _peak_memory(pid)
    figures = _percentiles({"feed": wrote["feed"], **read["took"]})
    figures["errors"] = wrote["errors"] + read["errors"]
    figures["points"] = sum(wrote["steps"].values()) * len(TAGS)
    return figures | _kept(path, wrote["steps"]) | {"memory": memory}


def _start(what: str, port: int, number: int, seconds: str) -> subprocess.Popen[str]:
    words = [what, str(port), str(number), seconds]
    command = [sys.executable, "-m", "benchmarks.load", *words]
    environment = os.environ | {"TRAINBOARD_WRITE_TOKEN": _TOKENS["--write-token"]}
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)


def _percentiles(took: dict[str, list[float]]) -> dict[str, float]:
    figures = {}
    for name, seconds in took.items():
        steps = statistics.quantiles(seconds, n=100)
        figures |= {f"{name} p50": 1_000 * steps[49], f"{name} p99": 1_000 * steps[98]}
        figures[f"{name} count"] = len(seconds)
    return figures


def _kept(path: Path, steps: dict[str, int]) -> dict[str, float]:
    """How many of the points sent the store lacks, and how many it holds that it should not."""
    from trainboard.storage import open_store

    store = open_store(path)
    lost = extra = 0
    for run, count in steps.items():
        for tag in TAGS:
            stored = Counter(store.points_since(run, tag, 0).step.tolist())
            sent = Counter(range(count))
            lost += (sent - stored).total()
            extra += (stored - sent).total()
    return {"lost": lost, "extra": extra}


def _peak_memory(pid: int) -> float:
    """MiB that a process has held at most."""
    (found,) = re.findall(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(found) / 1024


def report(repeats: int, seconds: int = SECONDS) -> str:
    figures: dict[str, Any] = median_of(1 if repeats < 3 else 3, "benchmarks.load", "measure", seconds)
    names = {
        "scalars": "what charts lack",
        "runs": "runs that changed",
        "page": "a page loaded",
        "feed": "a program's points taken in",
    }
    rows = []
    for name, text in names.items():
        count, half, most = (figures[f"{name} {what}"] for what in ("count", "p50", "p99"))
        rows.append((text, f"{count:.0f}", f"{half:.0f}", f"{most:.0f}"))
    outcome = (
        f"{figures['points']:,.0f} points sent: {figures['lost']:.0f} lost, {figures['extra']:.0f} repeated; "
        f"{figures['errors']:.0f} errors; the server held {figures['memory']:.0f} MiB at most.\n"
    )
    title = f"{PAGES} pages and {PROGRAMS} programs on one server for {seconds} s"
    return table(title, ("", "requests", "p50, ms", "p99, ms"), rows) + "\n" + outcome


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["write", port, number, seconds]:
            print(json.dumps(write_for(int(port), int(number), float(seconds))))
        case ["read", port, number, seconds]:
            print(json.dumps(read_for(int(port), int(number), float(seconds), _TOKENS["--token"])))
        case [folder, "measure", seconds]:
            print(json.dumps(measure(folder, seconds)))
        case words:
            print(report(1, int(words[0]) if words else SECONDS))
