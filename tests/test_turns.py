"""Writers of a SQLite store take turns in the order in which they came, and wait for a turn only so long."""

from __future__ import annotations

import fcntl
import threading
from pathlib import Path

import pytest
from dashboard_fixtures import eventually

from trainboard.storage import open_store
from trainboard.storage.turns import turn

LOCKS = Path("/proc/locks")


def waiting(file: Path) -> int:
    """How many wait for the lock of this file; the system tells them after an arrow."""
    lines = LOCKS.read_text().splitlines()
    return sum("->" in line and f":{file.stat().st_ino} " in line for line in lines)


@pytest.mark.skipif(not LOCKS.exists(), reason="the system does not tell who waits for a lock")
def test_writers_that_wait_write_in_the_order_in_which_they_came(tmp_path: Path) -> None:
    store = open_store(tmp_path / "runs.db", create=True)
    wrote: list[int] = []

    def write(number: int) -> None:
        with store.writing():
            wrote.append(number)

    writers = [threading.Thread(target=write, args=(number,)) for number in range(6)]
    with store.writing():
        for came, writer in enumerate(writers, start=1):
            writer.start()
            eventually(lambda came=came: waiting(tmp_path / "runs.db-wal") == came)
        assert wrote == []
    for writer in writers:
        writer.join(30)
    store.close()
    assert wrote == [0, 1, 2, 3, 4, 5]


def test_a_turn_that_nobody_gives_back_is_waited_for_only_so_long(tmp_path: Path) -> None:
    store = open_store(tmp_path / "runs.db", create=True)
    with Path(tmp_path / "runs.db-wal").open() as kept:
        fcntl.flock(kept, fcntl.LOCK_EX)  # as by a program that was suspended while it wrote
        with turn(tmp_path / "runs.db", patience=0.1):
            pass
        fcntl.flock(kept, fcntl.LOCK_UN)
        with turn(tmp_path / "runs.db", patience=30), pytest.raises(BlockingIOError):
            fcntl.flock(kept, fcntl.LOCK_EX | fcntl.LOCK_NB)
    store.close()
