"""A store that may not be written, as on another's disk, is read like any other."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

import trainboard as tb

# Root may write where nobody else may, unless it gives that right away.
READER = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
pytestmark = pytest.mark.skipif(bool(READER) and not shutil.which("setpriv"), reason="needs setpriv")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "shared"
    folder.mkdir()
    with tb.init(store=folder / "a.db", name="mine") as run:
        for step in range(100):
            run.log({"loss": 1.0 / (step + 1)})
    close_to_writing(folder / "a.db")
    yield folder / "a.db"
    folder.chmod(0o700)


def close_to_writing(path: Path) -> None:
    path.chmod(0o400)
    path.parent.chmod(0o500)


def trainboard(*words: str) -> list[str]:
    return [*READER, sys.executable, "-m", "trainboard", *words]


def run(*words: str) -> tuple[int, str]:
    done = subprocess.run(trainboard(*words), capture_output=True, text=True, timeout=300)
    return done.returncode, done.stdout + done.stderr


def test_it_is_listed_asked_checked_and_copied(store: Path, tmp_path: Path) -> None:
    assert run("runs", "list", str(store), "--json")[1].count('"mine"') == 1
    assert "100" in run("query", "SELECT count(*) FROM scalars", "--store", str(store))[1]
    assert run("check", str(store)) == (0, "No fault found.\n")
    assert run("backup", "--store", str(store), str(tmp_path / "copy.db"))[0] == 0
    copy = tb.open_store(tmp_path / "copy.db")
    assert [one.name for one in copy.runs()] == ["mine"]
    assert [one.name for one in store.parent.iterdir() if one.suffix == ".db"] == ["a.db"]


def test_it_is_served(store: Path) -> None:
    command = trainboard("serve", str(store), "--no-open", "--port", "0")
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as server:
        try:
            assert server.stdout is not None
            address = server.stdout.readline().split()[3]
            with urllib.request.urlopen(f"{address}api/v1/runs", timeout=60) as answer:
                assert b'"mine"' in answer.read()
        finally:
            server.terminate()
            server.wait(300)


def test_changing_it_says_to_copy_it(store: Path) -> None:
    code, said = run("runs", "note", "--store", str(store), "mine", "good")
    assert code == 2 and "copy it to a place that you may write to" in said


def test_an_older_one_is_to_be_copied_first(store: Path) -> None:
    store.parent.chmod(0o700)
    store.chmod(0o600)
    with sqlite3.connect(store) as older:
        older.execute("UPDATE alembic_version SET version_num = '0001'")
        older.execute("PRAGMA journal_mode = DELETE")
    close_to_writing(store)
    code, said = run("runs", "list", str(store))
    assert code == 2 and "open the copy" in said


def test_a_program_cannot_log_to_it_and_is_told_at_init(store: Path) -> None:
    code = f"import trainboard as tb; tb.init(store={str(store)!r})"
    done = subprocess.run([*READER, sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert "read-only" in done.stderr and "give the store another place" in done.stderr
