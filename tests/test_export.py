"""Logs for TensorBoard: what it reads in them, and that reading them back loses nothing."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from test_every_kind import RECORDS, SAMPLES

from trainboard.cli import main
from trainboard.storage import Store, open_store
from trainboard.storage.frames import FrameType
from trainboard.storage.kinds import KINDS

CONFIG = {"lr": 0.1, "net": {"layers": [1, 2]}, "decay": math.nan, "flag": True}
VALUES = [0.1, math.nan, math.inf, -0.0, 1e300, 0.5]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("export")


@pytest.fixture(scope="module")
def store(folder: Path, segment: Any) -> Iterator[Store]:
    """A run with every kind, one with a resumed series and two ranks, and one of the same name."""
    opened = open_store(folder / "store.db", create=True)
    made = segment(run="every", project="p", name="lr/0.1", config=CONFIG, group="g", created_at=1000.0)
    for step, value in enumerate(VALUES):
        made.scalars(step, {"loss": value})
    for kind in RECORDS:
        for step, value in enumerate(SAMPLES[kind]()):
            made.record(f"kind/{kind}", kind, KINDS[kind].encode(value).to_bytes(), step)
    made.record("loss", "histogram", KINDS["histogram"].encode(SAMPLES["histogram"]()[2]).to_bytes(), 0)
    made.say(FrameType.UPDATE, {"summary": {"best": 0.5}})
    made.say(FrameType.FINISH, {"status": "finished", "exit_code": 0})
    opened.ingest("spool").feed(0, made.data, 0)
    for rank in (0, 1):
        again = segment(run="resumed", rank=rank, project="p", name="lr/0.1", created_at=2000.0)
        for step in (*range(100), *range(50, 300)):
            again.scalars(step, {"x": step + rank + 1000 * (len(again.ends) > 105)})
        again.say(FrameType.FINISH, {"status": "finished", "exit_code": 0})
        opened.ingest(f"spool-{rank}").feed(0, again.data, 0)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def logs(store: Store, folder: Path) -> Path:
    store.export_tensorboard(folder / "logs")
    return folder / "logs"


def content(store: Store) -> dict[tuple[str, str, str], Any]:
    """Every series of a store, in an order that its runs' ids do not matter for."""
    found: dict[tuple[str, str, str], Any] = {}
    for run in store.runs():
        for series in store.series(run.id):
            key = (run.name, series.kind, series.tag)
            if series.kind == "scalar":
                points = store.points(run.id, series.tag, rank=series.rank)
                found[key] = [a.tobytes() for a in (points.step, points.wall_time, points.value)]
            else:
                records = store.records(run.id, series.tag, series.kind, rank=series.rank)
                encode = KINDS[series.kind].encode
                found[key] = [(r.step, r.wall_time, encode(r.value).to_bytes()) for r in records]
    return found


def test_logs_read_back_are_the_store_again(logs: Path, store: Store, folder: Path) -> None:
    assert main(["import", str(logs), "--store", str(folder / "back.db")]) == 0
    back = open_store(folder / "back.db")
    ours = content(store)
    read = content(back)
    for kind in set(RECORDS) - {"raw"}:
        key = ("lr/0.1", kind, f"kind/{kind}")
        samples = SAMPLES[kind]()
        assert len(read[key]) == len(samples), kind
        for (_, _, one), value in zip(read[key], samples, strict=True):
            assert one == KINDS[kind].encode(value).to_bytes(), kind
    assert {key: read[key] for key in ours if key[2] in ("loss",)} == {
        key: ours[key] for key in ours if key[2] == "loss"
    }
    run = next(run for run in back.runs() if run.name == "lr/0.1")
    assert json.dumps(run.config) == json.dumps(CONFIG) and run.group == "g" and run.status == "finished"
    back.export_tensorboard(folder / "logs again")
    assert main(["import", str(folder / "logs again"), "--store", str(folder / "twice.db")]) == 0
    assert content(open_store(folder / "twice.db")) == read
