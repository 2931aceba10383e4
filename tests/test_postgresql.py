"""The same store on a real PostgreSQL server, started for the test and stopped after it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trainboard.storage import Store, open_store
from trainboard.storage.append import append_points
from trainboard.storage.backup import backup
from trainboard.storage.check import check
from trainboard.storage.chunks import Columns
from trainboard.storage.compact import compact
from trainboard.storage.errors import NotAStore, StoreTooNew
from trainboard.storage.frames import FrameType
from trainboard.storage.kinds import KINDS
from trainboard.storage.kinds.image import Image
from trainboard.storage.kinds.text import Text
from trainboard.storage.repair import repair
from trainboard.storage.run_rows import load_run
from trainboard.storage.series import SeriesKey
from trainboard.storage.sql import QueryFailed

SERVERS = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
pytest.importorskip("psycopg", reason="psycopg is not installed: pip install 'trainboard[postgres]'")
if not SERVERS:
    pytest.skip("no PostgreSQL server is installed (Debian: postgresql)", allow_module_level=True)


def as_server_user(*command: str) -> None:
    """Run a command as somebody PostgreSQL lets run a server: not root."""
    prefix = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    subprocess.run([*prefix, *command], check=True, capture_output=True, text=True, cwd="/")


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The URL of a server on loopback, without a database name."""
    folder = Path(tempfile.mkdtemp(prefix="trainboard-postgresql-"))
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    control = str(SERVERS[-1].with_name("pg_ctl"))
    data, options = str(folder / "data"), f"-h 127.0.0.1 -p {port} -k {folder} -c fsync=off"
    as_server_user(str(SERVERS[-1]), "-D", data, "-U", "trainboard", "--auth=trust", "-E", "UTF8")
    as_server_user(control, "-D", data, "-o", options, "-l", str(folder / "log"), "-w", "start")
    try:
        yield f"postgresql://trainboard@127.0.0.1:{port}"
    finally:
        as_server_user(control, "-D", data, "-m", "immediate", "-w", "stop")
        shutil.rmtree(folder)


@pytest.fixture
def url(server: str, request: pytest.FixtureRequest) -> str:
    """A new empty database."""
    import psycopg

    name = f"db_{abs(hash(request.node.name))}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    return f"{server}/{name}"


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


def test_levels_are_built_and_read_on_a_server_as_in_a_file(store: Store, tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    steps = np.arange(300_000)
    steps[150_000:] -= 50_000
    columns = Columns(steps, np.linspace(0.0, 1e4, 300_000), generator.normal(size=300_000))
    file = open_store(tmp_path / "store.db", create=True)
    for each in (store, file):
        for at in range(0, 300_000, 70_000):
            with each.writing() as connection:
                load_run(connection, "run")
                points = {SeriesKey(0, "scalar", "loss"): columns.take(slice(at, at + 70_000))}
                append_points(connection, "run", points)
    for window in (None, (120_000, 130_000), (0, 100)):
        theirs, ours = (each.points("run", "loss", window=window, width=100) for each in (store, file))
        assert theirs.value.tobytes() == ours.value.tobytes() and theirs.total == ours.total
    assert theirs.exact and theirs.total == 101


def test_an_older_server_gets_its_levels(store: Store, url: str) -> None:
    import psycopg

    with store.writing() as connection:
        load_run(connection, "run")
        columns = Columns(np.arange(30_000), np.linspace(0.0, 1e4, 30_000), np.sin(np.arange(30_000)))
        append_points(connection, "run", {SeriesKey(0, "scalar", "loss"): columns})
    before = store.points("run", "loss", width=100)
    store.close()
    with psycopg.connect(url) as direct:
        direct.execute("DELETE FROM chunks WHERE level > 0")
        direct.execute("DROP INDEX records_by_blob")
        direct.execute("ALTER TABLE runs DROP COLUMN archived_at, DROP COLUMN deleted_at")
        direct.execute("UPDATE alembic_version SET version_num = '0001'")
    after = open_store(url).points("run", "loss", width=100)
    assert after.value.tobytes() == before.value.tobytes() and after.total == 30_000


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
    assert [writer.wait(120) for writer in writers] == [0] * 6
    store = open_store(url)
    assert store.run("run").config == {f"rank-{rank}": rank for rank in range(6)}
    for rank in range(6):
        assert store.points("run", "loss", rank=rank).value.tolist() == [float(rank)] * 50
    store.close()


def test_a_newer_or_foreign_database_is_refused(url: str) -> None:
    import psycopg

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
