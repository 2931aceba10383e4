"""Spools that the store has not caught up with: found, told, shown on the page, and gone when it has."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator

import pytest
from dashboard_fixtures import Dashboard, eventually, log_run
from playwright.sync_api import Page, expect

from trainboard.cli import main
from trainboard.dashboard.spool_watch import SpoolWatch
from trainboard.storage import Store
from trainboard.storage.spool_lag import LATE_SECONDS, lagging

TRAINING = """
import sys, time, trainboard as tb
run = tb.init("digits", id="training", store=sys.argv[1])
run.log({"loss": 0.0})
run.flush()
print("ready", flush=True)
step = 1
while True:
    for _ in range(100):
        run.log({"loss": 1.0 / step}, wall_time=1_000.0 + step)
        step += 1
    time.sleep(0.01)
"""


@pytest.fixture
def training(store: Store) -> Iterator[subprocess.Popen[str]]:
    """A program that logs all the time, in a spool that is drained."""
    program = subprocess.Popen(
        [sys.executable, "-c", TRAINING, store.url],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert program.stdout is not None
    program.stdout.readline()
    yield program
    program.kill()
    program.communicate()


def suspend_behind(store: Store, program: subprocess.Popen[str]) -> None:
    """Stop the program at a moment when its spool holds more than the store."""

    def is_behind() -> bool:
        os.kill(program.pid, signal.SIGSTOP)
        if lagging(store):
            return True
        os.kill(program.pid, signal.SIGCONT)
        return False

    eventually(is_behind)


def test_a_spool_that_is_behind_is_told_with_its_run_its_bytes_and_its_age(
    store: Store, training: subprocess.Popen[str]
) -> None:
    suspend_behind(store, training)
    (lag,) = lagging(store)
    assert (lag.run, lag.rank, lag.alive) == ("training", 0, True)
    assert lag.size > 0 and lag.size % 32 == 0
    age = lag.as_json()["age"]
    assert isinstance(age, float) and 0 <= age < 60


def test_what_is_in_the_store_is_not_behind(store: Store) -> None:
    log_run(store, "done", [{"loss": 1.0}])
    assert lagging(store) == []


def test_a_dead_programs_spool_is_told_as_dead(store: Store, training: subprocess.Popen[str]) -> None:
    suspend_behind(store, training)
    training.kill()
    training.wait()
    assert [lag.alive for lag in lagging(store)] == [False]


def test_times_that_a_program_makes_up_do_not_count(store: Store, training: subprocess.Popen[str]) -> None:
    watch = SpoolWatch(store)
    looked, until = 0, time.monotonic() + LATE_SECONDS + 1
    while time.monotonic() < until:
        looked += len(watch.look())
        assert watch.behind() is None
    assert looked


def test_the_page_says_that_a_spool_is_behind_until_it_has_caught_up(
    board: Page, store: Store, dashboard: Dashboard, training: subprocess.Popen[str]
) -> None:
    board.goto(dashboard.url)
    expect(board.locator("article.card")).to_contain_text("points")
    expect(board.locator("#behind")).to_be_empty()
    suspend_behind(store, training)
    expect(board.locator("#behind")).to_contain_text("1 spool is behind: ")
    with urllib.request.urlopen(f"{dashboard.url}/api/v1/spools") as answer:
        (told,) = json.load(answer)["spools"]
    assert told["run"] == "training" and told["alive"] and told["bytes"] > 0 and told["behind"] > 2
    os.kill(training.pid, signal.SIGCONT)
    expect(board.locator("#behind")).to_be_empty(timeout=15_000)


def test_the_command_line_says_it_too(
    store: Store, training: subprocess.Popen[str], capsys: pytest.CaptureFixture[str]
) -> None:
    suspend_behind(store, training)
    path = store.url.removeprefix("sqlite:///")
    assert main(["sync", path, "--json"]) == 0
    (told,) = json.loads(capsys.readouterr().out)["behind"]
    assert (told["run"], told["alive"]) == ("training", True) and told["bytes"] > 0
    eventually(lambda: lagging(store)[0].is_late)
    assert main(["runs", path]) == 0
    assert "Still in spools: training by " in capsys.readouterr().err
