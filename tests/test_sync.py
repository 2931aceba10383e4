"""What offline and killed programs left reaches a store by `trainboard sync`, a server, or the next run."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from dashboard_fixtures import Dashboard, eventually
from server_process import ServerProcess

import trainboard as tb
from trainboard.cli import main
from trainboard.storage import open_store
from trainboard.storage.spools import lock, spool_root


@pytest.fixture(autouse=True)
def away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRAINBOARD_DIR", str(tmp_path / "state"))


@pytest.fixture
def server(store_url: str) -> Iterator[ServerProcess]:
    open_store(store_url, create=True).close()
    started = ServerProcess(store_url)
    yield started
    started.kill()


def log_offline(store: str | Path, run_id: str = "off", points: int = 100) -> None:
    with tb.init("digits", id=run_id, mode="offline", store=store) as run:
        for step in range(points):
            run.log({"loss": float(step)})


def values(store: str | Path, run_id: str = "off") -> list[float]:
    opened = open_store(store)
    try:
        return opened.points_since(run_id, "loss", 0).value.tolist()
    finally:
        opened.close()


def sync(capsys: pytest.CaptureFixture[str], *words: str | Path) -> Any:
    capsys.readouterr()
    assert main(["sync", *map(str, words), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_an_offline_run_of_several_segments_is_sent_to_a_server_once(
    store_url: str, tmp_path: Path, server: ServerProcess, capsys: pytest.CaptureFixture[str]
) -> None:
    store = tmp_path / "local.db"
    log_offline(store, points=50_000)
    said = sync(capsys, store, "--to", server.url)
    assert (said["to"], len(said["sent"]), said["left"]) == (server.url, 1, [])
    assert values(store_url) == [float(step) for step in range(50_000)]
    assert open_store(store_url).run("off").status == "finished"
    assert sync(capsys, store, "--to", server.url)["sent"] == []


def test_a_folder_of_spools_copied_from_elsewhere_is_sent_and_sent_again_without_harm(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log_offline(tmp_path / "elsewhere.db")
    spools = tmp_path / "elsewhere.db.spool"
    copy = tmp_path / "copy"
    subprocess.run(["cp", "-r", spools, copy], check=True)
    for folder in (spools, copy):
        assert len(sync(capsys, folder, "--to", tmp_path / "here.db")["sent"]) == 1
    assert values(tmp_path / "here.db") == [float(step) for step in range(100)]


def test_a_spool_is_sent_to_the_store_it_was_meant_for_unless_another_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRAINBOARD_STORE", str(tmp_path / "own.db"))
    log_offline(tmp_path / "own.db")
    assert len(sync(capsys)["sent"]) == 1
    assert values(tmp_path / "own.db") == [float(step) for step in range(100)]


def test_a_run_meant_for_a_server_that_was_away_is_sent_there_later(
    server: ServerProcess, store_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    server.kill()
    log_offline_as_new = tb.init("digits", mode="offline", store=server.url)
    log_offline_as_new.log({"loss": 1.0})
    log_offline_as_new.finish()
    assert main(["sync", server.url]) == 2
    assert "cannot be reached" in capsys.readouterr().err
    server.start()
    assert len(sync(capsys, server.url)["sent"]) == 1
    assert values(store_url, log_offline_as_new.id) == [1.0]


def test_a_spool_in_use_is_left_alone_and_said_to_be(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = tmp_path / "own.db"
    log_offline(store)
    (spool,) = spool_root(store).iterdir()
    held = lock(spool)
    assert held is not None
    assert main(["sync", str(store)]) == 0
    assert "1 spool in use" in capsys.readouterr().out
    held.release()
    said = sync(capsys, store)
    assert (said["sent"], said["left"]) == ([spool.name], [])


SYNC = "import sys; from trainboard.cli import main; sys.exit(main(['sync', *sys.argv[1:]]))"


def test_a_sync_that_is_killed_is_continued_by_the_next_one(
    store_url: str, tmp_path: Path, server: ServerProcess, capsys: pytest.CaptureFixture[str]
) -> None:
    store = tmp_path / "local.db"
    log_offline(store, points=300_000)
    command = [sys.executable, "-c", SYNC, str(store), "--to", server.url]
    program = subprocess.Popen(command)
    reader = open_store(store_url)
    eventually(lambda: reader.version() > 3)
    os.kill(program.pid, signal.SIGKILL)
    program.wait()
    assert spool_root(store).joinpath(*os.listdir(spool_root(store))).is_dir(), "it was not killed in time"
    sync(capsys, store, "--to", server.url)
    assert values(store_url) == [float(step) for step in range(300_000)]
    reader.close()


@pytest.mark.parametrize("words", [["no-such"], ["."], ["no-such", "--to", "ftp://host"]])
def test_what_cannot_be_sent_is_one_line_and_status_2(
    tmp_path: Path, words: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["sync", *words]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_the_next_run_adopts_what_an_offline_one_left_for_the_server(
    store_url: str, server: ServerProcess
) -> None:
    offline = tb.init("digits", mode="offline", store=server.url)
    offline.log({"loss": 1.0})
    offline.finish()
    with tb.init("digits", store=server.url) as run:
        eventually(lambda: len(list(spool_root(run.store).iterdir())) == 1)
    assert values(store_url, offline.id) == [1.0]


def test_a_dashboard_adopts_what_an_offline_run_left(
    tmp_path: Path, start_dashboard: Callable[..., Dashboard]
) -> None:
    store = open_store(tmp_path / "own.db", create=True)
    log_offline(store.url)
    start_dashboard(store)
    eventually(lambda: [run.id for run in store.runs()] == ["off"])
    eventually(lambda: not list(spool_root(store.url).iterdir()))
    assert values(store.url) == [float(step) for step in range(100)]
    store.close()
