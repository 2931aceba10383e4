"""A run of very many tags: all are stored, in bounded memory, and the page is told as many as it can show."""

from __future__ import annotations

import subprocess
import sys
import tracemalloc
from pathlib import Path

from starlette.testclient import TestClient

from trainboard.dashboard.alerts.outbox import Outbox
from trainboard.dashboard.alerts.rule_watch import RuleWatch
from trainboard.dashboard.server import create_app
from trainboard.storage import open_store

TAGS = 20_000
MOST_MB = 100
MOST_BYTES_AN_ANSWER = 12 << 20
PROGRAM = f"""
import resource
import trainboard as tb

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

with tb.init("many", "one", id="wide", store="store.db", system_every=0) as run:
    run.log({{"first": 0.5}}, step=0)
    assert run.flush(60)
    before = peak()
    for at in range(0, {TAGS}, 1000):
        run.log({{f"tag/{{number:05}}": 1.0 / (1 + number) for number in range(at, at + 1000)}}, step=0)
    run.rule("one", "below", "tag/{TAGS - 1:05}", value=1.0)
    assert run.flush(60)
    print(peak() - before)
"""


def test_20_000_tags_of_a_run_are_stored_in_little_memory_and_told_in_part(tmp_path: Path) -> None:
    program = [sys.executable, "-c", PROGRAM]
    said = subprocess.run(program, cwd=tmp_path, check=True, capture_output=True, text=True)
    assert float(said.stdout) < MOST_MB
    store = open_store(tmp_path / "store.db")
    stored = {series.tag: series.last for series in store.series("wide")}
    assert stored == {f"tag/{number:05}": 1.0 / (1 + number) for number in range(TAGS)} | {"first": 0.5}
    with TestClient(create_app(store), base_url="http://127.0.0.1:6006") as client:
        told = client.get("/api/v1/series?runs=wide").json()
        assert len(told["series"]) == 5_000
        assert told["total"] == TAGS + 1
        for asked in ("runs/wide", "run-details?run=wide"):
            tracemalloc.start()
            assert client.get(f"/api/v1/{asked}").json()["id"] == "wide"
            assert tracemalloc.get_traced_memory()[1] < MOST_BYTES_AN_ANSWER
            tracemalloc.stop()
    tracemalloc.start()
    RuleWatch(store, Outbox(local=True)).look()
    assert tracemalloc.get_traced_memory()[1] < MOST_BYTES_AN_ANSWER
    tracemalloc.stop()
    assert [one.value.title for one in store.records("wide", "rules", "event")] == ["one"]
    assert store.resumable("wide").next_step == 1
    store.close()
