"""A check finds and names what is wrong with a store; a repair puts right what can be, and loses nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_damage import LOSS, append, damage

from trainboard.cli import main
from trainboard.storage import Store, open_store
from trainboard.storage.append import append_points
from trainboard.storage.check import check
from trainboard.storage.chunks import CHUNK_POINTS, Columns
from trainboard.storage.errors import StoreUnavailable
from trainboard.storage.kinds import KINDS
from trainboard.storage.kinds.image import Image
from trainboard.storage.repair import repair
from trainboard.storage.run_rows import load_run

POINTS = 140_100


def path_of(store: Store) -> Path:
    return Path(store.url.removeprefix("sqlite:///"))


def change(store: Store, statement: str) -> None:
    with sqlite3.connect(path_of(store)) as database:
        assert database.execute(statement).rowcount


@pytest.fixture
def store(tmp_path: Path, segment: Any) -> Iterator[Store]:
    """A store with a long series that has levels, late steps and special values, and records with blobs."""
    opened = open_store(tmp_path / "store.db", create=True)
    values = np.random.default_rng(0).normal(size=POINTS)
    values[[5, 5_000, 50_000]] = np.nan, np.inf, -np.inf
    steps = np.arange(POINTS)
    steps[POINTS // 2 :] -= 1_000
    columns = Columns(steps, steps / 10.0, values)
    for at in range(0, POINTS, 60_007):
        with opened.writing() as connection:
            load_run(connection, "run")
            append_points(connection, "run", {LOSS: columns.take(slice(at, at + 60_007))})
    made = segment(run="pictures", project="digits")
    for step in range(3):
        picture = Image.from_array(np.full((4, 4), step / 3))
        made.record("sample", "image", KINDS["image"].encode(picture).to_bytes(), step)
        made.scalars(step, {"loss": float(step)})
    opened.ingest("spool").feed(0, made.data, 0)
    yield opened
    opened.close()


def faults(store: Store) -> list[tuple[str | None, str | None, int]]:
    return [(fault.run, fault.tag, fault.lost) for fault in check(store)]


def test_a_sound_store_has_no_fault_and_repair_leaves_it_as_it_is(store: Store) -> None:
    assert list(check(store)) == []
    before = list(sqlite3.connect(path_of(store)).iterdump())
    repair(store)
    assert list(sqlite3.connect(path_of(store)).iterdump()) == before


def test_levels_summaries_and_counts_are_rebuilt_as_they_were(store: Store) -> None:
    rows = "SELECT * FROM chunks ORDER BY run_id, series_id, level, start"
    with sqlite3.connect(path_of(store)) as database:
        chunks = database.execute(rows).fetchall()
    series = store.series("run")
    change(store, "UPDATE chunks SET data = x'00' WHERE level = 1 AND start = 1024")
    change(store, "DELETE FROM chunks WHERE level = 2")
    change(store, "UPDATE chunks SET min_step = 7 WHERE level = 0 AND start = 8192")
    change(store, "UPDATE series SET minimum = -99, nan_count = 3 WHERE run_id = 'run'")
    found = list(check(store))
    assert all(fault.run == "run" and fault.tag == "loss" and not fault.lost for fault in found)
    assert len(found) >= 4
    repair(store)
    assert list(check(store)) == []
    with sqlite3.connect(path_of(store)) as database:
        assert database.execute(rows).fetchall() == chunks
    assert store.series("run")[0].minimum == series[0].minimum


def test_a_wrong_count_is_corrected_so_that_ingest_goes_on(store: Store) -> None:
    change(store, "UPDATE series SET count = count + 11 WHERE run_id = 'run'")
    assert [fault.lost for fault in check(store)] == [11]
    repair(store)
    assert store.series("run")[0].count == POINTS
    append(store, range(1_000_000, 1_000_010))
    assert list(check(store)) == []


def test_a_damaged_sealed_chunk_becomes_a_known_hole(store: Store) -> None:
    before = store.points("run", "loss", width=20)
    damage(store, "level = 0 AND start = 8192 AND run_id = 'run'")
    assert faults(store) == [("run", "loss", CHUNK_POINTS)]
    repair(store)
    assert faults(store) == []
    points = store.points("run", "loss")
    assert (points.total, points.unreadable) == (POINTS, CHUNK_POINTS)
    after = store.points("run", "loss", width=20)
    assert after.value.tobytes() == before.value.tobytes()
    append(store, range(500_000, 600_000))
    assert faults(store) == []


def test_a_damaged_open_chunk_is_set_aside_by_repair(store: Store) -> None:
    append(store, range(500_000, 500_003))
    damage(store, f"level = 0 AND run_id = 'run' AND start >= {POINTS}")
    assert faults(store) == [("run", "loss", 3)]
    repair(store)
    assert faults(store) == []
    assert store.points("run", "loss").total == POINTS
    append(store, range(600_000, 650_000))
    assert faults(store) == []


def test_a_series_that_healed_itself_has_no_fault(store: Store) -> None:
    damage(store, "run_id = 'pictures' AND level = 0")
    with store.writing() as connection:
        load_run(connection, "pictures")
        append_points(
            connection, "pictures", {LOSS: Columns(np.array([9]), np.array([9.0]), np.array([1.0]))}
        )
        append_points(connection, "pictures", {LOSS: Columns(np.arange(9), np.ones(9), np.ones(9))})
    assert store.run("pictures").damaged == 3
    assert faults(store) == []


def test_a_damaged_blob_is_named_with_what_is_lost(store: Store) -> None:
    change(store, "UPDATE blobs SET data = x'00' WHERE hash = (SELECT min(hash) FROM blobs)")
    assert faults(store) == [("pictures", "sample", 1)]
    repair(store)
    assert faults(store) == [("pictures", "sample", 1)]
    assert len(store.records("pictures", "sample", "image", window=(0, 5))) in (2, 3)


def test_a_record_too_few_in_the_count_no_longer_stops_ingest(store: Store) -> None:
    change(store, "UPDATE series SET count = 1 WHERE kind = 'image'")
    assert faults(store) == [("pictures", "sample", 0)]
    repair(store)
    assert store.series("pictures", "image")[0].count == 3


def test_the_command_exits_with_what_it_found(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", store.url]) == 0
    assert capsys.readouterr().out == "No fault found.\n"
    damage(store, "level = 0 AND start = 4096")
    assert main(["check", store.url]) == 1
    assert (
        "run run, 'loss': points 4096 to 8191 cannot be read (4,096 values lost)" in capsys.readouterr().out
    )
    assert main(["check", store.url, "--repair"]) == 0
    assert main(["check", store.url, "--json"]) == 0


def test_what_can_be_read_of_a_corrupt_file_goes_to_a_new_one(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    path = path_of(store)
    store.close()
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        page = database.execute("PRAGMA page_size").fetchone()[0]
    data = bytearray(path.read_bytes())
    for at in range(len(data) // 2 // page * page, len(data) // 2 + 20 * page, page):
        data[at : at + page] = b"\xff" * page
    path.write_bytes(data)
    assert main(["check", str(path)]) == 1
    assert "--repair" in capsys.readouterr().out
    assert main(["check", str(path), "--repair"]) == 1
    assert path.read_bytes() == data
    repaired = open_store(f"{path}.repaired")
    assert list(check(repaired)) == []
    points = repaired.points("run", "loss")
    assert points.total == POINTS and 0 < points.unreadable < POINTS / 2
    assert len(repaired.records("pictures", "sample", "image")) == 3


def test_a_file_of_which_nothing_can_be_read_says_so(store: Store) -> None:
    path = path_of(store)
    store.close()
    path.write_bytes(path.read_bytes()[:100] + b"\xff" * 50_000)
    with pytest.raises(StoreUnavailable):
        open_store(path)
    assert main(["check", str(path), "--repair"]) == 2
