"""A PostgreSQL server is killed, full or read-only under programs; nothing is lost or repeated."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from dashboard_fixtures import Dashboard, eventually
from engine_fixtures import require_postgresql
from postgresql_server import PostgreSQLServer
from server_process import ServerProcess

import trainboard as tb
from trainboard.loggers import drain
from trainboard.storage import Store, open_store
from trainboard.storage.errors import StoreUnavailable
from trainboard.storage.run_rows import load_run
from trainboard.storage.spools import adopt_orphans
from trainboard.storage.transactions import write


@pytest.fixture(autouse=True)
def away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRAINBOARD_DIR", str(tmp_path / "state"))
    monkeypatch.setattr(drain, "LONGEST_PAUSE", 0.5)


@pytest.fixture(scope="module")
def server() -> Iterator[PostgreSQLServer]:
    """A server that a test may kill."""
    require_postgresql()
    with PostgreSQLServer() as started:
        yield started


@pytest.fixture
def url(server: PostgreSQLServer) -> Iterator[str]:
    with server.lent_store() as lent:
        yield lent


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    opened = open_store(url)
    yield opened
    opened.close()


def values(store: Store, run_id: str) -> list[float]:
    return store.points_since(run_id, "loss", 0).value.tolist()


def counted(count: int) -> list[float]:
    return [float(number) for number in range(count)]


def test_a_program_logs_on_while_its_server_is_killed_again_and_again(
    server: PostgreSQLServer, store: Store
) -> None:
    dice = random.Random(5)
    total = 0
    with pytest.warns(UserWarning) as caught, tb.init("faults", id="on", store=store.url) as run:
        for _ in range(4):
            for _ in range(dice.randrange(1_000, 20_000)):
                run.log({"loss": float(total)})
                total += 1
            run.flush(dice.uniform(0, 0.2))
            server.restart()
        assert run.flush(60)
    assert values(store, "on") == counted(total)
    assert sum("does not take points" in str(warning.message) for warning in caught) == 1


PROGRAM = """
import sys, warnings, trainboard as tb
warnings.simplefilter("ignore")
run = tb.init("faults", id=sys.argv[2], store=sys.argv[1])
step = 0
while True:
    run.log({"loss": step})
    print(step, flush=True)
    step += 1
"""


def test_programs_servers_and_the_database_are_killed_at_random_and_each_point_is_there_once(
    server: PostgreSQLServer, url: str, store: Store
) -> None:
    dice = random.Random(6)
    between = ServerProcess(url)
    confirmed: dict[str, int] = {}
    try:
        for trial in range(6):
            target = between.url if trial % 2 else url
            command = [sys.executable, "-c", PROGRAM, target, f"run-{trial}"]
            program = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
            assert program.stdout is not None
            for _ in range(dice.choice((50, 2_000, 30_000))):
                program.stdout.readline()
            (server, between)[trial // 2 % 2].restart()
            for _ in range(dice.choice((50, 2_000, 30_000))):
                program.stdout.readline()
            program.send_signal(signal.SIGKILL)
            confirmed[f"run-{trial}"] = sum(line.endswith("\n") for line in program.stdout)
            program.wait()
            program.stdout.close()
        adopt_orphans(store)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with tb.init("faults", store=between.url) as run:
                assert run.flush(60)
                eventually(lambda: {f"run-{n}" for n in range(6)} <= store.revisions().keys())
                eventually(lambda: all(store.run(name).status == "killed" for name in confirmed))
    finally:
        between.kill()
    for run_id, least in confirmed.items():
        stored = values(store, run_id)
        assert stored == counted(len(stored)) and len(stored) >= least


def test_a_dashboard_outlives_its_database(
    server: PostgreSQLServer, store: Store, start_dashboard: Any
) -> None:
    with tb.init("faults", id="seen", store=store.url) as run:
        run.log({"loss": 1.0})
    dashboard: Dashboard = start_dashboard(store)
    assert [each.id for each in dashboard.store.runs()] == ["seen"]
    server.kill()
    with pytest.raises(StoreUnavailable):
        dashboard.store.runs()
    server.start()
    assert [each.id for each in dashboard.store.runs()] == ["seen"]


@pytest.mark.parametrize(
    ("role", "setting", "said"),
    [
        ("shut_out", "CONNECTION LIMIT 0", "too many connections"),
        ("hurried", "SET statement_timeout = '100ms'", "statement timeout"),
        ("reader", "SET default_transaction_read_only = on", "read-only transaction"),
    ],
)
def test_a_server_that_takes_nothing_for_a_while_gets_it_all_later(
    url: str, store: Store, role: str, setting: str, said: str
) -> None:
    rights = f"GRANT pg_read_all_data, pg_write_all_data TO {role}"
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in (f"CREATE ROLE {role} LOGIN", rights, f"ALTER ROLE {role} {setting}"):
            connection.execute(statement.encode())
        connection.execute("BEGIN")
        connection.execute(
            "LOCK TABLE runs IN EXCLUSIVE MODE"
        )  # what a statement waits for until its timeout
        with pytest.warns(UserWarning, match=said):
            run = tb.init("faults", store=url.replace("trainboard:", f"{role}:"))
            for step in range(20_000):
                run.log({"loss": float(step)})
            assert not run.flush(1)
            connection.execute("COMMIT")
            for statement in (f"ALTER ROLE {role} CONNECTION LIMIT -1", f"ALTER ROLE {role} RESET ALL"):
                connection.execute(statement.encode())
            assert run.flush(60)
            run.finish()
    assert values(store, run.id) == counted(20_000)


def test_two_transactions_that_wait_for_one_another_are_both_done(store: Store) -> None:
    with store.writing() as connection:
        for name in ("one", "two"):
            load_run(connection, name)
    met = threading.Barrier(2)
    failed: list[Exception] = []

    def lock_both(first: str, second: str) -> None:
        attempts = 0

        def work(connection: Any) -> None:
            nonlocal attempts
            attempts += 1
            load_run(connection, first)
            if attempts == 1:
                met.wait(300)
            load_run(connection, second)

        try:
            write(store, work)
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=lock_both, args=names) for names in (("one", "two"), ("two", "one"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
