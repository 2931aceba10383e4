"""The Charts page in a browser: how soon it draws, how long it blocks, and whether its memory grows.

``python -m benchmarks.charts`` prints the tables; ``--minutes 0`` leaves out the memory of a page open long.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

from .browser import page
from .many_series import build
from .measure import Row, table
from .server import Server

MANY_RUNS = 1_500
CARDS = 12
MANY_CARDS = 60
RUNS = 100
LINES = 500
POINTS = 1_000
PERIOD = 1.0
MINUTES = 10.0

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

JUMP = """() => new Promise((resolve) => {
  const begun = performance.now();
  const last = [...document.querySelectorAll("article.card")].at(-1);
  last.scrollIntoView();
  const isDrawn = () => trainboard.plots().some((plot) => last.contains(plot.root) && plot.curves.length > 0);
  const look = () => (isDrawn() ? resolve(performance.now() - begun) : requestAnimationFrame(look));
  look();
})"""


def opened(tab: Any, url: str, lines: int, cards: int) -> dict[str, float]:
    """Milliseconds from the request to the first chart and to all in view, from their points to these, and
    the longest task."""
    tab.add_init_script(f"window.lines = {lines}; window.wanted = {cards};{WATCH}")
    tab.goto(url)
    until = time.monotonic() + 60
    while not tab.evaluate("window.drawn ?? 0"):
        if time.monotonic() > until:
            raise TimeoutError("the charts were not drawn within a minute")
        tab.wait_for_timeout(50)
    first, drawn, arrived, longest = tab.evaluate(
        "[window.first, window.drawn, performance.getEntriesByType('resource')"
        " .find(({ name }) => name.endsWith('/scalars')).responseEnd, Math.max(0, ...window.tasks)]"
    )
    return {
        "first chart, ms": first,
        "all in view, ms": drawn,
        "of it since the points came, ms": drawn - arrived,
        "longest task, ms": longest,
    }


def redrawn(tab: Any) -> dict[str, float]:
    """Milliseconds that drawing every chart again takes, the mean a card and the slowest."""
    took = tab.evaluate(
        "trainboard.plots().map((plot) => {"
        " const begun = performance.now(); plot.setLines(plot.lines); return performance.now() - begun; })"
    )
    return {"redraw a card, ms": sum(took) / len(took), "slowest card, ms": max(took)}


def scrolled(tab: Any) -> dict[str, float]:
    """Milliseconds from a jump to the last card to its lines."""
    took = tab.evaluate(JUMP)
    return {"jump to the last card, ms": took}


def measure(runs: int, cards: int, points: int, shown: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "store.db")
        build(path, runs, cards, points)
        with Server(path) as server, page() as tab:
            ids = tab.request.get(f"{server.url}/api/v1/runs?limit={shown}").json()["runs"]
            only = ",".join(run["id"] for run in ids) if shown > 50 else ""
            url = f"{server.url}/?only={only}" if only else server.url
            return opened(tab, url, min(shown, runs), min(cards, CARDS)) | redrawn(tab) | scrolled(tab)


def memory(minutes: float) -> list[Row]:
    """MB of the page's heap, collected, each minute of points that come once a second."""
    import trainboard
    from trainboard.storage import open_store

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "store.db")
        build(path, 4, CARDS, POINTS)
        run = trainboard.init("many", "live", store=str(path), system_every=0)
        tags = [series.tag for series in open_store(path).series("run-000000")]
        with Server(path) as server, page() as tab:
            tab.goto(server.url)
            session = tab.context.new_cdp_session(tab)
            rows: list[Row] = []
            begun = time.monotonic()
            while (now := time.monotonic() - begun) < 60 * minutes + 1:
                run.log({tag: now for tag in tags})
                tab.wait_for_timeout(1_000 * PERIOD)
                if now >= 60 * len(rows):
                    session.send("HeapProfiler.collectGarbage")
                    used = session.send("Runtime.getHeapUsage")["usedSize"]
                    rows.append((f"{len(rows)}", f"{used / 2**20:.1f}"))
        run.finish()
    return rows


def report(minutes: float = MINUTES) -> str:
    cases = {
        f"{MANY_RUNS:,} runs, 50 of them shown, a card of 20 points": (MANY_RUNS, 1, 20, 50),
        f"{CARDS} cards of {RUNS} runs of {POINTS:,} points": (RUNS, CARDS, POINTS, RUNS),
        f"one card of {LINES} runs of 200 points": (LINES, 1, 200, LINES),
        f"{MANY_CARDS} cards of 20 runs of {POINTS:,} points": (20, MANY_CARDS, POINTS, 20),
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
    parser.add_argument("--minutes", type=float, default=MINUTES)
    print(report(parser.parse_args().minutes))
