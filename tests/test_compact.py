"""Compacting removes what was deleted and nothing else, beside programs that log; retention."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_run_changes import add_run

import trainboard as tb
from trainboard.storage import RunRecord, Store, open_store
from trainboard.storage.append import append_points
from trainboard.storage.chunks import Columns
from trainboard.storage.compact import compact
from trainboard.storage.errors import RunNotFound
from trainboard.storage.kinds import KINDS
from trainboard.storage.kinds.image import Image
from trainboard.storage.retention import beyond
from trainboard.storage.run_rows import load_run
from trainboard.storage.series import SeriesKey


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(tmp_path / "store.db", create=True)
    yield opened
    opened.close()


def path_of(store: Store) -> Path:
    return Path(store.url.removeprefix("sqlite:///"))


def rows(store: Store, table: str) -> int:
    with sqlite3.connect(path_of(store)) as database:
        return database.execute(f"SELECT count(*) FROM {table}").fetchone()[0]


def add_long_run(store: Store, run: str) -> None:
    """A finished run of half a million points, some megabytes."""
    generator = np.random.default_rng(0)
    with store.writing() as connection:
        row = load_run(connection, run)
        steps = np.arange(500_000)
        points = Columns(steps, generator.normal(size=len(steps)), generator.normal(size=len(steps)))
        append_points(connection, run, {SeriesKey(0, "scalar", "loss"): points})
        connection.exec_driver_sql("UPDATE runs SET status = 'finished' WHERE run_id = ?", (row["run_id"],))


def add_image(made: Any, tag: str, shade: float) -> None:
    picture = Image.from_array(np.full((4, 4), shade))
    made.record(tag, "image", KINDS["image"].encode(picture).to_bytes(), 0)


def test_deleted_runs_are_removed_and_the_file_shrinks(store: Store, segment: Any) -> None:
    add_run(store, segment, "kept")
    small = path_of(store).stat().st_size
    add_long_run(store, "deleted")
    store.delete_runs(["deleted"])
    done = compact(store)
    assert done.removed == ["deleted"] and done.bytes_freed > 4_000_000
    assert path_of(store).stat().st_size < small + 300_000
    assert store.points("kept", "loss").total == 10
    assert rows(store, "runs") == 1 and rows(store, "series") == 2
    with pytest.raises(RunNotFound):
        store.restore_runs(["deleted"])
    assert compact(store).removed == []


def test_blobs_are_removed_with_the_last_record_that_refers_to_them(store: Store, segment: Any) -> None:
    for run, shades in (("one", (0.1, 0.5)), ("two", (0.5, 0.9))):
        made = segment(run=run, project="digits")
        for number, shade in enumerate(shades):
            add_image(made, f"image {number}", shade)
        store.ingest(run).feed(0, made.data, 0)
    assert rows(store, "blobs") == 3
    store.delete_runs(["one"], force=True)
    with sqlite3.connect(path_of(store)) as database:
        database.execute("UPDATE runs SET status = 'finished'")
    assert compact(store).blobs == 1
    pictures = [store.records("two", f"image {number}", "image")[0].value for number in (0, 1)]
    assert pictures == [Image.from_array(np.full((4, 4), shade)) for shade in (0.5, 0.9)]


def test_a_deleted_run_that_is_written_to_is_left_for_another_time(store: Store, segment: Any) -> None:
    add_run(store, segment, "live", finished=False)
    store.delete_runs(["live"], force=True)
    assert compact(store).live == ["live"]
    store.restore_runs(["live"])
    assert store.points("live", "loss").total == 10


def test_writers_hardly_wait_while_runs_are_removed(store: Store) -> None:
    for number in range(3):
        add_long_run(store, f"deleted {number}")
    store.delete_runs([f"deleted {number}" for number in range(3)])
    waits: list[float] = []
    over = threading.Event()

    def write() -> None:
        with tb.init("digits", "live", store=store.url) as run:
            while not over.is_set():
                run.log({"loss": 1.0})
                began = time.perf_counter()
                with store.writing():
                    waits.append(time.perf_counter() - began)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        done = compact(store)
    finally:
        over.set()
        writer.join()
    assert len(done.removed) == 3 and done.shrunk and done.bytes_freed > 12_000_000
    assert len(waits) > 20 and max(waits) < 5
    assert store.points(store.runs()[0].id, "loss").total == len(waits)


def test_an_older_file_shrinks_once_nothing_is_running(store: Store, segment: Any) -> None:
    store.close()
    with sqlite3.connect(path_of(store), isolation_level=None) as database:
        database.execute("PRAGMA journal_mode = DELETE")
        database.execute("PRAGMA auto_vacuum = NONE")
        database.execute("VACUUM")
        database.execute("PRAGMA journal_mode = WAL")
    add_long_run(store, "deleted")
    add_run(store, segment, "live", finished=False)
    store.delete_runs(["deleted"])
    done = compact(store)
    assert (done.shrunk, done.bytes_freed) == (False, 0)
    store.delete_runs(["live"], force=True)
    with sqlite3.connect(path_of(store)) as database:
        database.execute("UPDATE runs SET status = 'finished'")
    done = compact(store)
    assert done.shrunk and done.bytes_freed > 4_000_000


def record(name: str, days_ago: float, **about: Any) -> RunRecord:
    ended = time.time() - days_ago * 86_400
    run = RunRecord(
        id=name, project="digits", name=name, group=None, tags=[], notes="", config={}, environment={},
        descriptions={},
        status="finished", exit_code=0, error=None, created_at=ended - 60, updated_at=ended, ended_at=ended,
        dropped=0, damaged=0, revision=1, archived_at=None, deleted_at=None, controls={}, rules={},
        _read_summary=dict,
    )  # fmt: skip
    return replace(run, **about)


def test_retention_spares_the_young_the_newest_the_archived_and_what_is_tagged_keep() -> None:
    runs = [
        record("young", 1),
        record("old", 40),
        record("older", 50),
        record("tagged", 60, tags=["keep"]),
        record("archived", 60, archived_at=1.0),
        record("running", 60, status="running"),
        record("other", 70, project="letters"),
    ]
    assert [run.id for run in beyond(runs, keep_days=30)] == ["old", "older", "other"]
    assert [run.id for run in beyond(runs, keep_last=1)] == ["old", "older"]
    assert [run.id for run in beyond(runs, keep_days=45, keep_last=1)] == ["older"]
    assert [run.id for run in beyond(runs, keep_last=0)] == ["young", "old", "older", "other"]
    assert beyond(runs) == []
