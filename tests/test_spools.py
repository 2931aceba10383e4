"""Spools whose owner died are drained by whoever finds them, and only those."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from trainboard.loggers.spool import Spool
from trainboard.storage import Store, open_store
from trainboard.storage.errors import StoreUnavailable
from trainboard.storage.frames import FrameType
from trainboard.storage.spools import adopt_orphans, found_in, lock, spool_root


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    opened = open_store(store_url, create=True)
    yield opened
    opened.close()


def leave_spool(store: Store, name: str, *segments: Any) -> Path:
    path = spool_root(store.url) / name
    path.mkdir(parents=True)
    for number, made in enumerate(segments):
        (path / f"{number:06}.seg").write_bytes(made.data + bytes(4096))
    (path / "lock").touch()
    return path


def some_segment(make: Any, run: str = "run", **described: Any) -> Any:
    made = make(run=run, **described)
    made.scalars(0, {"loss": 0.5})
    return made


OWNER = """
import sys, time
from pathlib import Path
from trainboard.storage.spools import lock
held = lock(Path(sys.argv[1]))
print("locked" if held else "refused", flush=True)
time.sleep(600)
"""


def test_an_orphan_is_drained_deleted_and_its_run_killed(store: Store, segment: Any) -> None:
    first = some_segment(segment, project="digits")
    path = leave_spool(store, "spool", first, some_segment(segment))
    assert adopt_orphans(store) == ["spool"]
    assert not path.exists()
    assert store.run("run").status == "killed"
    assert store.points("run", "loss").value.tolist() == [0.5, 0.5]
    assert adopt_orphans(store) == []


def test_an_orphan_that_said_how_it_ended_keeps_its_end(store: Store, segment: Any) -> None:
    made = some_segment(segment, project="digits")
    made.say(FrameType.FINISH, {"status": "crashed", "error": "boom"})
    leave_spool(store, "spool", made)
    adopt_orphans(store)
    assert (store.run("run").status, store.run("run").error) == ("crashed", "boom")


def test_an_orphan_that_was_half_drained_is_drained_to_the_end_once(store: Store, segment: Any) -> None:
    made = some_segment(segment, project="digits")
    store.ingest("spool").feed(0, bytes(made.data), 0)
    made.scalars(1, {"loss": 0.25})
    leave_spool(store, "spool", made)
    adopt_orphans(store)
    assert store.points("run", "loss").value.tolist() == [0.5, 0.25]


def test_a_torn_end_costs_only_what_was_torn(store: Store, segment: Any) -> None:
    made = some_segment(segment, project="digits")
    whole = len(made.data)
    made.scalars(1, {"loss": 0.25, "accuracy": 1.0})
    del made.data[whole + 70 :]
    leave_spool(store, "spool", made)
    assert adopt_orphans(store) == ["spool"]
    assert store.points("run", "loss").value.tolist() == [0.5]
    assert store.run("run").damaged == 0


def test_a_spool_is_left_alone_while_its_owner_lives_and_adopted_after_a_kill(
    store: Store, segment: Any
) -> None:
    path = leave_spool(store, "spool", some_segment(segment, project="digits"))
    owner = subprocess.Popen([sys.executable, "-c", OWNER, str(path)], stdout=subprocess.PIPE, text=True)
    try:
        assert owner.stdout is not None and owner.stdout.readline() == "locked\n"
        assert lock(path) is None
        assert adopt_orphans(store) == []
        assert store.runs() == []
    finally:
        owner.send_signal(signal.SIGKILL)
        owner.communicate()
    assert adopt_orphans(store) == ["spool"]
    assert store.run("run").status == "killed"


def test_a_forked_child_that_lets_go_does_not_unlock_its_parents_spool(store: Store) -> None:
    path = leave_spool(store, "spool")
    held = lock(path)
    assert held is not None
    child = os.fork()
    if not child:
        held.release()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert lock(path) is None
    held.release()
    again = lock(path)
    assert again is not None
    again.release()


def test_a_spool_that_is_still_being_made_is_left_alone(store: Store) -> None:
    path = spool_root(store.url) / "new"
    path.mkdir(parents=True)
    assert adopt_orphans(store) == []
    assert path.exists()


def test_a_spool_stays_when_its_file_is_deleted(segment: Any, tmp_path: Path) -> None:
    store = open_store(tmp_path / "store.db", create=True)
    path = leave_spool(store, "spool", some_segment(segment, project="digits"))
    for file in tmp_path.glob("store.db*"):
        if file.is_file():
            file.unlink()
    with pytest.raises(StoreUnavailable):
        adopt_orphans(store)
    assert (path / "000000.seg").exists()
    fresh = open_store(tmp_path / "store.db", create=True)
    assert adopt_orphans(fresh) == ["spool"]
    assert fresh.points("run", "loss").value.tolist() == [0.5]


def test_a_spool_is_never_taken_for_an_orphan_while_it_is_made(store: Store) -> None:
    root = spool_root(store.url)
    root.mkdir(parents=True)
    over = threading.Event()
    taken: list[str] = []

    def adopt() -> None:
        while not over.is_set():
            for path in found_in(root):
                held = lock(path)
                if held is not None:
                    taken.append(path.name)
                    held.release()

    adopter = threading.Thread(target=adopt)
    adopter.start()
    for number in range(300):
        spool = Spool(root / str(number), {})
        spool.close({})
        spool.path(0).unlink()
        spool.directory.joinpath("lock").unlink()
        spool.release()
    over.set()
    adopter.join()
    assert taken == []


def test_an_orphan_that_never_said_whose_it_was_leaves_no_run(store: Store) -> None:
    leave_spool(store, "spool")
    assert adopt_orphans(store) == ["spool"]
    assert store.runs() == []


ADOPTER = """
import sys
from trainboard.storage import open_store
from trainboard.storage.spools import adopt_orphans
store = open_store(sys.argv[1])
sys.stdin.readline()
print(len(adopt_orphans(store)))
"""


def test_adopters_that_meet_share_the_orphans_and_repeat_none(store: Store, segment: Any) -> None:
    for number in range(12):
        leave_spool(store, f"spool-{number}", some_segment(segment, run=f"run-{number}", project="digits"))
    command = [sys.executable, "-c", ADOPTER, store.url]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    adopters = [subprocess.Popen(command, **pipes) for _ in range(3)]  # type: ignore[call-overload]
    counts = [int(adopter.communicate("go\n", timeout=300)[0]) for adopter in adopters]
    assert sum(counts) == 12
    assert [len(store.points(run.id, "loss").step) for run in store.runs()] == [1] * 12


def test_a_program_killed_before_its_store_was_made_is_found_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    program = "import os, sys, trainboard as tb; tb.init(store=sys.argv[1]); os.kill(os.getpid(), 9)"
    subprocess.run([sys.executable, "-c", program, path], check=False)
    path.unlink(missing_ok=True)
    store = open_store(path)
    adopt_orphans(store)
    assert [run.status for run in store.runs()] == ["killed"]
