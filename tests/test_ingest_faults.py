"""Bytes of a spool that are damaged, skipped or refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from spool_segments import BRIEF, mixed_segment, text_payload

from trainboard.storage import Store, open_store
from trainboard.storage.errors import SpoolGap, StoreGone, StoreUnavailable
from trainboard.storage.frames import FrameType


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    opened = open_store(store_url, create=True)
    yield opened
    opened.close()


@BRIEF
@given(at=st.integers(0, 10**6), flip=st.integers(1, 255))
def test_a_flipped_byte_costs_at_most_its_own_batch_or_message_and_is_counted(
    store: Store, segment: Any, at: int, flip: int
) -> None:
    run = f"run-{len(store.runs())}"
    made = segment(run=run, project="digits", name="a run")
    made.number("a", "scalar")
    made.number("b", "scalar")
    first = len(made.data)
    for step in range(20):
        made.scalars(step, {"a": step, "b": -step})
    made.data[first + at % (len(made.data) - first)] ^= flip
    damaged_step = (at % (len(made.data) - first)) // 64
    made.data += bytes(4096)
    store.ingest(run).feed(0, made.data, 0)
    kept = [step for step in range(20) if step != damaged_step]
    assert store.points(run, "a").step.tolist() == kept
    assert store.points(run, "b").value.tolist() == [-step for step in kept]
    assert store.run(run).damaged == 1 or damaged_step == 19


def test_points_outlive_the_damaged_declaration_of_their_series(store: Store, segment: Any) -> None:
    made = segment(project="digits")
    before = len(made.data)
    made.number("loss", "scalar")
    made.data[before + 40] ^= 1
    made.scalars(0, {"loss": 0.5})
    store.ingest("spool").feed(0, made.data, 0)
    (series,) = store.series("run")
    assert series.tag == "undeclared/spool/0/0" and series.last == 0.5
    assert store.run("run").damaged == 1


def test_a_spool_whose_first_message_is_damaged_still_becomes_a_run(store: Store, segment: Any) -> None:
    made = segment(project="digits", name="a run")
    made.scalars(3, {"loss": 0.5})
    made.data[5] ^= 1
    store.ingest("spool").feed(0, made.data, 0)
    (run,) = store.runs()
    assert (run.name, run.damaged) == ("a run", 1)
    assert store.points(run.id, "loss").value.tolist() == [0.5]


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        (FrameType.RUN, b"not json"),
        (FrameType.RUN, b"[1, 2]"),
        (FrameType.RUN, b'{"created_at": NaN}'),
        (FrameType.UPDATE, b'{"config": 5}'),
        (FrameType.UPDATE, b'{"name": 7}'),
        (FrameType.FINISH, b'{"status": "levitated"}'),
        (FrameType.SERIES, b'{"kind": "scalar"}'),
        (FrameType.OPEN, b"null"),
        (FrameType.OPEN, b'{"run": "' + b"x" * 3_000 + b'"}'),
        (FrameType.OPEN, b'{"run": "run", "rank": 2147483648}'),
        (FrameType.RECORD, b"\xff\xff\xff\xff"),
        (FrameType.RECORD, text_payload("of no series")),
    ],
)
def test_a_message_that_makes_no_sense_is_counted_and_left_out(
    store: Store, segment: Any, kind: FrameType, payload: bytes
) -> None:
    from trainboard.storage.frames import message

    made = segment(project="digits", name="a run")
    made.add(message(kind, payload, series=9))
    made.scalars(0, {"loss": 0.5})
    assert store.ingest("spool").feed(0, made.data, 0) == len(made.data)
    run = store.run("run")
    assert (run.name, run.status, run.damaged) == ("a run", "running", 1)
    assert store.points("run", "loss").value.tolist() == [0.5]


def test_skipped_bytes_are_refused_and_nothing_is_written(store: Store, segment: Any) -> None:
    made = mixed_segment(segment)
    with pytest.raises(SpoolGap, match="spool"):
        store.ingest("spool").feed(0, made.data[64:], 64)
    assert store.runs() == []


def test_a_reader_that_skips_what_the_store_lacks_is_refused(
    store: Store, tmp_path: Path, segment: Any
) -> None:
    made = mixed_segment(segment)
    ingest = store.ingest("spool")
    middle = ingest.feed(0, made.data[:640], 0)
    ingest._store = open_store(tmp_path / "other.db", create=True)
    with pytest.raises(SpoolGap, match="the store has it to segment 0, byte 0"):
        ingest.feed(0, made.data[middle:], middle)


def test_a_deleted_file_is_never_written_to(tmp_path: Path, segment: Any) -> None:
    store = open_store(tmp_path / "store.db", create=True)
    made = mixed_segment(segment)
    ingest = store.ingest("spool")
    middle = ingest.feed(0, made.data[:640], 0)
    for file in tmp_path.glob("store.db*"):
        file.unlink()
    with pytest.raises(StoreGone, match="deleted or replaced"):
        ingest.feed(0, made.data[middle:], middle)
    assert not (tmp_path / "store.db").exists()
    open_store(tmp_path / "store.db", create=True)
    with pytest.raises(StoreGone):
        ingest.heartbeat()


def test_a_locked_file_takes_nothing_and_then_everything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, segment: Any
) -> None:
    store = open_store(tmp_path / "store.db", create=True)
    made = mixed_segment(segment)
    ingest = store.ingest("spool")
    monkeypatch.setattr("trainboard.storage.engine.BUSY_TIMEOUT_S", 0.05)
    store.close()
    other = open_store(store.url)
    with other.writing(), pytest.raises(StoreUnavailable, match="locked"):
        ingest.feed(0, made.data, 0)
    assert store.runs() == []
    assert ingest.feed(0, made.data, 0) == len(made.data)
    assert len(store.points("run", "loss").step) == 30
