"""What is PostgreSQL's own: a store made by many at once, shared by servers, refused, kept from roles."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pytest
from postgresql_server import PASSWORD, PostgreSQLServer
from server_process import ServerProcess

import trainboard as tb
from trainboard.storage import Store, open_store
from trainboard.storage.append import append_points
from trainboard.storage.backup import backup
from trainboard.storage.check import check
from trainboard.storage.chunks import Columns
from trainboard.storage.compact import compact
from trainboard.storage.errors import NotAStore, StoreTooNew, StoreUnavailable, TrainboardError
from trainboard.storage.frames import FrameType
from trainboard.storage.kinds import KINDS
from trainboard.storage.kinds.image import Image
from trainboard.storage.kinds.text import Text
from trainboard.storage.repair import repair
from trainboard.storage.run_rows import load_run
from trainboard.storage.series import SeriesKey
from trainboard.storage.sql import QueryFailed


@pytest.fixture
def url(postgresql: PostgreSQLServer) -> str:
    """A new empty database."""
    return postgresql.new_database()


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    store = open_store(url, create=True)
    yield store
    store.close()


def some_segment(make: Any, run: str = "run") -> Any:
    config = {"\0": "\ud800"}
    made = make(run=run, project="nul \0", name="half \ud800", config=config, created_at=1000.0)
    for step in range(60):
        value = {0: float("nan"), 1: float("inf"), 2: -0.0}.get(step, 1 / (step + 1))
        made.scalars(step, {"loss": value, "accuracy": step / 60})
    made.record("notes", "text", KINDS["text"].encode(Text("nul \0")).to_bytes(), 2**63 - 1)
    made.say(FrameType.FINISH, {"status": "finished"})
    return made


def test_a_store_on_a_server_holds_what_one_in_a_file_holds(
    store: Store, segment: Any, tmp_path: Path
) -> None:
    file = open_store(tmp_path / "store.db", create=True)
    for each in (store, file):
        made, offset, ingest = some_segment(segment), 0, each.ingest("spool")
        for end in made.ends:
            offset = ingest.feed(0, made.data[offset:end], offset)
        each.ingest("spool").feed(0, made.data, 0)
    for axis in ("step", "wall", "relative"):
        theirs, ours = (each.points("run", "loss", axis=axis, width=5) for each in (store, file))  # type: ignore[arg-type]
        assert theirs.value.tobytes() == ours.value.tobytes() and theirs.total == ours.total == 60
    assert store.series("run") == file.series("run")
    assert store.records("run", "notes", "text") == file.records("run", "notes", "text")
    assert store.points("run", "loss", window=(-float("inf"), 10**30)).total == 60
    assert (store.run("run").name, store.run("run").status) == (file.run("run").name, "finished")
    assert store.version() == file.version()


WRITER = """
import sys
from pathlib import Path
from trainboard.storage import open_store

ingest = open_store(sys.argv[1], create=True).ingest(sys.argv[2])
data, offset = Path(sys.argv[2]).read_bytes(), 0
for end in range(0, len(data) + 200, 200):
    offset = ingest.feed(0, data[offset:end], offset)
"""


def test_processes_make_one_store_and_write_ranks_of_one_run_at_once(
    url: str, segment: Any, tmp_path: Path
) -> None:
    for rank in range(6):
        made = segment(rank=rank, project="digits", config={f"rank-{rank}": rank})
        for step in range(50):
            made.scalars(step, {"loss": float(rank)})
        (tmp_path / f"spool-{rank}").write_bytes(made.data)
    arguments = [sys.executable, "-c", WRITER, url]
    writers = [subprocess.Popen([*arguments, f"spool-{rank}"], cwd=tmp_path) for rank in range(6)]
    assert [writer.wait(300) for writer in writers] == [0] * 6
    store = open_store(url)
    assert store.run("run").config == {f"rank-{rank}": rank for rank in range(6)}
    for rank in range(6):
        assert store.points("run", "loss", rank=rank).value.tolist() == [float(rank)] * 50
    store.close()


def test_a_newer_or_foreign_database_is_refused(url: str) -> None:
    open_store(url, create=True).close()
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreTooNew):
        open_store(url, create=True)
    with psycopg.connect(url) as connection:
        connection.execute("DROP TABLE alembic_version")
    with pytest.raises(NotAStore):
        open_store(url, create=True)


def test_runs_are_deleted_restored_and_removed_on_a_server(store: Store, segment: Any) -> None:
    for run in ("kept", "gone"):
        made = some_segment(segment, run)
        picture = Image.from_array(np.full((4, 4), 0.9 if run == "gone" else 0.5))
        made.record("sample", "image", KINDS["image"].encode(picture).to_bytes(), 0)
        store.ingest(run).feed(0, made.data, 0)
    store.delete_runs(["gone"])
    store.restore_runs(["gone"])
    store.tag_runs(["kept"], add=["best"])
    store.delete_runs(["gone"])
    assert [(run.id, run.tags) for run in store.runs()] == [("kept", ["best"])]
    done = compact(store)
    assert (done.removed, store.runs(deleted=True)) == (["gone"], [])
    with store.reading() as connection:
        for table in ("runs", "spools"):
            assert connection.exec_driver_sql(f"SELECT run_id FROM {table}").all() == [("kept",)]
        assert connection.exec_driver_sql("SELECT count(*) FROM blobs").scalar() == 1
    assert list(check(store)) == []


def test_a_server_is_checked_repaired_and_backed_up(store: Store, segment: Any, tmp_path: Path) -> None:
    steps = np.arange(30_010)
    columns = Columns(steps, steps / 7, np.sin(steps))
    with store.writing() as connection:
        load_run(connection, "run")
        append_points(connection, "run", {SeriesKey(0, "scalar", "loss"): columns})
        connection.exec_driver_sql("UPDATE chunks SET data = '' WHERE level = 1 OR start >= 28672")
        connection.exec_driver_sql("UPDATE series SET count = count + 5")
    assert len(list(check(store))) >= 3
    repair(store)
    assert list(check(store)) == []
    assert store.points("run", "loss").total == 28_672
    store.ingest("spool").feed(0, some_segment(segment, "other").data, 0)
    copy = open_store(backup(store, tmp_path / "backup.db"))
    assert list(check(copy)) == []
    assert copy.points("run", "loss").value.tobytes() == store.points("run", "loss").value.tobytes()
    assert copy.runs() == store.runs() and copy.series("other") == store.series("other")
    assert copy.records("other", "notes", "text") == store.records("other", "notes", "text")


def test_a_server_is_queried_and_cannot_be_changed_by_it(store: Store, segment: Any) -> None:
    for run in ("one", "two"):
        store.ingest(run).feed(0, some_segment(segment, run).data, 0)
    store.delete_runs(["two"])
    asked = "SELECT run, step, value FROM scalars WHERE tag = 'loss' ORDER BY step LIMIT 3 -- thus"
    assert store.query(asked).rows == [("one", 0, None), ("one", 1, float("inf")), ("one", 2, -0.0)]
    assert store.query("SELECT run FROM runs UNION SELECT run FROM series").rows == [("one",)]
    assert store.query("SELECT count(*) FROM scalars", tags=["accuracy"]).rows == [(60,)]
    assert store.query("SELECT step FROM scalars", limit=7).truncated
    for statement in (
        "DELETE FROM public.runs",
        "SELECT 1; DROP TABLE public.runs",
        "SELECT 1) AS x; COMMIT; DROP TABLE public.runs; --",
        "WITH gone AS (DELETE FROM public.runs RETURNING 1) SELECT * FROM gone",
        "SELECT setval('x', 1)",
        "COPY public.runs TO '/tmp/x'",
        "",
    ):
        with pytest.raises(QueryFailed):
            store.query(statement)
    with pytest.raises(QueryFailed, match="took longer"):
        store.query("SELECT pg_sleep(20)", seconds=0.2)
    assert [run.id for run in store.runs()] == ["one"]


def test_more_points_than_a_query_can_hold_are_refused(
    store: Store, segment: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.ingest("one").feed(0, some_segment(segment, "one").data, 0)
    from trainboard.storage import sql_postgresql

    monkeypatch.setattr(sql_postgresql, "MOST_POINTS", 100)
    with pytest.raises(QueryFailed, match="120 points; 100 are the most"):
        store.query("SELECT * FROM scalars")
    assert len(store.query("SELECT * FROM scalars", tags=["loss"]).rows) == 60


def test_an_address_without_a_database_or_a_server_is_said_to_be_that(postgresql: PostgreSQLServer) -> None:
    with pytest.raises(StoreUnavailable, match='database "nowhere" does not exist'):
        open_store(f"{postgresql.url}/nowhere", create=True)
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        with pytest.raises(StoreUnavailable, match="refused"):
            open_store(f"postgresql://trainboard@127.0.0.1:{port}/runs", create=True)


def in_role(url: str, role: str, *settings: str) -> str:
    """A database's URL for a new role, which may do what is said and no more."""
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in (f"CREATE ROLE {role} LOGIN", *settings):
            connection.execute(statement.encode())
    return url.replace("trainboard:", f"{role}:")


def test_a_role_that_may_only_read_reads_and_is_told_that_it_may_not_write(
    store: Store, url: str, segment: Any
) -> None:
    store.ingest("spool").feed(0, some_segment(segment).data, 0)
    allowed = "GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader"
    reader = open_store(in_role(url, "reader", allowed))
    assert reader.points("run", "accuracy").total == 60
    with pytest.raises(StoreUnavailable, match="permission denied"):
        reader.ingest("other").feed(0, some_segment(segment, "other").data, 0)
    reader.close()


def test_a_database_that_is_read_only_says_so_and_is_read(store: Store, url: str, segment: Any) -> None:
    store.ingest("spool").feed(0, some_segment(segment).data, 0)
    rights = ("GRANT ALL ON ALL TABLES IN SCHEMA public TO standby",)
    standby = open_store(
        in_role(url, "standby", *rights, "ALTER ROLE standby SET default_transaction_read_only = on")
    )
    assert standby.points("run", "accuracy").total == 60
    with pytest.raises(StoreUnavailable, match="read-only transaction"):
        standby.ingest("other").feed(0, some_segment(segment, "other").data, 0)
    standby.close()


@pytest.mark.parametrize(
    "address",
    [
        "me:sesame@127.0.0.1:{port}/nowhere",
        "me:ses@me/sesame@127.0.0.1:{port}/nowhere",
        "me@127.0.0.1:{port}/nowhere?a=b&password=sesame",
        "me@127.0.0.1:{port}/nowhere?PASSWORD=sesame&sslpassword=sesame",
        "me:sesame@host:port/nowhere",
        "me:sesame@[::1/nowhere",
        "me:sesame@/with ? odd # name",
    ],
)
def test_the_password_is_in_no_message(address: str, postgresql: PostgreSQLServer) -> None:
    with pytest.raises(TrainboardError) as refused:
        open_store(f"postgresql://{address.format(port=postgresql.port)}", create=True)
    assert PASSWORD not in str(refused.value) and "ses@me" not in str(refused.value)


def ask(server: ServerProcess, path: str) -> Any:
    with urllib.request.urlopen(f"{server.url}{path}", timeout=60) as answer:
        return answer.read().decode()


def test_two_servers_a_program_and_a_remote_one_share_a_store_and_see_one_another(
    store: Store, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRAINBOARD_DIR", str(tmp_path))
    servers = [ServerProcess(url) for _ in range(2)]
    try:
        with tb.init("shared", id="empty", store=url):
            pass
        answers: list[Any] = []
        version = store.version()
        waits = [
            threading.Thread(
                target=lambda server=server: answers.append(
                    json.loads(ask(server, f"/api/v1/changes?since={version}&wait=20"))
                )
            )
            for server in servers
        ]
        for wait in waits:
            wait.start()
        targets = [url, *(server.url for server in servers)]
        for number, target in enumerate(targets):
            with tb.init("shared", id=f"run-{number}", store=target) as run:
                for step in range(1_000):
                    run.log({"loss": float(step)})
                assert run.flush(60)
        for wait in waits:
            wait.join()
        assert all(answer["version"] != version for answer in answers) and len(answers) == 2
        for server in servers:
            told = {run["id"]: run["status"] for run in json.loads(ask(server, "/api/v1/runs"))["runs"]}
            assert told == {name: "finished" for name in ("empty", "run-0", "run-1", "run-2")}
        for number in range(3):
            assert store.points_since(f"run-{number}", "loss", 0).value.tolist() == list(range(1_000))
        pages = [ask(servers[0], path) for path in ("/", "/_dash-layout")]
    finally:
        for server in servers:
            server.process.send_signal(signal.SIGINT)
    printed = [server.process.communicate(timeout=300)[0] for server in servers]
    assert PASSWORD not in "".join([*pages, *printed])
