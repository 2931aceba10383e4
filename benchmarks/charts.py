"""The Charts page in a browser: how soon it draws, how long it blocks, and whether its memory grows.

``python -m benchmarks.charts`` prints the table; ``--minutes 10`` adds the memory of a page open so long.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

from .browser import page
from .measure import Row, table
from .server import Server

MANY_RUNS = 1_500
CARDS = 12
RUNS = 100
LINES = 500
POINTS = 1_000
PERIOD = 1.0

# Kept from the page's first moment: how long the longest tasks were, and when a chart first had a line.
WATCH = """
window.tasks = [];
new PerformanceObserver((list) => window.tasks.push(...list.getEntries().map((task) => task.duration)))
  .observe({ type: "longtask", buffered: true });
const look = () => {
  const plots = window.trainboard?.plots?.() ?? [];
  const full = plots.filter((plot) => plot.curves.length > 0);
  if (full.length > 0) window.first ??= performance.now();
  if (full.length >= (window.wanted ?? 12) && full.every((plot) => plot.curves.length >= window.lines))
    window.drawn ??= performance.now();
  requestAnimationFrame(look);
};
requestAnimationFrame(look);
"""


def fill(path: Path, runs: int, cards: int, points: int) -> None:
    """A store of finished runs."""
    import trainboard
    from trainboard.storage import open_store

    open_store(path, create=True).close()
    for number in range(runs):
        with trainboard.init("charts", f"run-{number}", store=str(path), system_every=0) as run:
            for step in range(points):
                run.log(
                    {f"metrics/value_{card}": (step * (card + 1) + number) % 97 for card in range(cards)},
                    step,
                )


def opened(tab: Any, url: str, lines: int, cards: int) -> dict[str, float]:
    """Milliseconds from the request to the first chart and to all of them, and the longest task."""
    tab.add_init_script(f"window.lines = {lines}; window.wanted = {cards};{WATCH}")
    tab.goto(url)
    until = time.monotonic() + 60
    while not tab.evaluate("window.drawn ?? 0"):
        if time.monotonic() > until:
            raise TimeoutError("the charts were not drawn within a minute")
        tab.wait_for_timeout(50)
    first, drawn, longest = tab.evaluate("[window.first, window.drawn, Math.max(0, ...window.tasks)]")
    return {"first chart, ms": first, "all charts, ms": drawn, "longest task, ms": longest}


def redrawn(tab: Any) -> dict[str, float]:
    """Milliseconds that drawing every chart again takes, the mean a card and the slowest."""
    took = tab.evaluate(
        "trainboard.plots().map((plot) => {"
        " const begun = performance.now(); plot.setLines(plot.lines); return performance.now() - begun; })"
    )
    return {"redraw a card, ms": sum(took) / len(took), "slowest card, ms": max(took)}


def measure(runs: int, cards: int, points: int, shown: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "store.db")
        fill(path, runs, cards, points)
        with Server(path) as server, page() as tab:
            ids = tab.request.get(f"{server.url}/api/v1/runs?limit={shown}").json()["runs"]
            only = ",".join(run["id"] for run in ids) if shown > 50 else ""
            found = opened(tab, f"{server.url}/?only={only}" if only else server.url, min(shown, runs), cards)
            return found | redrawn(tab)


def memory(minutes: float) -> list[Row]:
    """MB of the page's heap, collected, each minute of points that come once a second."""
    import trainboard

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "store.db")
        fill(path, 4, CARDS, POINTS)
        run = trainboard.init("charts", "live", store=str(path), system_every=0)
        with Server(path) as server, page() as tab:
            tab.goto(server.url)
            session = tab.context.new_cdp_session(tab)
            rows: list[Row] = []
            begun = time.monotonic()
            while (now := time.monotonic() - begun) < 60 * minutes + 1:
                run.log({f"metrics/value_{card}": now for card in range(CARDS)})
                tab.wait_for_timeout(1_000 * PERIOD)
                if now >= 60 * len(rows):
                    session.send("HeapProfiler.collectGarbage")
                    used = session.send("Runtime.getHeapUsage")["usedSize"]
                    rows.append((f"{len(rows)}", f"{used / 2**20:.1f}"))
        run.finish()
    return rows


def report(minutes: float = 0.0) -> str:
    cases = {
        f"{MANY_RUNS:,} runs, 50 of them shown, a card of 20 points": (MANY_RUNS, 1, 20, 50),
        f"{CARDS} cards of {RUNS} runs of {POINTS:,} points": (RUNS, CARDS, POINTS, RUNS),
        f"one card of {LINES} runs of 200 points": (LINES, 1, 200, LINES),
    }
    measured = {name: measure(*case) for name, case in cases.items()}
    header = ("store", *next(iter(measured.values())))
    rows: list[Row] = [
        (name, *(f"{figure:,.0f}" for figure in figures.values())) for name, figures in measured.items()
    ]
    parts = [table("The Charts page, cold, in headless Chromium", header, rows)]
    if minutes:
        parts.append(table("Memory of an open page", ("minute", "heap, MB"), memory(minutes)))
    return "\n".join(parts)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.charts", description=__doc__)
    parser.add_argument("--minutes", type=float, default=0.0)
    print(report(parser.parse_args().minutes))
