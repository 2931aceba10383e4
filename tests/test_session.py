"""init(): what it takes, what it refuses, and which run is current."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import trainboard as tb
from trainboard.storage.errors import NotAStore, RunNotFound, StoreNotFound, StoreUnavailable

VARIABLES = ("PROJECT", "NAME", "GROUP", "MODE", "RUN_GROUP", "DISABLED")


@pytest.fixture(autouse=True)
def nothing_is_left(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in VARIABLES:
        monkeypatch.delenv(f"TRAINBOARD_{name}", raising=False)
        monkeypatch.delenv(f"WANDB_{name}", raising=False)
    yield
    tb.finish()


def test_the_functions_of_the_package_act_on_the_current_run(tmp_path: Path) -> None:
    run = tb.init(store=tmp_path / "s.db", config={"lr": 0.1})
    assert tb.run is run and tb.config.lr == 0.1
    tb.log({"a": 1.0})
    tb.summary["best"] = 2.0
    assert tb.flush(60)
    tb.finish()
    assert tb.run is None
    store = tb.open_store(tmp_path / "s.db")
    assert store.points(run.id, "a").total == 1
    assert store.run(run.id).summary["best"] == 2.0


def test_config_before_init_says_what_to_do() -> None:
    code = "import trainboard as tb; tb.config"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "call trainboard.init() first" in result.stderr


def test_a_second_init_finishes_the_first_run_with_a_warning(tmp_path: Path) -> None:
    first = tb.init(store=tmp_path / "s.db")
    first.log({"a": 1.0})
    with pytest.warns(UserWarning, match="finished now"):
        second = tb.init(store=tmp_path / "s.db")
    assert tb.run is second and first.ended
    store = tb.open_store(tmp_path / "s.db")
    assert store.run(first.id).status == "finished"
    assert store.points(first.id, "a").total == 1


@pytest.mark.filterwarnings("ignore:.*finished now")
def test_threads_that_begin_runs_at_once_each_get_their_own_and_end_it(tmp_path: Path) -> None:
    faults: list[BaseException] = []
    got: list[str] = []

    def train(number: int) -> None:
        try:
            with tb.init(name=f"run-{number}", store=tmp_path / "s.db", system_every=60) as run:
                got.append(run.id)
                for _ in range(100):
                    run.log({"loss": 1.0})
        except BaseException as error:
            faults.append(error)

    for _ in range(4):
        threads = [threading.Thread(target=train, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert faults == [] and len(set(got)) == 16
    assert {run.status for run in tb.open_store(tmp_path / "s.db").runs()} == {"finished"}


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"project": 5}, TypeError, "project must be a string"),
        ({"project": " "}, ValueError, "project must not be empty"),
        ({"name": b"x"}, TypeError, "name must be a string"),
        ({"notes": None}, TypeError, "notes"),
        ({"tags": [1]}, TypeError, "tags must be strings"),
        ({"config": 3}, TypeError, "config must be a dict"),
        ({"config": [("a", 1)]}, TypeError, "config must be a dict"),
        ({"mode": "ofline"}, ValueError, "did you mean 'offline'"),
        ({"resume": "yes"}, ValueError, "'never', 'allow', 'must'"),
        ({"id": ""}, ValueError, "id must not be empty"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(
    tmp_path: Path, arguments: dict[str, Any], error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=text):
        tb.init(store=tmp_path / "s.db", **arguments)
    assert list(tmp_path.iterdir()) == []


@dataclass
class Settings:
    lr: float
    depth: int


@pytest.mark.parametrize("config", [{"lr": 0.1, "depth": 3}, Namespace(lr=0.1, depth=3), Settings(0.1, 3)])
def test_config_may_be_a_dict_a_namespace_or_a_dataclass(tmp_path: Path, config: Any) -> None:
    assert tb.init(store=tmp_path / "s.db", config=config).config == {"lr": 0.1, "depth": 3}


def test_a_store_that_is_a_text_file_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("dear diary")
    with pytest.raises(NotAStore, match=r"notes\.txt"):
        tb.init(store=path)
    assert path.read_text() == "dear diary" and list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreNotFound, match="nowhere"):
        tb.init(store=tmp_path / "nowhere" / "s.db")


def test_an_unknown_scheme_is_refused() -> None:
    with pytest.raises(NotAStore, match="mongodb"):
        tb.init(store="mongodb://host/x")


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a read-only file system needs root")
def test_a_read_only_folder_is_refused(tmp_path: Path) -> None:
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", tmp_path], capture_output=True)
    if mounted.returncode:
        pytest.skip("this machine does not let tests mount a file system")
    try:
        with pytest.raises(StoreUnavailable, match="read-only"):
            tb.init(store=tmp_path / "s.db")
    finally:
        subprocess.run(["umount", tmp_path], check=True)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_write_permission_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    with pytest.raises(StoreUnavailable, match="read-only"):
        tb.init(store=tmp_path / "s.db")
    tmp_path.chmod(0o755)


def test_the_environment_names_what_init_does_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRAINBOARD_PROJECT", "ours")
    monkeypatch.setenv("WANDB_PROJECT", "theirs")
    monkeypatch.setenv("WANDB_NAME", "a name")
    monkeypatch.setenv("WANDB_RUN_GROUP", "a group")
    run = tb.init(store=tmp_path / "s.db")
    assert (run.project, run.name, run.group) == ("ours", "a name", "a group")
    with pytest.warns(UserWarning):
        assert tb.init("given", store=tmp_path / "s.db").project == "given"


@pytest.mark.parametrize(
    ("variable", "value"),
    [("TRAINBOARD_MODE", "disabled"), ("WANDB_MODE", "disabled"), ("WANDB_DISABLED", "true")],
)
def test_the_environment_can_disable_logging(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    tb.init(store=tmp_path / "s.db").log({"a": 1.0})
    assert list(tmp_path.iterdir()) == []


def test_a_run_can_be_continued_after_its_last_step(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    first = tb.init("p", "n", id="mine", config={"lr": 0.1, "epochs": 1}, tags=["t"], store=path)
    for _ in range(3):
        first.log({"a": 1.0})
    first.finish()
    second = tb.init(id="mine", resume="allow", config={"epochs": 2}, store=path)
    assert (second.project, second.name, second.tags) == ("p", "n", ("t",))
    assert second.config == {"lr": 0.1, "epochs": 2}
    second.log({"a": 2.0})
    second.finish()
    store = tb.open_store(path)
    assert store.points("mine", "a").step.tolist() == [0, 1, 2, 3]
    assert store.run("mine").config == {"lr": 0.1, "epochs": 2}
    assert len(store.runs()) == 1


def test_resume_says_whether_a_run_may_or_must_exist(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    with pytest.raises(StoreNotFound):
        tb.init(id="mine", resume="must", store=path)
    tb.init(id="mine", resume="allow", store=path).finish()
    with pytest.raises(RunNotFound, match="another"):
        tb.init(id="another", resume="must", store=path)
    with pytest.raises(ValueError, match="resume='allow'"):
        tb.init(id="mine", store=path)


def test_a_run_without_a_name_gets_one(tmp_path: Path) -> None:
    assert tb.init(store=tmp_path / "s.db").name.count("-") == 2
