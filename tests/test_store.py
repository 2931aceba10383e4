"""Opening stores, and what they tell of runs and series."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, insert, select, update

from trainboard.storage import Store, open_store
from trainboard.storage.errors import RunNotFound, SeriesNotFound
from trainboard.storage.frames import FrameType
from trainboard.storage.schema import blobs, runs
from trainboard.storage.series import SILENCE_S


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    opened = open_store(store_url, create=True)
    yield opened
    opened.close()


def add_run(store: Store, segment: Any, run: str, **described: Any) -> None:
    made = segment(run=run, **{"project": "digits", "name": run, **described})
    made.scalars(0, {"loss": 1.0})
    made.scalars(1, {"loss": 0.5})
    store.ingest(f"spool-{run}").feed(0, made.data, 0)


CREATORS = """
import os, sys
from trainboard.storage import open_store
open_store("warm-up.db", create=True)  # so that all below start together, their imports done
start, go = os.pipe()
children = []
for _ in range(32):
    if not (child := os.fork()):
        os.close(go)
        os.read(start, 1)
        open_store("store.db", create=True).runs()
        os._exit(0)
    children.append(child)
os.close(go)
print([os.waitpid(child, 0)[1] for child in children])
"""


def test_a_writer_that_waits_is_not_overtaken_for_long(tmp_path: Path) -> None:
    store = open_store(tmp_path / "store.db", create=True)
    waited: list[float] = []
    wrote: list[float] = []

    def write(until: float) -> None:
        while (begun := time.monotonic()) < until:
            with store.writing():
                came = time.monotonic()
                time.sleep(0.01)
            waited.append(came - begun)
            wrote.append(time.monotonic() - came)
            time.sleep(0.02)

    writers = [threading.Thread(target=write, args=(time.monotonic() + 2,)) for _ in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    store.close()
    assert max(waited) < max(1, 20 * max(wrote))  # each of the others may have its turn


def test_thirty_two_processes_make_the_same_new_store_at_once(tmp_path: Path) -> None:
    command = [sys.executable, "-c", CREATORS]
    made = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert (made.stdout.strip(), made.stderr) == (str([0] * 32), "")
    assert open_store(tmp_path / "store.db").runs() == []


def test_a_store_is_opened_by_path_url_or_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a store % with ? odd # name.db"
    open_store(path, create=True)
    monkeypatch.setenv("TRAINBOARD_STORE", str(path))
    assert open_store(str(path)).url == open_store(f"sqlite:///{path}").url == open_store().url
    assert path.exists()


def test_without_an_environment_the_store_is_in_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    open_store(create=True)
    assert (tmp_path / "trainboard.db").exists()


def test_an_empty_file_becomes_a_store(tmp_path: Path) -> None:
    (tmp_path / "store.db").touch()
    assert open_store(tmp_path / "store.db", create=True).runs() == []


def test_a_new_store_answers_every_question(store: Store) -> None:
    assert store.runs() == [] and store.series([]) == [] and store.series("none") == []
    assert store.version() == 0 and store.revisions() == {}


def test_runs_are_listed_newest_first_and_filtered(store: Store, segment: Any) -> None:
    add_run(store, segment, "old", created_at=100.0, group="a")
    add_run(store, segment, "new", created_at=200.0, project="other")
    assert [run.id for run in store.runs()] == ["new", "old"]
    assert [run.id for run in store.runs("digits")] == ["old"]
    assert [run.id for run in store.runs(where={"group": "a", "status": "running"})] == ["old"]
    assert store.runs("nothing") == []


def test_the_summary_has_the_last_value_of_each_tag_and_what_the_program_put_there(
    store: Store, segment: Any
) -> None:
    made = segment(project="digits")
    made.scalars(5, {"loss": 0.5, "accuracy": 0.9})
    made.scalars(3, {"loss": 0.7})
    made.say(FrameType.UPDATE, {"summary": {"accuracy": 0.95, "best": 5}})
    store.ingest("spool").feed(0, made.data, 0)
    assert store.run("run").summary == {"loss": 0.5, "accuracy": 0.95, "best": 5}


def test_a_silent_running_run_is_reported_killed(store: Store, segment: Any) -> None:
    add_run(store, segment, "run")
    assert store.run("run").status == "running"
    with store.writing() as connection:
        connection.execute(update(runs).values(updated_at=runs.c.updated_at - SILENCE_S - 1))
    assert store.run("run").status == "killed"
    assert [run.id for run in store.runs(where={"status": "killed"})] == ["run"]


def test_the_version_changes_with_every_change_and_only_then(store: Store, segment: Any) -> None:
    versions = [store.version()]
    add_run(store, segment, "a")
    versions.append(store.version())
    add_run(store, segment, "b")
    versions.append(store.version())
    assert len(set(versions)) == 3
    assert store.version() == versions[-1]
    assert store.revisions() == {"a": 1, "b": 1}


def test_a_store_is_closed_at_the_end_of_its_block(tmp_path: Path) -> None:
    with open_store(tmp_path / "store.db", create=True) as store:
        assert store.runs() == []
        assert (tmp_path / "store.db-wal").exists()
    assert not (tmp_path / "store.db-wal").exists(), "the last connection takes the journal with it"


def test_missing_runs_and_series_are_named_with_what_there_is(store: Store, segment: Any) -> None:
    add_run(store, segment, "run")
    with pytest.raises(RunNotFound, match="No run 'x' in .*it has 'run'"):
        store.points("x", "loss")
    with pytest.raises(SeriesNotFound, match="No scalar 'lost' of rank 0 in run 'run'; it has 'loss'"):
        store.points("run", "lost")
    with pytest.raises(SeriesNotFound, match="it has none"):
        store.records("run", "loss", "text")


def test_series_are_listed_for_several_runs_and_by_kind(store: Store, segment: Any) -> None:
    add_run(store, segment, "a")
    add_run(store, segment, "b")
    assert [(each.run_id, each.tag) for each in store.series(["b", "a"])] == [("a", "loss"), ("b", "loss")]
    assert store.series("a", kind="text") == []


def test_importing_the_package_loads_neither_numpy_nor_sqlalchemy() -> None:
    script = "import sys, trainboard.storage; print({'numpy', 'sqlalchemy', 'alembic'} & set(sys.modules))"
    assert subprocess.check_output([sys.executable, "-c", script], text=True).strip() == "set()"


def test_opening_an_existing_store_does_not_load_alembic(store: Store) -> None:
    script = "import sys, trainboard.storage as s; s.open_store(sys.argv[1]); print('alembic' in sys.modules)"
    output = subprocess.check_output([sys.executable, "-c", script, store.url], text=True)
    assert output.strip() == "False"


def test_a_reader_sees_one_state_while_a_writer_writes(store: Store, segment: Any) -> None:
    add_run(store, segment, "run")
    with store.writing(), open_store(store.url).reading():
        assert len(store.points("run", "loss").step) == 2


def test_a_writer_of_a_file_holds_the_write_lock_from_its_first_statement(tmp_path: Path) -> None:
    store = open_store(tmp_path / "store.db", create=True)
    other = sqlite3.connect(tmp_path / "store.db", timeout=0, isolation_level=None)
    with store.writing(), pytest.raises(sqlite3.OperationalError, match="locked"):
        other.execute("BEGIN IMMEDIATE")
    other.execute("BEGIN IMMEDIATE")
    other.close()


def test_a_transaction_that_fails_leaves_nothing(store: Store) -> None:
    with pytest.raises(RuntimeError), store.writing() as connection:
        connection.execute(insert(blobs), {"hash": "a", "data": b"\0"})
        raise RuntimeError
    with store.reading() as connection:
        assert connection.scalar(select(func.count()).select_from(blobs)) == 0
