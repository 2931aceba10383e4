"""Logging to a server: exactly once, whatever is killed, restarted or lost on the way."""

from __future__ import annotations

import http.server
import random
import signal
import socket
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cutting_proxy import CuttingProxy
from dashboard_fixtures import eventually
from engine_fixtures import with_any_engine
from server_process import ServerProcess

import trainboard as tb
from trainboard.loggers import drain
from trainboard.loggers.lifecycle import Ending
from trainboard.storage import Store, open_store, wire
from trainboard.storage.errors import NotAStore
from trainboard.storage.spools import spool_root

Start = Callable[..., ServerProcess]


@pytest.fixture(autouse=True)
def away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Spools go to the test's folder, and the drain does not pause for long."""
    monkeypatch.setenv("TRAINBOARD_DIR", str(tmp_path / "state"))
    monkeypatch.setattr(drain, "LONGEST_PAUSE", 0.5)


@pytest.fixture
def start(store_url: str) -> Iterator[Start]:
    started: list[ServerProcess] = []

    def begin(*options: str) -> ServerProcess:
        open_store(store_url, create=True).close()
        started.append(ServerProcess(store_url, *options))
        return started[-1]

    yield begin
    for server in started:
        server.kill()


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    """The server's store, read beside it."""
    opened = open_store(store_url, create=True)
    yield opened
    opened.close()


def values(store: Store, run_id: str) -> list[float]:
    return store.points_since(run_id, "loss", 0).value.tolist()


def test_all_that_is_logged_to_a_server_is_in_its_store(
    start: Start, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRAINBOARD_STORE", start().url)
    with tb.init("digits", "far", config={"lr": 0.1}) as run:
        for step in range(1_000):
            run.log({"loss": float(step)})
        run.log({"note": tb.Text("hello")})
        assert run.flush(60)
    assert values(store, run.id) == [float(step) for step in range(1_000)]
    found = store.run(run.id)
    assert (found.project, found.name, found.config, found.status) == (
        "digits",
        "far",
        {"lr": 0.1},
        "finished",
    )
    assert store.records(run.id, "note", "text")[0].value.text == "hello"
    assert list(spool_root(run.store).iterdir()) == []


def test_a_run_is_resumed_where_the_server_says_it_ended(start: Start, store: Store) -> None:
    url = start().url
    for lr in (0.1, 0.2):
        with tb.init(
            "digits", id="again", resume="allow", config={"lr": lr, "x": float("nan")}, store=url
        ) as run:
            run.log({"loss": lr})
    points = store.points("again", "loss")
    assert (points.step.tolist(), points.value.tolist()) == ([0, 1], [0.1, 0.2])
    assert store.run("again").config["lr"] == 0.2
    with pytest.raises(ValueError, match="exists already"):
        tb.init("digits", id="again", store=url)


@with_any_engine
def test_a_silent_run_is_known_to_live(start: Start, store: Store) -> None:
    with tb.init("digits", store=start().url) as run:
        assert run.flush(60)
        before = store.run(run.id).updated_at
        eventually(lambda: store.run(run.id).updated_at > before)


def test_a_server_killed_at_random_moments_gets_every_point_once(start: Start, store: Store) -> None:
    dice = random.Random(1)
    server = start()
    total = 0
    with pytest.warns(UserWarning) as caught, tb.init("digits", store=server.url) as run:
        for _ in range(4):
            for _ in range(dice.randrange(1_000, 30_000)):
                run.log({"loss": float(total)})
                total += 1
            run.flush(dice.uniform(0, 0.3))
            server.restart()
        assert run.flush(60)
    assert values(store, run.id) == [float(step) for step in range(total)]
    assert sum("does not take points" in str(warning.message) for warning in caught) == 1


def test_lost_replies_are_made_up_for(start: Start, store: Store) -> None:
    proxy = CuttingProxy(start().port, one_in=3, dice=random.Random(2))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with tb.init("digits", store=proxy.url) as run:
            for step in range(60_000):
                run.log({"loss": float(step)})
            assert run.flush(60)
            eventually(lambda: proxy.cuts > 5)
    proxy.close()
    assert values(store, run.id) == [float(step) for step in range(60_000)]


PROGRAM = """
import sys, trainboard as tb
run = tb.init("digits", id=sys.argv[2], store=sys.argv[1])
step = 0
while True:
    run.log({"loss": step})
    print(step, flush=True)
    step += 1
"""


def test_a_killed_program_loses_nothing_once_the_next_one_logs_there(start: Start, store: Store) -> None:
    dice = random.Random(3)
    url = start().url
    confirmed: dict[str, int] = {}
    for trial in range(5):
        command = [sys.executable, "-c", PROGRAM, url, f"run-{trial}"]
        program = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert program.stdout is not None
        for _ in range(dice.choice((1, 500, 10_000, 40_000))):
            program.stdout.readline()
        program.send_signal(signal.SIGKILL)
        confirmed[f"run-{trial}"] = sum(line.endswith("\n") for line in program.stdout)
        program.wait()
        program.stdout.close()
    with tb.init("digits", store=url) as run:
        eventually(lambda: len(list(spool_root(run.store).iterdir())) == 1)
    for run_id, least in confirmed.items():
        steps = values(store, run_id)
        assert steps == [float(step) for step in range(len(steps))]
        assert len(steps) >= least
        assert store.run(run_id).status == "killed"


def test_a_server_that_answers_nobody_keeps_nobody_waiting() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        begun = time.monotonic()
        run = tb.init("digits", store=f"http://127.0.0.1:{silent.getsockname()[1]}")
        for step in range(10_000):
            run.log({"loss": float(step)})
        assert time.monotonic() - begun < 5
        run.end(Ending("finished", 0), timeout=0.1)
    assert len(list(spool_root(run.store).iterdir())) == 1


@with_any_engine
def test_a_wrong_token_is_one_warning_and_the_right_one_catches_up(
    start: Start, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRAINBOARD_WRITE_TOKEN", "mine")
    server = start("--write-token", "theirs")
    with pytest.warns(UserWarning, match="TRAINBOARD_WRITE_TOKEN") as caught:
        with tb.init("digits", store=server.url) as run:
            for step in range(1_000):
                run.log({"loss": float(step)})
            assert not run.flush(1)
            assert store.runs() == []
            server.restart("--write-token", "mine")
            assert run.flush(60)
    assert values(store, run.id) == [float(step) for step in range(1_000)]
    assert len(caught) == 1


@with_any_engine
@pytest.mark.parametrize(("spoken", "advice"), [(0, "where the program logs"), (2, "machine of the server")])
def test_versions_that_misunderstand_one_another_say_which_to_update(
    start: Start, monkeypatch: pytest.MonkeyPatch, spoken: int, advice: str
) -> None:
    monkeypatch.setattr(wire, "PROTOCOL", spoken)
    with pytest.warns(UserWarning, match=f"protocol.*update trainboard .*{advice}"):
        run = tb.init("digits", store=start().url)
        assert not run.flush(1)
        run.end(Ending("finished", 0), timeout=0.1)


def test_a_server_that_is_none_of_ours_is_said_to_be_none() -> None:
    other = http.server.HTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
    threading.Thread(target=other.serve_forever, daemon=True).start()
    try:
        with pytest.raises(NotAStore, match="not answer as a trainboard server"):
            tb.init("digits", id="mine", store=f"http://127.0.0.1:{other.server_port}")
    finally:
        other.shutdown()
        other.server_close()


@pytest.mark.parametrize(
    "address",
    ["http://", "http://host:port", "http://me:secret@host:6006", "http://127.0.0.1:6006/?token=printed"],
)
def test_what_is_no_servers_address_is_refused_at_once(address: str) -> None:
    with pytest.raises(NotAStore) as refusal:
        tb.init("digits", store=address)
    assert "secret" not in str(refusal.value) and "printed" not in str(refusal.value)
