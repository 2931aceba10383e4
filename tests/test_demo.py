"""`trainboard demo`, with its real training programs: what it leaves, what it says, and how it ends."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from itertools import takewhile
from pathlib import Path

import pytest
from dashboard_fixtures import eventually

import trainboard as tb

DEMO = [sys.executable, "-m", "trainboard", "demo", "--port", "0", "--epochs", "1"]
RUNS = ["keras-1", "keras-2", "pytorch-1", "pytorch-2"]
WITHOUT_TORCH = """
import sys
sys.modules["torch"] = None
from trainboard.cli import main
sys.exit(main(["demo", "--once"]))
"""


@contextmanager
def demo(folder: Path, *words: str) -> Iterator[subprocess.Popen[str]]:
    """A demo at work, and killed with its children if a test leaves it running."""
    process = subprocess.Popen(
        [*DEMO, *words], cwd=folder, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def read_until(process: subprocess.Popen[str], pattern: str) -> re.Match[str]:
    assert process.stdout is not None
    for line in process.stdout:
        if found := re.search(pattern, line):
            return found
    raise AssertionError(f"the demo ended without printing {pattern!r}")


def statuses(store: Path) -> dict[str, str]:
    with closing(tb.open_store(store)) as opened:
        return {run.name: run.status for run in opened.runs()}


def test_it_adds_four_finished_runs_sums_them_up_and_serves_on_until_interrupted(tmp_path: Path) -> None:
    store = tmp_path / "trainboard-demo.db"
    tb.init("digits", "earlier", store=store).finish()
    with demo(tmp_path, "--epochs", "0") as process:
        assert process.stdout is not None
        printed = "".join(takewhile(lambda line: "Still serving" not in line, process.stdout))
        address = re.search(r"trainboard is at (http://\S+/)", printed)
        assert address, printed
        with urllib.request.urlopen(address[1], timeout=60) as answer:
            assert answer.status == 200
        process.send_signal(signal.SIGINT)
        assert process.wait(300) == 0
    assert statuses(store) == dict.fromkeys(["earlier", *RUNS], "finished")
    assert not store.with_name(store.name + "-wal").exists()
    summary = printed[printed.index("Framework") :]
    assert all(re.search(rf"{name}\b.*finished", summary) for name in RUNS)
    assert f"trainboard serve {store.name}" in summary
    assert len(summary.splitlines()) < 24


def test_a_program_that_fails_fails_the_demo_and_its_last_words_are_shown(tmp_path: Path) -> None:
    environment = {**os.environ, "KERAS_BACKEND": "abacus"}
    done = subprocess.run(
        [*DEMO, "--once", "--epochs", "0"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        env=environment,
    )
    assert done.returncode == 1
    assert "Keras, seed 1, failed. It said:" in done.stdout
    assert "abacus" in done.stdout
    assert statuses(tmp_path / "trainboard-demo.db") == dict.fromkeys(["pytorch-1", "pytorch-2"], "finished")


def test_ctrl_c_while_training_stops_all_four_programs(tmp_path: Path) -> None:
    with demo(tmp_path, "--epochs", "1000") as process:
        address = read_until(process, r"trainboard is at (http://\S+/)")[1]
        eventually(lambda: len(statuses(tmp_path / "trainboard-demo.db")) == 4)
        # As a terminal does: the signal goes to the demo and to the programs it started.
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(timeout=300) == 130
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(address, timeout=60)
    assert statuses(tmp_path / "trainboard-demo.db") == dict.fromkeys(RUNS, "stopped")


def test_without_a_framework_the_demo_says_what_to_install(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WITHOUT_TORCH]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stdout) == (2, "")
    assert "torch" in done.stderr and "trainboard[demo]" in done.stderr
