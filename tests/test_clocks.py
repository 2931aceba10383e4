"""Programs whose clock is wrong: what is alive is shown as running, by the store's clock alone."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from dashboard_fixtures import Dashboard, eventually
from postgresql_server import PostgreSQLServer

from trainboard.storage import Store, open_store

SKEWED = """
import sys, time
real = time.time
time.time = lambda: real() + float(sys.argv[2])
import trainboard as tb
run = tb.init("digits", id="skewed", store=sys.argv[1])
run.log({"loss": 1.0})
run.flush()
print("ready", flush=True)
sys.stdin.read()
run.finish()
"""


@contextmanager
def skewed(url: str, seconds: float) -> Iterator[subprocess.Popen[str]]:
    """A program that is alive, on a machine whose clock is wrong by so much."""
    command = [sys.executable, "-c", SKEWED, url, str(seconds)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None and program.stdout.readline() == "ready\n"
        yield program


def assert_shown_as_it_is(store: Store, url: str, seconds: float) -> None:
    """That such a program, logging to ``url``, is running while it is silent, and then finished."""
    with skewed(url, seconds) as program:
        first = store.run("skewed")
        eventually(lambda: store.run("skewed").updated_at > first.updated_at)
        assert store.run("skewed").status == "running"
        program.communicate()
    assert store.run("skewed").status == "finished"


@pytest.fixture(autouse=True)
def state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TRAINBOARD_DIR", str(tmp_path / "state"))


@pytest.mark.parametrize("seconds", [-3600.0, 3600.0])
def test_a_program_elsewhere_with_a_wrong_clock_is_running_and_then_finished(
    store: Store, dashboard: Dashboard, seconds: float
) -> None:
    assert_shown_as_it_is(store, dashboard.url, seconds)


@pytest.mark.parametrize("seconds", [-3600.0, 3600.0])
def test_a_program_with_a_wrong_clock_that_writes_to_postgresql_itself_is_running_and_then_finished(
    postgresql: PostgreSQLServer, seconds: float
) -> None:
    with postgresql.lent_store() as url, closing(open_store(url)) as store:
        assert_shown_as_it_is(store, url, seconds)
