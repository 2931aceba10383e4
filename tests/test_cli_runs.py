"""Changing and removing runs from the command line."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from dashboard_fixtures import falling, log_run
from test_run_changes import add_run

from trainboard.cli import main
from trainboard.storage import Store, open_store

Say = Callable[..., str]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Three finished runs: a (group torch), b and b (group keras)."""
    opened = open_store(tmp_path / "runs.db", create=True)
    for name, group in (("a", "torch"), ("b", "keras"), ("b", "keras")):
        log_run(opened, name, falling(2), group=group)
    yield opened
    opened.close()


@pytest.fixture
def say(store: Store, capsys: pytest.CaptureFixture[str]) -> Say:
    """Run a command on the store; what it printed, if it ended with the status expected."""

    def say(*words: str, status: int = 0) -> str:
        assert main([*words, "--store", store.url]) == status
        out, err = capsys.readouterr()
        return err if status else out

    return say


def names(store: Store) -> list[str]:
    return sorted(run.name for run in store.runs())


def test_a_run_is_named_by_id_by_prefix_or_by_name(store: Store, say: Say) -> None:
    first, second, a = (run.id for run in store.runs())
    say("runs", "delete", "a")
    assert names(store) == ["b", "b"]
    say("runs", "restore", a[:8])
    say("runs", "delete", first, second)
    assert names(store) == ["a"]


def test_a_name_of_two_runs_or_of_none_is_refused_with_candidates(store: Store, say: Say) -> None:
    said = say("runs", "delete", "b", status=2)
    assert "could be 2 runs" in said and all(run.id in said for run in store.runs() if run.name == "b")
    said = say("runs", "delete", "a", "zebra", status=2)
    assert "'zebra'" in said and "a (" in said
    assert "Say which runs to delete" in say("runs", "delete", status=2)
    assert names(store) == ["a", "b", "b"]


def test_filters_choose_many_and_ask_first(store: Store, say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", open(os.devnull))
    assert "Nobody can answer here: say --yes" in say("runs", "delete", "--group", "keras", status=2)
    assert names(store) == ["a", "b", "b"]
    assert "Nothing was changed" in say("runs", "delete", "--older-than", "1d", "--yes")
    say("runs", "archive", "--group", "keras", "--status", "finished", "--project", "digits", "--yes")
    assert names(store) == ["a"]
    say("runs", "unarchive", "--group", "keras", "--yes")
    assert names(store) == ["a", "b", "b"]


@pytest.mark.parametrize(("answer", "left"), [(b"y\n", ["a"]), (b"\n", ["a", "b", "b"])])
def test_a_person_at_a_terminal_is_asked(store: Store, answer: bytes, left: list[str]) -> None:
    theirs, ours = pty.openpty()
    command = ["runs", "delete", "--group", "keras", "--store", store.url]
    os.write(theirs, answer)
    done = subprocess.run(
        [sys.executable, "-m", "trainboard", *command],
        stdin=ours,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0 and "Delete 2 runs? [y/N]" in done.stdout
    assert names(store) == left


def test_runs_are_renamed_tagged_and_noted(store: Store, say: Say) -> None:
    say("runs", "rename", "a", "best so far")
    say("runs", "tag", "best so far", "--add", "keep", "--add", "paper")
    say("runs", "tag", "best so far", "--remove", "paper")
    say("runs", "note", "best so far", "the one\nin the paper")
    (run,) = (run for run in store.runs() if run.name == "best so far")
    assert (run.tags, run.notes) == (["keep"], "the one\nin the paper")
    assert "must not be empty" in say("runs", "rename", "best so far", "", status=2)
    assert "--add TAG" in say("runs", "tag", "best so far", status=2)


def test_a_live_run_is_deleted_by_force_only(store: Store, say: Say, segment: Any) -> None:
    add_run(store, segment, "live", finished=False)
    assert "Still being written to" in say("runs", "delete", "live", status=2)
    say("runs", "delete", "live", "--force")
    assert "live" not in names(store)


def test_lists_show_archived_and_deleted_runs_on_request(
    store: Store, say: Say, capsys: pytest.CaptureFixture[str]
) -> None:
    say("runs", "archive", "a")
    say("runs", "delete", store.runs()[0].id)

    def listed(*words: str) -> list[str]:
        assert main(["runs", *words, store.url, "--json"]) == 0
        return [run["name"] for run in json.loads(capsys.readouterr().out)]

    assert listed() == ["b"] and listed("list") == ["b"]
    assert listed("list", "--archived") == ["b", "a"]
    assert listed("list", "--deleted") == ["b"]
    assert listed("list", "--group", "torch") == []


def test_compact_keeps_the_newest_and_a_dry_run_changes_nothing(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    newest = store.runs()[0].id
    assert main(["compact", store.url, "--keep-last", "1", "--dry-run"]) == 0
    assert "2 runs would be removed" in capsys.readouterr().out
    assert len(store.runs()) == 3 and store.runs(deleted=True) == []
    assert main(["compact", store.url, "--keep-last", "1", "--project", "letters"]) == 0
    assert len(store.runs()) == 3
    assert main(["compact", store.url, "--keep-last", "1"]) == 0
    assert "Removed 2 runs" in capsys.readouterr().out
    assert [run.id for run in store.runs()] == [newest] and store.runs(deleted=True) == []
    assert main(["compact", store.url, "--keep-days", "-1"]) == 2
    assert main(["compact", store.url, "--project", "digits"]) == 2


def test_an_age_is_a_number_and_a_unit(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["runs", "list", store.url, "--older-than", "soon"])
    assert "'soon' is no age" in capsys.readouterr().err
    assert main(["runs", "list", store.url, "--older-than", "0.0m"]) == 0


def test_the_newest_runs_are_listed_and_how_to_see_the_others_is_said(
    segment: Any, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    def listed(*words: str) -> tuple[list[str], str]:
        assert main(["runs", store.url, *words]) == 0
        out, err = capsys.readouterr()
        return [line.split()[0] for line in out.splitlines()[1:] if line[0] != " "], err

    for number in range(110):
        add_run(store, segment, f"run-{number}")
    shown, said = listed()
    assert len(shown) == 100
    assert "13 older ones" in said and "--limit" in said and "--all" in said
    assert len(listed("--limit", "112")[0]) == 112
    assert "1 older" in listed("--limit", "1", "--group", "keras")[1]
    shown, said = listed("--all")
    assert len(shown) == 113 and said == ""
    assert main(["runs", store.url, "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)) == 113
