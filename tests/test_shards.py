"""One store over three PostgreSQL servers, each run on one of them: docs/shards.sql and nothing else."""

from __future__ import annotations

import subprocess
import sys
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dashboard_fixtures import eventually
from engine_fixtures import require_postgresql
from postgresql_server import INSTALLED, PASSWORD, PostgreSQLServer
from sqlalchemy import text

from trainboard.storage import Store, open_store
from trainboard.storage.environment import Environment
from trainboard.storage.errors import StoreUnavailable
from trainboard.storage.kinds import KINDS
from trainboard.storage.kinds.image import Image
from trainboard.storage.pieces import read_pieces

SCRIPT = Path(__file__).resolve().parents[1] / "docs" / "shards.sql"


@dataclass
class Shards:
    """Three servers and the URL of the store that is spread over them, at the first one."""

    servers: list[PostgreSQLServer]
    url: str

    def runs_on(self, shard: int, count: int, prefix: str) -> list[str]:
        """Ids of runs that belong on one of the servers."""
        query = "SELECT satisfies_hash_partition('runs'::regclass, 3, {}, '{}'::text)"
        database = self.url.rpartition("/")[2]
        ids = (f"{prefix}-{number}" for number in range(1000))
        found = (each for each in ids if self.servers[0].execute(query.format(shard, each), database)[0][0])
        return [next(found) for _ in range(count)]


@pytest.fixture(scope="module")
def shards() -> Iterator[Shards]:
    require_postgresql()
    with ExitStack() as stack:
        servers = [stack.enter_context(PostgreSQLServer()) for _ in range(3)]
        urls = [server.new_database() for server in servers]
        for url in urls:
            open_store(url, create=True).close()
        spread(servers, [url.rpartition("/")[2] for url in urls])
        yield Shards(servers, urls[0])


def spread(servers: list[PostgreSQLServer], databases: list[str]) -> None:
    variables: list[str] = []
    for number in (1, 2):
        for table in ("records", "pieces"):
            unbound = f"ALTER TABLE {table} DROP CONSTRAINT {table}_blob_fkey"
            servers[number].execute(unbound, databases[number])
        where = {"host": "127.0.0.1", "port": servers[number].port, "dbname": databases[number]}
        for name, value in {**where, "user": "trainboard", "password": PASSWORD}.items():
            variables += ["-v", f"{name}_{number}={value}"]
    command = [INSTALLED[-1] / "psql", "-q", "-v", "ON_ERROR_STOP=1", *variables, "-f", SCRIPT]
    subprocess.run([*command, f"{servers[0].url}/{databases[0]}"], check=True, capture_output=True)


@pytest.fixture
def store(shards: Shards) -> Iterator[Store]:
    opened = open_store(shards.url)
    yield opened
    opened.close()


PROGRAM = """
import sys, threading, warnings
import numpy as np
import trainboard as tb
from trainboard.loggers import drain

warnings.simplefilter("ignore")
drain.LONGEST_PAUSE = 0.3
over = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), over.set()), daemon=True).start()
url, run_id, media = sys.argv[1:]
step = 0
with tb.init("shards", id=run_id, store=url) as run:
    while not over.wait(0.001):
        run.log({"loss": float(step)})
        if media and step % 100 == 0:
            run.log({"image": tb.Image(np.full((8, 8), step // 100 % 256, np.uint8))}, step)
        step += 1
    if not run.flush(60):
        sys.exit("not all was stored")
print(step)
"""


def start(url: str, run_id: str, media: str = "") -> subprocess.Popen[str]:
    command = [sys.executable, "-c", PROGRAM, url, run_id, media]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def length(store: Store, run_id: str) -> int:
    """How many points the store has of a run; none before the run is there."""
    found = [series.count for series in store.series(run_id) if series.tag == "loss"]
    return found[0] if found else 0


def grow(store: Store, runs: list[str], by: int = 100) -> None:
    """Wait until each of these runs has more points than now."""
    before = {run: length(store, run) for run in runs}
    eventually(lambda: all(length(store, run) >= before[run] + by for run in runs))


def test_each_point_is_there_once_though_a_server_is_killed_while_programs_write_and_others_read(
    shards: Shards, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRAINBOARD_DIR", str(tmp_path))
    on_it, elsewhere = shards.runs_on(1, 2, "a"), shards.runs_on(0, 1, "b") + shards.runs_on(2, 1, "b")
    pictures = shards.runs_on(2, 1, "pictures")
    programs = {run: start(shards.url, run) for run in on_it + elsewhere}
    programs |= {run: start(shards.url, run, "media") for run in pictures}
    grow(store, list(programs))
    shards.servers[1].kill()
    with pytest.raises(StoreUnavailable):
        store.points(on_it[0], "loss")
    grow(store, elsewhere)
    shards.servers[1].start()
    grow(store, list(programs))
    logged = {run: int(program.communicate(timeout=300)[0]) for run, program in programs.items()}
    for run, count in logged.items():
        assert store.points_since(run, "loss", 0).value.tolist() == list(range(count))
        assert store.run(run).status == "finished"
    images = store.records(pictures[0], "image", "image")
    assert [image.step for image in images] == list(range(0, logged[pictures[0]], 100))
    expected = [Image.from_array(np.full((8, 8), image.step // 100 % 256, np.uint8)) for image in images]
    encode = KINDS["image"].encode
    assert [encode(image.value) for image in images] == [encode(image) for image in expected]


def test_images_of_visdom_windows_are_kept_wherever_their_bytes_belong(store: Store) -> None:
    images = [{"src": f"data:image/png;base64,{b64encode(bytes([shade])).decode()}"} for shade in range(8)]
    for name in ("a", "b", "c", "d"):
        with store.writing() as connection:
            environment = Environment.make(connection, name)
            environment.put("history", {"type": "image_history"}, parts=images)
            environment.save()
            assert read_pieces(connection, environment.run_id, "history") == images


@pytest.mark.parametrize("shard", [0, 1, 2])
def test_what_a_spool_says_is_stored_on_its_runs_server_alone(
    shards: Shards, store: Store, segment: Any, shard: int
) -> None:
    (run,) = shards.runs_on(shard, 1, "alone")
    made = segment(run=run, project="shards")
    for step in range(6_000):
        made.scalars(step, {"loss": float(step)})
        if step % 1_000 == 0:
            made.record("note", "text", KINDS["text"].encode(KINDS["text"].type("x")).to_bytes(), step)
    ingest = store.ingest(f"alone-{shard}")
    store.close()  # the connections so far have asked every server whose spool this is
    offset = 0
    while offset < len(made.data):
        offset = ingest.feed(0, made.data[offset : offset + 16_000], offset)
    with store.reading() as connection:
        reached = connection.scalars(text("SELECT server_name FROM postgres_fdw_get_connections()")).all()
    assert reached == ([f"shard_{shard}"] if shard else [])
    assert length(store, run) == 6_000


def test_ranks_that_meet_in_one_run_give_way_and_are_all_stored(
    shards: Shards, store: Store, segment: Any
) -> None:
    (run,) = shards.runs_on(1, 1, "ranks")
    failed: list[Exception] = []

    def write(rank: int) -> None:
        made = segment(run=run, rank=rank, project="shards", config={f"rank-{rank}": rank})
        for step in range(50):
            made.scalars(step, {"loss": float(rank)})
        try:
            ingest, offset = store.ingest(f"rank-{rank}"), 0
            for end in range(0, len(made.data) + 400, 400):
                offset = ingest.feed(0, made.data[offset:end], offset)
        except Exception as error:
            failed.append(error)

    writers = [threading.Thread(target=write, args=(rank,)) for rank in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert failed == []
    assert store.run(run).config == {f"rank-{rank}": rank for rank in range(4)}
    for rank in range(4):
        assert store.points(run, "loss", rank=rank).value.tolist() == [float(rank)] * 50
