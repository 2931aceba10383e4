"""Scalars in CSV files come into a store, as we and as others write them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from trainboard.cli import main
from trainboard.storage import Store, open_store
from trainboard.storage.errors import BadChange
from trainboard.storage.import_table import import_csv


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(tmp_path / "store.db", create=True)
    yield opened
    opened.close()


def points(store: Store, run: str, tag: str, rank: int = 0) -> list[tuple[int, float, float]]:
    found = store.points(run, tag, rank=rank)
    columns = (found.step.tolist(), found.wall_time.tolist(), found.value.tolist())
    return list(zip(*columns, strict=True))


def test_a_table_that_was_exported_is_the_same_runs_again(store: Store, tmp_path: Path, segment: Any) -> None:
    for rank in (0, 1):
        made = segment(run="first", rank=rank, project="p", name="lr/0.1", created_at=1000.0)
        for step, value in enumerate([0.1, math.inf, 1e300, -0.0]):
            made.scalars(step, {"loss": value + rank, "odd, tag": value})
        store.ingest(f"spool-{rank}").feed(0, made.data, 0)
    table = tmp_path / "scalars.csv"
    assert main(["export", "--to", "csv", str(table), "--store", store.url]) == 0
    assert main(["import", str(table), "--store", str(tmp_path / "back.db")]) == 0
    back = open_store(tmp_path / "back.db")
    (run,) = back.runs()
    assert (run.id, run.name, run.project, run.status) == ("first", "lr/0.1", "p", "finished")
    for tag, rank in (("loss", 0), ("loss", 1), ("odd, tag", 1)):
        assert points(back, "first", tag, rank) == points(store, "first", tag, rank)
    with pytest.raises(BadChange, match="already"):
        import_csv(back, table)
    assert len(points(back, "first", "loss")) == 4


def test_each_column_of_another_table_is_a_tag(store: Store, tmp_path: Path) -> None:
    table = tmp_path / "metrics.csv"
    table.write_text("epoch,step,loss,val_loss,note\n0,10,0.5,,a\n0,20,nan,0.75,b\n", "utf-8-sig")
    done = import_csv(store, table, "vision")
    (run,) = store.runs()
    assert (run.name, run.project, done.points, done.left_out) == ("metrics", "vision", 5, ["note"])
    assert [(step, value) for step, _, value in points(store, run.id, "val_loss")] == [(20, 0.75)]
    assert math.isnan(points(store, run.id, "loss")[1][2])
    assert [value for _, _, value in points(store, run.id, "epoch")] == [0, 0]


@pytest.mark.parametrize("text", ["", "run,tag,step,value\na,loss,0,1\na,loss,x,2\n", "a\n\0\xff"])
def test_a_file_that_is_no_table_leaves_the_store_as_it_was(text: str, store: Store, tmp_path: Path) -> None:
    table = tmp_path / "bad.csv"
    table.write_text(text, "latin-1")
    with pytest.raises(BadChange, match=r"bad\.csv"):
        import_csv(store, table)
    assert store.runs() == []
