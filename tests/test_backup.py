"""A backup of a live store is whole, and a copy of one moment."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from dashboard_fixtures import eventually, falling, log_run

import trainboard as tb
from trainboard.cli import main
from trainboard.storage import open_store
from trainboard.storage.backup import backup
from trainboard.storage.check import check
from trainboard.storage.errors import BadChange


def test_a_backup_taken_while_a_run_logs_holds_a_prefix_of_every_series(tmp_path: Path) -> None:
    store = open_store(tmp_path / "store.db", create=True)
    over = threading.Event()
    logged = 0

    def log() -> None:
        nonlocal logged
        with tb.init("digits", "live", store=store.url) as run:
            while not over.is_set():
                run.log({"loss": float(logged), "accuracy": -float(logged)}, step=logged)
                logged += 1

    program = threading.Thread(target=log)
    program.start()
    try:
        eventually(lambda: store.runs() and store.series(store.runs()[0].id))
        copies = []
        for number in range(3):
            before = store.series(store.runs()[0].id)[0].count
            copies.append(backup(store, tmp_path / f"copy-{number}.db"))
            eventually(lambda before=before: store.series(store.runs()[0].id)[0].count > before)
    finally:
        over.set()
        program.join()
    for path in copies:
        copy = open_store(path)
        assert list(check(copy)) == []
        (run,) = copy.runs()
        loss, accuracy = (copy.points(run.id, tag) for tag in ("loss", "accuracy"))
        assert 0 < loss.total == accuracy.total < logged
        assert loss.value.tolist() == list(range(loss.total))
    assert store.points(store.runs()[0].id, "loss").total == logged
    assert sorted(path.name for path in tmp_path.glob("*partial*")) == []


def test_a_backup_never_replaces_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = open_store(tmp_path / "store.db", create=True)
    log_run(store, "one", falling(3))
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(BadChange, match="notes.txt' exists"):
        backup(store, tmp_path / "notes.txt")
    with pytest.raises(BadChange, match="A backup is a file"):
        backup(store, "postgresql://host/db")
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert main(["backup", str(tmp_path / "copy.db"), "--store", store.url]) == 0
    assert "copy.db" in capsys.readouterr().out
    assert main(["backup", str(tmp_path / "copy.db"), "--store", store.url]) == 2
    assert main(["backup", str(tmp_path / "nowhere" / "copy.db"), "--store", store.url]) == 2
