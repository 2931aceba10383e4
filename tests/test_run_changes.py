"""Deleting, restoring, archiving, renaming, tagging and noting runs, as a reader of the store sees it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from trainboard.storage import Store, open_store
from trainboard.storage.errors import RunIsLive, RunNotFound, SeriesNotFound
from trainboard.storage.frames import FrameType


def add_run(store: Store, make: Any, run: str, *, finished: bool = True, **about: Any) -> Any:
    """Feed one run with two series; returns its segment."""
    made = make(run=run, project="digits", name=f"name of {run}", created_at=time.time(), **about)
    for step in range(10):
        made.scalars(step, {"loss": 1 / (step + 1), "accuracy": step / 10})
    if finished:
        made.say(FrameType.FINISH, {"status": "finished"})
    store.ingest(f"spool of {run}").feed(0, made.data, 0)
    return made


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(tmp_path / "store.db", create=True)
    yield opened
    opened.close()


def test_a_deleted_run_is_nowhere_until_it_is_restored(store: Store, segment: Any) -> None:
    add_run(store, segment, "one")
    add_run(store, segment, "two")
    before = store.version()
    store.delete_runs(["one"])
    assert store.version() != before
    assert [run.id for run in store.runs()] == ["two"]
    assert list(store.revisions()) == ["two"]
    assert store.series(["one", "two"], "scalar")[0].run_id == "two"
    for look in (store.run, lambda run: store.points(run, "loss"), lambda run: store.resumable(run)):
        with pytest.raises(RunNotFound, match="it has 'two'"):
            look("one")
    with pytest.raises((RunNotFound, SeriesNotFound)):
        store.points_since("one", "loss", 0)
    assert [run.id for run in store.runs(deleted=True)] == ["one"]
    store.restore_runs(["one"])
    assert store.points("one", "loss").total == 10
    assert store.runs(deleted=True) == []


def test_a_run_that_is_written_to_is_deleted_only_by_force(store: Store, segment: Any) -> None:
    add_run(store, segment, "done")
    add_run(store, segment, "live", finished=False)
    with pytest.raises(RunIsLive, match="'name of live'"):
        store.delete_runs(["done", "live"])
    assert len(store.runs()) == 2
    store.delete_runs(["done", "live"], force=True)
    assert store.runs() == []


def test_a_deleted_run_whose_program_goes_on_stays_deleted_and_loses_nothing(
    store: Store, segment: Any
) -> None:
    made = segment(run="live", project="digits")
    made.scalars(0, {"loss": 1.0})
    ingest = store.ingest("spool")
    offset = ingest.feed(0, made.data, 0)
    store.delete_runs(["live"], force=True)
    made.say(FrameType.RUN, {"name": "again"})
    made.scalars(1, {"loss": 0.5})
    ingest.feed(0, made.data[offset:], offset)
    ingest.heartbeat()
    assert store.runs() == []
    store.restore_runs(["live"])
    assert store.points("live", "loss").value.tolist() == [1.0, 0.5]


def test_archived_runs_are_listed_only_when_asked_for(store: Store, segment: Any) -> None:
    add_run(store, segment, "one")
    store.archive_runs(["one"])
    assert store.runs() == []
    (run,) = store.runs(archived=True)
    assert run.archived_at is not None and store.run("one") == run
    store.archive_runs(["one"], archived=False)
    assert store.runs()[0].archived_at is None


def test_name_tags_and_notes_are_changed_and_the_program_does_not_look_alive(
    store: Store, segment: Any
) -> None:
    add_run(store, segment, "one", tags=["old", "keep"])
    heard = store.run("one").updated_at
    store.rename_run("one", "baseline \0")
    store.tag_runs(["one"], add=["best", "keep"], remove=["old"])
    store.note_run("one", "the one with the bug")
    run = store.run("one")
    assert (run.name, run.tags, run.notes) == ("baseline �", ["keep", "best"], "the one with the bug")
    assert run.updated_at == heard


def test_of_several_runs_all_are_changed_or_none(store: Store, segment: Any) -> None:
    add_run(store, segment, "one")
    with pytest.raises(RunNotFound, match="No such run: 'absent'"):
        store.delete_runs(["one", "absent"])
    with pytest.raises(RunNotFound, match="No such deleted run: 'one'"):
        store.restore_runs(["one"])
    assert [run.id for run in store.runs()] == ["one"]
    with pytest.raises(ValueError, match="must not be empty"):
        store.rename_run("one", " ")
