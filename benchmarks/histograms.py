"""What the Histograms page costs on a long series: the first look, later ones, zooms, and the figures.

``python -m benchmarks.histograms`` prints the table.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from .measure import table

if TYPE_CHECKING:
    from trainboard.storage import Store

STEPS = 10_000
TAGS = 4
VALUES = 3_000
WINDOWS = {"later look": "", "half": "0,4999", "a tenth": "4000,4999", "100 steps": "4000,4099"}
_DIFFERENT = 50
_REPEATS = 15


def fill(store: Store) -> None:
    """One run that logs ``TAGS`` histograms at each of ``STEPS`` steps."""
    import numpy as np

    import trainboard as tb

    random = np.random.default_rng(0)
    drawn = [tb.Histogram(random.normal(0, 1 + at / _DIFFERENT, VALUES)) for at in range(_DIFFERENT)]
    with tb.init("bench", "long", store=store.url) as run:
        for step in range(STEPS):
            run.log({f"weights/{tag}": drawn[(step + tag) % _DIFFERENT] for tag in range(TAGS)}, step)


def measure(store: Store) -> dict[str, float]:
    """Milliseconds of each look and figure, medians over tags or repeats."""
    from trainboard.dashboard.cards import histogram as card
    from trainboard.dashboard.cards.histogram_steps import StepAxis, chooser
    from trainboard.dashboard.merged_histograms import MergedHistograms

    merged = MergedHistograms(store)
    tags = store.series(store.runs()[0].id, kind="histogram")
    found = {"first look": statistics.median(_milliseconds(partial(merged.read, tag, 128)) for tag in tags)}
    for name, window in WINDOWS.items():
        found[name] = _median(partial(merged.read, tags[0], 128, chooser(window, StepAxis())))
    for view, most in card.MOST.items():
        columns, against = (merged.read(tag, most).columns for tag in tags[:2])
        lines = [card.Line("run", "#226dc9", columns, 0.0, against, "other", "#f5642b")]
        found[f"figure: {view}"] = _median(partial(card.draw, lines, view, card.Look()))
    return found


def _median(act: Callable[[], object]) -> float:
    return statistics.median(_milliseconds(act) for _ in range(_REPEATS))


def _milliseconds(act: Callable[[], object]) -> float:
    begin = time.perf_counter()
    act()
    return 1_000 * (time.perf_counter() - begin)


def report() -> str:
    """The table, as Markdown."""
    from trainboard.storage import open_store

    with tempfile.TemporaryDirectory() as folder:
        store = open_store(Path(folder) / "runs.db", create=True)
        fill(store)
        found = measure(store)
        store.close()
    rows = [(name, f"{milliseconds:,.1f}") for name, milliseconds in found.items()]
    return table("Histograms of a long series", (f"{STEPS:,} steps of {VALUES:,} values", "ms"), rows)


if __name__ == "__main__":
    print(report())
