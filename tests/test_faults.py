"""Programs, adopters and stores that die, freeze, fill up or change under one another; nothing is lost."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from dashboard_fixtures import Dashboard, eventually, watched
from engine_fixtures import with_any_engine

import trainboard as tb
from trainboard.loggers import drain
from trainboard.loggers.segment import SMALLEST_SEGMENT
from trainboard.storage import Store, open_store, series
from trainboard.storage.errors import StoreUnavailable
from trainboard.storage.spools import adopt_orphans, spool_root

CONFIRMING = """
import sys, trainboard as tb
run = tb.init("faults", id=sys.argv[2], store=sys.argv[1], resume="allow")
step = 0
while True:
    run.log({"loss": step})
    print(step, flush=True)
    step += 1
"""


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    opened = open_store(store_url, create=True)
    yield opened
    opened.close()


def start(program: str, *words: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", program, *map(str, words)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def kill(program: subprocess.Popen[str]) -> list[str]:
    """Kill it; returns the whole lines that it had still printed."""
    program.send_signal(signal.SIGKILL)
    printed, _ = program.communicate()
    return [line for line in printed.splitlines(keepends=True) if line.endswith("\n")]


def read_lines(program: subprocess.Popen[str], count: int) -> int:
    assert program.stdout is not None
    return sum(bool(program.stdout.readline()) for _ in range(count))


def values(store: Store, run_id: str, tag: str = "loss") -> list[float]:
    return store.points_since(run_id, tag, 0).value.tolist()


def counted(count: int) -> list[float]:
    return [float(number) for number in range(count)]


def log_offline(store: Store, points: int, run_id: str = "off") -> list[Path]:
    """Leave an orphaned spool behind; returns its segments."""
    with tb.init("faults", id=run_id, mode="offline", store=store.url) as run:
        for number in range(points):
            run.log({"loss": float(number)})
    return sorted(spool_root(store.url).glob("*/*.seg"))


def test_killed_programs_lose_nothing_while_a_dashboard_reads_and_adopts(
    store: Store, engine: str, dashboard: Dashboard, caplog: pytest.LogCaptureFixture
) -> None:
    dice = random.Random(4)
    trials = 24 if engine == "sqlite" else 8
    confirmed: dict[str, int] = {}
    with watched(dashboard) as wrong:
        for trial in range(trials):
            program = start(CONFIRMING, store.url, f"run-{trial}")
            seen = read_lines(program, dice.choice((1, 50, 1_000, 10_000)))
            confirmed[f"run-{trial}"] = seen + len(kill(program))
        eventually(lambda: not list(spool_root(store.url).iterdir()))
    assert wrong == [] and "locked" not in caplog.text
    for run_id, least in confirmed.items():
        stored = values(store, run_id)
        assert stored == counted(len(stored)) and len(stored) >= least
        assert store.run(run_id).status == "killed"


ADOPTING = """
import sys
from trainboard.storage import open_store
from trainboard.storage.spools import adopt_orphans
adopt_orphans(open_store(sys.argv[1]))
"""


def test_adopters_killed_in_the_middle_leave_the_rest_to_the_next(store: Store) -> None:
    log_offline(store, 300_000)
    interrupted = 0
    for _ in range(4):
        before = store.version()
        program = start(ADOPTING, store.url)
        eventually(lambda before=before, program=program: store.version() > before + 2 or program.poll() == 0)
        kill(program)
        interrupted += program.returncode == -signal.SIGKILL
    assert interrupted > 1
    adopt_orphans(store)
    assert values(store, "off") == counted(300_000)
    assert store.run("off").status == "finished"


def test_points_without_the_offset_that_says_so_are_not_in_the_store(tmp_path: Path) -> None:
    store = open_store(tmp_path / "store.db", create=True)
    log_offline(store, 1_000)
    with closing(sqlite3.connect(tmp_path / "store.db")) as database:
        database.execute("CREATE TRIGGER cut BEFORE UPDATE ON spools BEGIN SELECT RAISE(ABORT, 'cut'); END")
        with pytest.raises(StoreUnavailable, match="cut"):
            adopt_orphans(store)
        database.execute("DROP TRIGGER cut")
    adopt_orphans(store)
    assert values(store, "off") == counted(1_000)
    store.close()


@with_any_engine
def test_a_segment_cut_short_costs_its_end_and_not_the_segments_after_it(store: Store) -> None:
    first, _ = log_offline(store, 40_000)
    os.truncate(first, SMALLEST_SEGMENT // 2 + 13)
    adopt_orphans(store)
    stored = values(store, "off")
    missing = sorted(set(counted(40_000)) - set(stored))
    assert stored == sorted(set(stored))
    assert 10_000 < len(missing) < 20_000
    assert missing == counted(40_000)[int(missing[0]) : int(missing[-1]) + 1]
    assert store.run("off").status == "finished"


@with_any_engine
def test_flipped_bytes_are_left_out_and_reported(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    (segment,) = log_offline(store, 10_000)
    data = bytearray(segment.read_bytes())
    for at in (100_000, 200_000, 200_001):
        data[at] ^= 0x55
    segment.write_bytes(data)
    adopt_orphans(store)
    assert len(set(counted(10_000)) - set(values(store, "off"))) == 2
    assert store.run("off").damaged == 2
    assert "2 damaged parts left out" in caplog.text


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a file system of 8 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)]
    if os.geteuid() or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("mounting a small file system needs root")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def test_a_store_that_cannot_grow_catches_up_once_there_is_space(
    small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drain, "LONGEST_PAUSE", 0.5)
    run = tb.init("faults", id="full", store=small_disk / "runs.db")
    run.log({"loss": 0.0})
    assert run.flush(60)
    with pytest.warns(UserWarning, match="full") as caught:
        filler = small_disk / "filler"
        with filler.open("wb", buffering=0) as file, pytest.raises(OSError):
            while True:
                file.write(bytes(4096))
        for number in range(1, 20_000):
            run.log({"loss": float(number)})
        assert not run.flush(1)
        filler.unlink()
        assert run.flush(60)
        run.finish()
    assert len(caught) == 1
    store = open_store(small_disk / "runs.db")
    assert values(store, "full") == counted(20_000)
    store.close()


def test_a_store_replaced_by_another_gets_what_is_logged_from_then_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drain, "LONGEST_PAUSE", 0.5)
    path, other = tmp_path / "runs.db", tmp_path / "other.db"
    with tb.init("faults", id="earlier", store=other) as run:
        run.log({"loss": 1.0})
    with pytest.warns(UserWarning, match="deleted or replaced"):
        run = tb.init("faults", "kept", id="kept", store=path)
        run.log({"loss": 0.0})
        assert run.flush(60)
        for name in (Path(f"{path}-wal"), Path(f"{path}-shm")):
            name.unlink(missing_ok=True)
        os.replace(other, path)
        run.log({"loss": 1.0})
        assert run.flush(60)
        run.finish()
    store = open_store(path)
    assert {found.id: found.status for found in store.runs()} == {"earlier": "finished", "kept": "finished"}
    assert values(store, "kept") == [0.0, 1.0]
    store.close()


TURNING_BACK = """
import sys, time
real, shift = time.time, 0.0
time.time = lambda: real() + shift
import trainboard as tb
with tb.init("faults", id="back", store=sys.argv[1]) as run:
    for day in range(3):
        shift = -86400.0 * day
        for _ in range(100):
            run.log({"loss": float(run._step)})
        assert run.flush(60)
"""


def test_a_clock_that_jumps_back_changes_neither_order_nor_number(store: Store) -> None:
    program = start(TURNING_BACK, store.url)
    assert program.communicate(timeout=300)[1] == ""
    assert values(store, "back") == counted(300)
    assert store.points("back", "loss", axis="wall").value.tolist()[0] == 200.0
    assert store.run("back").status == "finished"


def test_a_suspended_program_keeps_its_spool_and_goes_on(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(series, "SILENCE_S", 3.0)
    program = start(CONFIRMING, store.url, "asleep")
    seen = read_lines(program, 2_000)
    eventually(lambda: [run.status for run in store.runs()] == ["running"])
    program.send_signal(signal.SIGSTOP)
    eventually(lambda: store.run("asleep").status == "killed")
    assert adopt_orphans(store) == []
    program.send_signal(signal.SIGCONT)
    eventually(lambda: store.run("asleep").status == "running")
    seen += len(kill(program))
    assert len(adopt_orphans(store)) == 1
    stored = values(store, "asleep")
    assert stored == counted(len(stored)) and len(stored) >= seen


def test_two_processes_of_one_run_are_both_kept(store: Store) -> None:
    programs = [start(CONFIRMING, store.url, "both") for _ in range(2)]
    confirmed = [read_lines(program, 5_000) + len(kill(program)) for program in programs]
    adopt_orphans(store)
    stored = values(store, "both")
    counts = {value: stored.count(value) for value in (0.0, 100.0, 4_999.0)}
    assert set(counts.values()) == {2}
    assert len(stored) >= sum(confirmed)


MANY = """
import os, sys, trainboard as tb
from trainboard.storage import open_store
open_store(sys.argv[1]).close()
for number in range(32):
    if not os.fork():
        with tb.init("faults", id=f"run-{number}", store=sys.argv[1]) as run:
            for step in range(400):
                run.log({"loss": float(step), "number": number})
                if step % 50 == 0:
                    run.flush(60)
            run.flush(60)
        sys.stderr.flush()
        os._exit(0)
sys.exit(any(os.wait()[1] for _ in range(32)))
"""


def test_32_programs_write_one_store_while_a_dashboard_reads(
    store: Store, dashboard: Dashboard, caplog: pytest.LogCaptureFixture
) -> None:
    with watched(dashboard) as wrong:
        program = start(MANY, store.url)
        assert program.communicate(timeout=300) == ("", "")
    assert program.returncode == 0
    assert wrong == [] and "locked" not in caplog.text
    for number in range(32):
        assert values(store, f"run-{number}") == counted(400)
        assert store.run(f"run-{number}").status == "finished"
