"""From ``log()`` to the curve in the browser: programs log the time of day, and the page says how old it is.

``python -m benchmarks.live`` prints the table; ``--seconds 10`` is shorter.
"""

from __future__ import annotations

import argparse
import multiprocessing
import tempfile
import time
from pathlib import Path

from .browser import page
from .measure import Row, table
from .server import Server

RUNS = (4, 20, 100)
CARDS = 12
PERIOD = 0.5
SECONDS = 30.0
_starter = multiprocessing.get_context("forkserver")
_starter.set_forkserver_preload(["trainboard.loggers.session", "trainboard.storage.store"])

# In every frame: how old is each point that was not there in the frame before? It is the time it was logged.
WATCH = """() => {
  const seen = new Map();
  window.ages = [];
  window.frames = [];
  let before = performance.now();
  const look = (now) => {
    window.frames.push(now - before);
    before = now;
    for (const [card, plot] of trainboard.plots().entries())
      for (const [line, { y }] of plot.curves.entries()) {
        const id = `${card} ${line}`;
        for (let i = seen.get(id) ?? y.length; i < y.length; i++) window.ages.push(Date.now() - 1000 * y[i]);
        seen.set(id, y.length);
      }
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}"""


def write(store: str, number: int, runs: int) -> None:
    """One training program: until it is killed, it logs the time under ``CARDS`` tags every ``PERIOD``."""
    import trainboard

    run = trainboard.init("live", id=f"run-{number:03}", store=store, system_every=0)
    time.sleep(PERIOD * number / runs)
    while True:
        now = time.time()
        run.log({f"metrics/value_{card}": now for card in range(CARDS)})
        time.sleep(PERIOD)


def measure(runs: int, seconds: float) -> dict[str, float]:
    """Milliseconds from ``log()`` to the frame that shows the point, and the slowest frames."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "store.db")
        programs = [_starter.Process(target=write, args=(str(path), n, runs)) for n in range(runs)]
        for program in programs:
            program.start()
        while not path.exists():
            time.sleep(0.05)
        with Server(path) as server, page() as tab:
            tab.goto(f"{server.url}/?only={','.join(f'run-{n:03}' for n in range(runs))}")
            ready = f"trainboard.plots().filter((plot) => plot.curves.length === {runs}).length >= {CARDS}"
            while not tab.evaluate(ready):  # wait_for_function is against the page's security policy
                tab.wait_for_timeout(100)
            tab.evaluate(WATCH)
            tab.wait_for_timeout(1_000 * seconds)
            ages, frames = (sorted(tab.evaluate(f"window.{name}")) for name in ("ages", "frames"))
        for program in programs:
            program.kill()
            program.join()
    return {
        "points": len(ages),
        "median, ms": ages[len(ages) // 2],
        "p95, ms": ages[len(ages) * 95 // 100],
        "greatest, ms": ages[-1],
        "p99 frame, ms": frames[len(frames) * 99 // 100],
    }


def report(seconds: float = SECONDS) -> str:
    rows: list[Row] = []
    header: Row = ()
    for runs in RUNS:
        figures = measure(runs, seconds)
        header = ("runs", *figures)
        rows.append((f"{runs}", *(f"{figure:,.0f}" for figure in figures.values())))
    return table(f"From log() to the page, {CARDS} cards, a point of each every {PERIOD} s", header, rows)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.live", description=__doc__)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    print(report(parser.parse_args().seconds))
