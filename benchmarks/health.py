"""What the Health page's heat maps cost the server: the first look at a long run, and each look after.

python -m benchmarks.health [--records 2000] [--layers 200]
"""

from __future__ import annotations

import argparse
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=2000)
    parser.add_argument("--layers", type=int, default=200)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(Path(folder) / "runs.db", create=True)
        run = logged(store, asked.records, asked.layers)
        measure(store, run)
        store.close()


def logged(store: Store, count: int, layers: int) -> str:
    """A run with ``count`` records of one source; returns its id."""
    values = np.random.default_rng(0).random((layers, len(STATISTICS)), np.float32)
    names = tuple(f"blocks.{at // 10}.layer{at % 10}.weight" for at in range(layers))
    with tb.init("health", store=store.url) as run:
        for step in range(count):
            run.log({"layers/gradients": LayerStats(names, values)}, step=step * 100)
        run.flush(timeout=120)
    return run.id


def measure(store: Store, run: str) -> None:
    histories = Histories(store)
    began = time.perf_counter()
    looks, done = 0, False
    while not done:
        with histories.look(run) as look:
            looks, done = looks + 1, look.read == look.total
            told = f"{look.read:,} records into {len(look.history.steps)} columns"
    print(f"first look: {time.perf_counter() - began:.2f} s in {looks} requests, {told}")
    began = time.perf_counter()
    with histories.look(run) as look:
        maps = [draw(look.history, quantity, Wanted()) for quantity in QUANTITIES]
        found = find(look.history)
        size, kept = len(json.dumps(maps)), look.history.nbytes
    seconds = time.perf_counter() - began
    print(f"each look after: {seconds * 1e3:.0f} ms, {size / 1e3:.0f} kB sent, {kept / 1e6:.1f} MB kept")
    print(f"found: {', '.join(one.title for one in found) or 'nothing'}")


if __name__ == "__main__":
    main()
