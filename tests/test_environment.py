"""What a run records of the machine, the code and the command it ran with."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

import trainboard as tb
from trainboard.loggers.environment import LONGEST_DIFF


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "code"
    folder.mkdir()
    monkeypatch.chdir(folder)
    git("init", "-q")
    (folder / "train.py").write_text("lr = 1\n")
    git("add", "train.py")
    git("-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "first")
    return folder


def git(*arguments: str) -> None:
    subprocess.run(["git", *arguments], check=True)


def environment_of_a_run(store: Path) -> dict[str, Any]:
    with tb.init(store=store) as run:
        pass
    return tb.open_store(store).run(run.id).environment


def test_the_commit_and_what_differs_from_it_are_recorded(repository: Path, tmp_path: Path) -> None:
    (repository / "train.py").write_text("lr = 0.1\n")
    recorded = environment_of_a_run(tmp_path / "a.db")["git"]
    assert len(recorded["commit"]) == 40 and recorded["dirty"]
    assert "-lr = 1" in recorded["diff"] and "+lr = 0.1" in recorded["diff"]


def test_code_that_is_committed_has_no_diff(repository: Path, tmp_path: Path) -> None:
    recorded = environment_of_a_run(tmp_path / "a.db")["git"]
    assert recorded["dirty"] is False and recorded["diff"] is None


def test_a_diff_can_be_kept_out_of_the_record(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (repository / "train.py").write_text("private = 1\n")
    monkeypatch.setenv("TRAINBOARD_DIFF", "0")
    recorded = environment_of_a_run(tmp_path / "a.db")["git"]
    assert recorded["dirty"] and recorded["diff"] is None


def test_a_huge_diff_is_cut_and_says_so(repository: Path, tmp_path: Path) -> None:
    (repository / "train.py").write_text("x = 1\n" * LONGEST_DIFF)
    diff = environment_of_a_run(tmp_path / "a.db")["git"]["diff"]
    assert len(diff) < LONGEST_DIFF + 100 and diff.endswith("left out")


def test_outside_a_repository_there_is_no_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert environment_of_a_run(tmp_path / "a.db")["git"] is None


def test_every_installed_package_is_recorded_with_its_version(tmp_path: Path) -> None:
    packages = environment_of_a_run(tmp_path / "a.db")["packages"]
    import numpy
    import pytest

    assert packages["numpy"] == numpy.__version__ and packages["pytest"] == pytest.__version__


@pytest.mark.parametrize(
    ("given", "recorded"),
    [
        (["--lr", "0.1", "--token", "abc"], ["--lr", "0.1", "--token", "***"]),
        (["--api-key=abc", "password=abc"], ["--api-key=***", "password=***"]),
        (["--tokenizer", "bert", "--max-tokens", "512"], ["--tokenizer", "bert", "--max-tokens", "512"]),
        (["--db", "postgresql://me:abc@host/runs"], ["--db", "postgresql://me:***@host/runs"]),
        (["hf_abcdefghijklmnop"], ["***"]),
        (["--token", "--verbose"], ["--token", "--verbose"]),
        (
            ["--dbpassword=a", "--apiKey=b", "--wandb_key", "c"],
            ["--dbpassword=***", "--apiKey=***", "--wandb_key", "***"],
        ),
        (["--accessToken=a", "--clientSecret=b"], ["--accessToken=***", "--clientSecret=***"]),
        (["-H", "Authorization: Bearer abc"], ["-H", "Authorization: Bearer ***"]),
        (
            ["--author", "me", "--passes=3", "--keys=2", "--monkey=1"],
            ["--author", "me", "--passes=3", "--keys=2", "--monkey=1"],
        ),
    ],
)
def test_secrets_on_the_command_line_are_hidden(
    given: list[str], recorded: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["train.py", *given])
    assert environment_of_a_run(tmp_path / "a.db")["argv"] == ["train.py", *recorded]


def test_variables_that_change_training_are_recorded_without_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.setenv("TRAINBOARD_WRITE_TOKEN", "abc")
    monkeypatch.setenv("HOME_ADDRESS", "nobody's business")
    variables = environment_of_a_run(tmp_path / "a.db")["variables"]
    assert variables["OMP_NUM_THREADS"] == "3"
    assert variables["TRAINBOARD_WRITE_TOKEN"] == "***"
    assert "HOME_ADDRESS" not in variables
