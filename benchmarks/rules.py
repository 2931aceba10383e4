"""What rules cost the server: 50 rules on 100 runs that all log, look after look.

Each of the 100 runs has 20 tags and logs a point of each before every look; the rules name all tags
between them. ``python -m benchmarks.rules`` prints how long a look took, and what it took when nothing
was new.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

import numpy as np

from trainboard.dashboard.alerts.outbox import Outbox
from trainboard.dashboard.alerts.rule_watch import RuleWatch
from trainboard.storage import Store, alerts, open_store
from trainboard.storage.append import append_points
from trainboard.storage.chunks import Columns
from trainboard.storage.rules import Rule
from trainboard.storage.run_rows import load_run, save_run
from trainboard.storage.series import SeriesKey

from .measure import table

RUNS, TAGS, RULES, LOOKS = 100, 20, 50, 10
HISTORY = 2_000


def report() -> str:
    with tempfile.TemporaryDirectory() as folder, open_store(Path(folder) / "a.db", create=True) as store:
        log(store, HISTORY)
        for number in range(RULES):
            alerts.save_rule(store, "", rule(number))
        watch = RuleWatch(store, Outbox(local=True))
        first = timed(watch)
        while any(run.id not in watch._seen for run in store.runs()):
            timed(watch)
        looks = []
        for _ in range(LOOKS):
            log(store, 1)
            looks.append(timed(watch))
        rows = [
            ("the first", f"{first:,.0f}"),
            ("a new point of every series", f"{statistics.median(looks):,.0f}"),
            ("the slowest of these", f"{max(looks):,.0f}"),
            ("nothing new", f"{statistics.median(timed(watch) for _ in range(LOOKS)):.1f}"),
        ]
    return table(f"A look of {RULES} rules at {RUNS} runs of {TAGS} tags", ("", "ms"), rows)


def rule(number: int) -> Rule:
    tag = f"part{number % TAGS}/.*"
    if number % 2:
        return Rule(f"rule {number}", "no_progress", tag, steps=10**6)
    return Rule(f"rule {number}", "above", tag, value=10.0, points=3)


def log(store: Store, count: int) -> None:
    """Append so many points to every series."""
    values = np.random.default_rng(0).random(count)
    steps = np.arange(count, dtype=np.int64)
    for at in range(RUNS):
        points = Columns(steps, np.full(count, time.time()), values)
        with store.writing() as connection:
            row = load_run(connection, f"run{at}")
            save_run(connection, row)
            keys = [SeriesKey(0, "scalar", f"part{tag}/loss") for tag in range(TAGS)]
            append_points(connection, f"run{at}", dict.fromkeys(keys, points))


def timed(watch: RuleWatch) -> float:
    began = time.perf_counter()
    watch.look()
    return 1e3 * (time.perf_counter() - began)


if __name__ == "__main__":
    print(report())
