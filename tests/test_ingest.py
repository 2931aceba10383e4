"""What a spool says arrives in the store exactly once, whatever is cut, repeated or damaged."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from spool_segments import BRIEF, mixed_segment

from trainboard.storage import Store, open_store
from trainboard.storage.errors import RunNotFound, SeriesNotFound
from trainboard.storage.frames import FrameType


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    opened = open_store(store_url, create=True)
    yield opened
    opened.close()


def contents(store: Store, run: str = "run") -> tuple[Any, ...]:
    """All that a reader sees of a run of ``mixed_segment``."""
    columns = [store.points_since(run, tag, 0) for tag in ("loss", "accuracy")]
    points = [(each.step.tolist(), each.wall_time.tolist(), each.value.tolist()) for each in columns]
    # How the mean is rounded depends on how the points were grouped.
    series = [replace(each, run_id="", mean=each.mean and round(each.mean, 12)) for each in store.series(run)]
    return points, store.records(run, "notes", "text"), series, store.run(run).status


def test_everything_a_spool_says_is_in_the_store(store: Store, segment: Any) -> None:
    made = mixed_segment(segment)
    assert store.ingest("spool").feed(0, made.data, 0) == len(made.data)
    run = store.run("run")
    assert (run.project, run.name, run.config) == ("digits", "a run", {"lr": 0.1})
    assert (run.status, run.exit_code, run.damaged) == ("finished", 0, 0)
    assert store.points("run", "loss").value.tolist() == [1.0 / (step + 1) for step in range(30)]
    assert [record.value.text for record in store.records("run", "notes", "text")] == [
        "step 0",
        "step 10",
        "step 20",
    ]


def test_feeding_again_changes_nothing(store: Store, segment: Any) -> None:
    made = mixed_segment(segment)
    ingest = store.ingest("spool")
    ingest.feed(0, made.data, 0)
    before, version = contents(store), store.version()
    assert ingest.feed(0, made.data, 0) == len(made.data)
    assert store.ingest("spool").feed(0, made.data, 0) == len(made.data)
    assert (contents(store), store.version()) == (before, version)


@BRIEF
@given(cuts=st.lists(st.integers(0, 4000), max_size=6), reader_dies=st.booleans())
def test_a_segment_cut_at_any_byte_arrives_exactly_once(
    store: Store, segment: Any, cuts: list[int], reader_dies: bool
) -> None:
    run, whole = f"run-{len(store.runs())}", "whole"
    store.ingest(whole).feed(0, mixed_segment(segment, run=whole).data, 0)
    made = mixed_segment(segment, run=run)
    ingest, offset = store.ingest(run), 0
    for cut in [*cuts, len(made.data)]:
        if reader_dies:
            ingest, offset = store.ingest(run), 0
        offset = ingest.feed(0, made.data[offset : max(cut, offset)], offset)
        assert offset in made.ends
    assert offset == len(made.data)
    assert contents(store, run) == contents(store, whole)


def test_text_that_no_database_takes_is_stored_in_a_form_it_does(store: Store, segment: Any) -> None:
    made = segment(project="nul \0", name="half \ud800", config={"\0": "\ud800", "nan": math.nan})
    made.scalars(0, {"tag\0\ud800": 1.0})
    store.ingest("spool").feed(0, made.data, 0)
    run = store.run("run")
    assert (run.project, run.name) == ("nul \ufffd", "half ?")
    assert run.config["\0"] == "\ud800" and math.isnan(run.config["nan"])
    assert store.series("run")[0].tag == "tag\ufffd?"


def test_numbers_and_names_of_any_size_are_stored(store: Store, segment: Any) -> None:
    noise = "".join(map(chr, np.random.default_rng(0).integers(0x4E00, 0x9FFF, 100_000)))
    made = segment(run="r" * 400, project=noise, config={"big": 10**400, "infinite": math.inf})
    made.scalars(2**63 - 1, {noise: 5e-324, "other": 1.0})
    made.say(FrameType.FINISH, {"status": "finished", "exit_code": 10**30, "dropped": 2**70})
    store.ingest("s" * 200).feed(0, made.data, 0)
    run = store.run("r" * 400)
    assert (run.project, run.config["big"], run.config["infinite"]) == (noise, 10**400, math.inf)
    assert (run.exit_code, run.dropped, run.damaged) == (2**63 - 1, 2**63 - 1, 0)
    (series,) = (each for each in store.series(run.id) if each.tag == noise)
    assert (series.last, series.minimum, series.last_step) == (5e-324, 5e-324, 2**63 - 1)


def test_what_is_asked_for_in_text_that_no_database_takes_is_not_found(store: Store, segment: Any) -> None:
    store.ingest("spool").feed(0, mixed_segment(segment).data, 0)
    for name in ("run\0", "run\ud800"):
        assert store.runs(name) == [] and store.series(name) == []
        with pytest.raises(RunNotFound):
            store.points(name, "loss")
        with pytest.raises(SeriesNotFound):
            store.points("run", name)
        with pytest.raises(SeriesNotFound):
            store.rank_points("run", name)
        assert store.series("run", tag=name) == store.series("run", prefix=name) == []


def test_updates_merge_into_config_and_summary_by_key(store: Store, segment: Any) -> None:
    made = segment(project="digits", config={"lr": 0.1, "seed": 1})
    made.scalars(0, {"loss": 0.5})
    made.say(FrameType.UPDATE, {"config": {"lr": 0.2}})
    made.say(FrameType.UPDATE, {"summary": {"loss": "low"}, "tags": ["good"]})
    store.ingest("spool").feed(0, made.data, 0)
    run = store.run("run")
    assert run.config == {"lr": 0.2, "seed": 1}
    assert run.summary == {"loss": "low"}
    assert run.tags == ["good"]


def test_a_resumed_run_keeps_what_it_had_and_runs_again(store: Store, segment: Any) -> None:
    store.ingest("first").feed(0, mixed_segment(segment).data, 0)
    created = store.run("run").created_at
    again = segment(project="digits", config={"extra": 1}, created_at=created + 1000)
    again.scalars(30, {"loss": 0.01})
    store.ingest("second").feed(0, again.data, 0)
    run = store.run("run")
    assert (run.status, run.exit_code, run.created_at) == ("running", None, created)
    assert run.config == {"lr": 0.1, "extra": 1}
    assert len(store.points("run", "loss").step) == 31


def test_a_run_is_finished_by_its_first_rank_and_crashed_by_any(store: Store, segment: Any) -> None:
    store.ingest("zero").feed(0, segment(rank=0, project="p").data, 0)
    other = segment(rank=1)
    other.say(FrameType.FINISH, {"status": "finished"})
    store.ingest("one").feed(0, other.data, 0)
    assert store.run("run").status == "running"
    third = segment(rank=2)
    third.say(FrameType.FINISH, {"status": "crashed", "error": "boom"})
    store.ingest("two").feed(0, third.data, 0)
    assert (store.run("run").status, store.run("run").error) == ("crashed", "Rank 2: boom")


def test_ranks_have_series_of_their_own(store: Store, segment: Any) -> None:
    for rank in (0, 1):
        made = segment(rank=rank)
        made.scalars(0, {"loss": float(rank)})
        store.ingest(f"spool-{rank}").feed(0, made.data, 0)
    assert [store.points("run", "loss", rank=rank).value.tolist() for rank in (0, 1)] == [[0.0], [1.0]]


def test_each_segment_declares_its_own_series(store: Store, segment: Any) -> None:
    ingest = store.ingest("spool")
    first, second = segment(), segment()
    first.scalars(0, {"a": 1.0, "b": 2.0})
    second.scalars(1, {"b": 3.0, "a": 4.0})
    ingest.feed(0, first.data, 0)
    ingest.feed(1, second.data, 0)
    assert store.points("run", "a").value.tolist() == [1.0, 4.0]
    assert store.points("run", "b").value.tolist() == [2.0, 3.0]


def test_a_late_segment_that_is_fed_again_is_not_applied_again(store: Store, segment: Any) -> None:
    ingest = store.ingest("spool")
    first, second = segment(), segment()
    first.scalars(0, {"a": 1.0})
    second.scalars(1, {"a": 2.0})
    for number, made in ((0, first), (1, second), (0, first), (1, second)):
        ingest.feed(number, made.data, 0)
    assert store.points("run", "a").value.tolist() == [1.0, 2.0]


def test_a_heartbeat_keeps_a_silent_run_alive_without_a_new_version(store: Store, segment: Any) -> None:
    ingest = store.ingest("spool")
    ingest.feed(0, segment(project="p").data, 0)
    before, version = store.run("run").updated_at, store.version()
    ingest.heartbeat()
    assert store.run("run").updated_at > before
    assert store.version() == version


def test_extreme_steps_and_values_are_kept_bit_for_bit(store: Store, segment: Any) -> None:
    steps = [0, -1, 2**63 - 1, -(2**63), 5, 5]
    values = [math.nan, math.inf, -math.inf, 5e-324, -0.0, 1.7976931348623157e308]
    made = segment()
    for step, value in zip(steps, values, strict=True):
        made.scalars(step, {"x": value}, wall=1.0)
    store.ingest("spool").feed(0, made.data, 0)
    points = store.points_since("run", "x", 0)
    assert points.step.tolist() == steps
    assert points.value.tobytes() == np.array(values).tobytes()
    (series,) = store.series("run")
    assert (series.first_step, series.last_step) == (-(2**63), 2**63 - 1)
    assert (series.minimum, series.maximum) == (-math.inf, math.inf)
    assert (series.min_step, series.max_step) == (2**63 - 1, -1)
    counts = (series.finite_count, series.nan_count, series.pos_inf_count, series.neg_inf_count)
    assert counts == (3, 1, 1, 1)
    assert series.mean == pytest.approx(1.7976931348623157e308 / 3)


WRITER = """
import sys
from pathlib import Path
from trainboard.storage import open_store

ingest = open_store(sys.argv[1], create=True).ingest(sys.argv[2])
data, offset = Path(sys.argv[2]).read_bytes(), 0
for end in range(0, len(data) + 100, 100):
    offset = ingest.feed(0, data[offset:end], offset)
"""


def test_many_processes_write_at_once_and_nothing_is_lost(
    store_url: str, tmp_path: Path, segment: Any
) -> None:
    for number in range(6):
        data = mixed_segment(segment, steps=60, run=f"run-{number}").data
        (tmp_path / f"spool-{number}").write_bytes(data)
    arguments = [sys.executable, "-c", WRITER, store_url]
    writers = [subprocess.Popen([*arguments, f"spool-{number}"], cwd=tmp_path) for number in range(6)]
    assert [writer.wait(300) for writer in writers] == [0] * 6
    store = open_store(store_url)
    for number in range(6):
        assert store.points(f"run-{number}", "accuracy").step.tolist() == list(range(60))
