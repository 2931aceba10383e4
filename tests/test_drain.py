"""The drain keeps the spool when the store cannot be written, and catches up when it can."""

from __future__ import annotations

import sqlite3
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from dashboard_fixtures import eventually

import trainboard as tb
from trainboard.loggers import drain as drain_module
from trainboard.loggers.lifecycle import Ending
from trainboard.loggers.run import Run
from trainboard.storage.spools import adopt_orphans


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drain_module, "LONGEST_PAUSE", 0.5)


@pytest.fixture
def run(path: Path) -> Iterator[Run]:
    run = tb.init("p", "r", id="r", store=path)
    run.log({"a": 0.0})
    assert run.flush(60)
    yield run
    run.finish()


def spools(path: Path) -> list[Path]:
    return list(path.with_name(f"{path.name}.spool").iterdir())


def test_a_locked_database_is_waited_for(run: Run, path: Path) -> None:
    with warnings.catch_warnings(record=True):
        warnings.simplefilter("always")
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        for step in range(1, 1_000):
            run.log({"a": float(step)})
        assert not run.flush(1)
        other.execute("ROLLBACK")
        other.close()
        assert run.flush(60)
    assert tb.open_store(path).points("r", "a").value.tolist() == list(range(1_000))


def test_a_deleted_store_is_begun_anew_with_what_the_spool_still_has(run: Run, path: Path) -> None:
    with pytest.warns(UserWarning, match="deleted or replaced"):
        for name in (path, Path(f"{path}-wal"), Path(f"{path}-shm")):
            name.unlink(missing_ok=True)
        run.log({"a": 1.0})
        eventually(path.exists)
        assert run.flush(60)
        run.finish()
    store = tb.open_store(path)
    assert store.points("r", "a").value.tolist() == [0.0, 1.0]
    assert (store.run("r").name, store.run("r").status) == ("r", "finished")


def test_a_store_deleted_after_the_first_segment_still_gets_the_runs_name(run: Run, path: Path) -> None:
    for step in range(50_000):
        run.log({"a": float(step)})
    assert run.flush(60)
    with pytest.warns(UserWarning, match="deleted or replaced"):
        for name in (path, Path(f"{path}-wal"), Path(f"{path}-shm")):
            name.unlink(missing_ok=True)
        run.log({"a": -1.0})
        eventually(path.exists)
        run.finish()
    store = tb.open_store(path)
    assert store.run("r").name == "r" and store.run("r").project == "p"
    assert store.points("r", "a").value[-1] == -1.0


def test_a_store_that_stays_away_leaves_the_spool_and_says_how_to_recover(run: Run, path: Path) -> None:
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    run.log({"a": 1.0})
    with pytest.warns(UserWarning, match="trainboard serve"):
        run.end(Ending("finished", 0), timeout=1.0)
    other.execute("ROLLBACK")
    other.close()
    assert len(spools(path)) == 1
    store = tb.open_store(path)
    adopt_orphans(store)
    assert store.points("r", "a").value.tolist() == [0.0, 1.0]
    assert store.run("r").status == "finished"
    assert spools(path) == []


def test_drained_segments_are_deleted_while_the_program_runs(run: Run, path: Path) -> None:
    (spool,) = spools(path)
    for step in range(200_000):
        run.log({"a": float(step)})
    eventually(lambda: [file.name for file in sorted(spool.glob("*.seg"))] == ["000002.seg"])
    assert run.flush(60)
    assert tb.open_store(path).points("r", "a").total == 200_001


def test_a_silent_run_is_known_to_live(run: Run, path: Path) -> None:
    store = tb.open_store(path)
    before = store.run("r").updated_at
    eventually(lambda: store.run("r").updated_at > before)


def test_the_next_run_adopts_what_a_dead_one_left(path: Path) -> None:
    offline = tb.init("p", "old", id="old", mode="offline", store=path)
    offline.log({"a": 1.0})
    offline.finish()
    with tb.init("p", "new", store=path) as run:
        store = tb.open_store(path, create=True)
        eventually(lambda: any(found.id == "old" for found in store.runs()))
        run.log({"a": 2.0})
    assert tb.open_store(path).points("old", "a").value.tolist() == [1.0]
    assert spools(path) == []
