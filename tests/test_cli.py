"""The `trainboard` command as people run it: a process with words, an exit status and two streams."""

from __future__ import annotations

import json
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import trainboard as tb

COMMAND = [sys.executable, "-m", "trainboard"]


def trainboard(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *words], cwd=folder, capture_output=True, text=True, timeout=300)


def refusal(*words: str, folder: Path) -> str:
    """The one line on stderr with which a command is refused."""
    done = trainboard(*words, folder=folder)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    return line


@contextmanager
def serving(*words: str, folder: Path) -> Iterator[tuple[list[str], str]]:
    """A running `trainboard serve`: what it printed up to its address, and the address."""
    process = subprocess.Popen(
        [*COMMAND, "serve", "--no-open", *words], cwd=folder, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        printed = []
        for line in process.stdout:
            printed.append(line)
            if found := re.search(r"http://\S+", line):
                yield printed, found[0]
                break
        else:
            pytest.fail(f"the server ended without an address: {printed}")
        process.send_signal(signal.SIGINT)
        assert process.wait(300) == 0
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store with two runs, one with values that JSON has no numbers for."""
    path = tmp_path / "runs.db"
    for seed in (1, 2):
        with tb.init("digits", f"seed-{seed}", config={"seed": seed}, store=path) as run:
            run.log({"loss": 0.5 / seed, "broken": float("nan")}, step=0)
    return path


def test_the_command_alone_explains_itself(tmp_path: Path) -> None:
    done = trainboard(folder=tmp_path)
    assert done.returncode == 0
    assert all(verb in done.stdout for verb in ("serve", "demo", "runs"))


def test_the_version_is_the_package_s(tmp_path: Path) -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+\n", trainboard("--version", folder=tmp_path).stdout)


@pytest.mark.parametrize("verb", ["serve", "runs"])
def test_a_missing_store_is_named(verb: str, tmp_path: Path) -> None:
    assert "absent.db" in refusal(verb, "absent.db", folder=tmp_path)
    assert not (tmp_path / "absent.db").exists()


@pytest.mark.parametrize("verb", ["serve", "runs"])
def test_a_text_file_is_no_store_and_is_left_as_it_was(verb: str, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not a store\n")
    assert "notes.txt" in refusal(verb, "notes.txt", folder=tmp_path)
    assert (tmp_path / "notes.txt").read_text() == "not a store\n"


def test_a_folder_is_no_store(tmp_path: Path) -> None:
    assert str(tmp_path) in refusal("serve", ".", folder=tmp_path)


def test_another_program_s_database_is_no_store(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "other.db") as database:
        database.execute("CREATE TABLE songs (title TEXT)")
    assert "other.db" in refusal("runs", "other.db", folder=tmp_path)


def test_a_store_of_a_newer_trainboard_is_refused(store: Path) -> None:
    with sqlite3.connect(store) as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    assert "newer" in refusal("runs", store.name, folder=store.parent)


def test_a_port_that_is_no_port_is_refused(store: Path) -> None:
    done = trainboard("serve", store.name, "--port", "99999", folder=store.parent)
    assert done.returncode == 2
    assert "'99999' is not a port" in done.stderr


def test_an_address_that_is_not_this_machine_s_is_refused(store: Path) -> None:
    # 192.0.2.1 is reserved for documentation, so no machine has it.
    assert "192.0.2.1" in refusal(
        "serve", store.name, "--host", "192.0.2.1", "--no-open", folder=store.parent
    )


def test_runs_lists_the_newest_first(store: Path) -> None:
    printed = trainboard("runs", store.name, folder=store.parent).stdout
    assert 0 < printed.index("seed-2") < printed.index("seed-1")


def test_a_name_is_shown_as_text_and_cannot_command_the_terminal(tmp_path: Path) -> None:
    tb.init("digits", "[/red] :smile: \x1b[2J", store=tmp_path / "runs.db").finish()
    assert "[/red] :smile: �[2J" in trainboard("runs", "runs.db", folder=tmp_path).stdout


def test_runs_as_json_is_strict_json_with_config_and_summary(store: Path) -> None:
    def no_constants(name: str) -> None:
        pytest.fail(f"{name} is not JSON")

    done = trainboard("runs", store.name, "--json", folder=store.parent)
    newest = json.loads(done.stdout, parse_constant=no_constants)[0]
    assert newest["status"] == "finished"
    assert newest["config"] == {"seed": 2}
    assert newest["summary"] == {"loss": 0.25, "broken": "nan"}


def test_runs_finds_what_a_killed_program_left_in_its_spool(tmp_path: Path) -> None:
    program = (
        "import os, signal, trainboard as tb; run = tb.init('digits', store='runs.db');"
        "run.log({'loss': 0.125}); os.kill(os.getpid(), signal.SIGKILL)"
    )
    died = subprocess.run([sys.executable, "-c", program], cwd=tmp_path)
    assert died.returncode == -signal.SIGKILL
    tb.open_store(tmp_path / "runs.db", create=True).close()
    (run,) = json.loads(trainboard("runs", "runs.db", "--json", folder=tmp_path).stdout)
    assert (run["status"], run["summary"]) == ("killed", {"loss": 0.125})


def test_serve_answers_at_the_address_it_prints_until_interrupted(store: Path) -> None:
    with serving(store.name, "--port", "0", folder=store.parent) as (_, address):
        with urllib.request.urlopen(address, timeout=60) as answer:
            assert answer.status == 200
            assert "trainboard" in answer.read().decode()


def test_a_taken_port_is_said_and_the_next_free_one_used(store: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with serving(store.name, "--port", str(port), folder=store.parent) as (printed, address):
            assert any(f"{port} is in use" in line for line in printed)
            assert f":{port}/" not in address


def test_the_store_of_the_environment_is_the_default(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRAINBOARD_STORE", str(store))
    assert "seed-1" in trainboard("runs", folder=store.parent).stdout
