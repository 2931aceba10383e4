"""What the Health page's heat maps cost the server: the first look at a long run, and each look after.

``python -m benchmarks.health`` prints the table.
"""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path

import numpy as np

import trainboard as tb
from trainboard.dashboard.cards.layer_stats import QUANTITIES, Wanted, draw
from trainboard.dashboard.health.findings import find
from trainboard.dashboard.health.history import Histories
from trainboard.storage import Store, open_store
from trainboard.storage.kinds.layer_stats import STATISTICS, LayerStats

from .measure import Row, table

SIZES = ((2_000, 200), (10_000, 100), (300, 5_000))


def report() -> str:
    header = (
        "records",
        "layers",
        "first look, s",
        "in requests",
        "each look after, ms",
        "sent, kB",
        "kept, MB",
    )
    return table("Heat maps of the Health page", header, [measure(*size) for size in SIZES])


def logged(store: Store, count: int, layers: int) -> str:
    """A run with ``count`` records of one source; returns its id."""
    values = np.random.default_rng(0).random((layers, len(STATISTICS)), np.float32)
    names = tuple(f"blocks.{at // 10}.layer{at % 10}.weight" for at in range(layers))
    with tb.init("health", store=store.url) as run:
        for step in range(count):
            run.log({"layers/gradients": LayerStats(names, values)}, step=step * 100)
        run.flush(timeout=120)
    return run.id


def measure(records: int, layers: int) -> Row:
    with (
        tempfile.TemporaryDirectory() as folder,
        open_store(Path(folder) / "runs.db", create=True) as store,
    ):
        run = logged(store, records, layers)
        histories = Histories(store)
        began = time.perf_counter()
        looks, done = 0, False
        while not done:
            with histories.look(run) as look:
                looks, done = looks + 1, look.read == look.total
        first = time.perf_counter() - began
        began = time.perf_counter()
        with histories.look(run) as look:
            sent = json.dumps([draw(look.history, quantity, Wanted()) for quantity in QUANTITIES])
            find(look.history)
            kept = look.history.nbytes
        after = time.perf_counter() - began
    figures = (
        f"{first:.2f}",
        str(looks),
        f"{1e3 * after:.0f}",
        f"{len(sent) / 1e3:.0f}",
        f"{kept / 1e6:.1f}",
    )
    return f"{records:,}", f"{layers:,}", *figures


if __name__ == "__main__":
    print(report())
