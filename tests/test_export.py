"""Logs for TensorBoard: what it reads in them, and that reading them back loses nothing."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest
from event_file import VERSION, record, write
from google.protobuf.struct_pb2 import Value as JSONValue
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.backend.event_processing.plugin_event_accumulator import (
    EventAccumulator as PluginEventAccumulator,
)
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.plugins.hparams.api_pb2 import Experiment, HParamInfo
from tensorboard.plugins.hparams.metadata import (
    EXPERIMENT_TAG,
    SESSION_START_INFO_TAG,
    create_summary_metadata,
)
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData, SessionStartInfo
from test_every_kind import RECORDS, SAMPLES

from trainboard.cli import main
from trainboard.storage import Store, open_store
from trainboard.storage.blocks import blocks
from trainboard.storage.errors import BadChange, RunNotFound
from trainboard.storage.frames import FrameType
from trainboard.storage.kinds import KINDS
from trainboard.storage.lookup import series_row
from trainboard.storage.series import SeriesKey
from trainboard.storage.tfevents.export_store import Export
from trainboard.storage.tfevents.names import run_folders, safe_path

CONFIG = {"lr": 0.1, "net": {"layers": [1, 2]}, "decay": math.nan, "flag": True}
TAGS = (SESSION_START_INFO_TAG, EXPERIMENT_TAG)
VALUES = [0.1, math.nan, math.inf, -0.0, 1e300, 0.5]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("export")


@pytest.fixture(scope="module")
def store(folder: Path, segment: Any) -> Iterator[Store]:
    """A run with every kind, one with a resumed series and two ranks, and one of the same name."""
    opened = open_store(folder / "store.db", create=True)
    made = segment(run="every", project="p", name="lr/0.1", config=CONFIG, group="g", created_at=1000.0)
    for step, value in enumerate(VALUES):
        made.scalars(step, {"loss": value})
    for kind in RECORDS:
        for step, value in enumerate(SAMPLES[kind]()):
            made.record(f"kind/{kind}", kind, KINDS[kind].encode(value).to_bytes(), step)
    made.record("loss", "histogram", KINDS["histogram"].encode(SAMPLES["histogram"]()[2]).to_bytes(), 0)
    made.say(FrameType.UPDATE, {"summary": {"best": 0.5}})
    made.say(FrameType.FINISH, {"status": "finished", "exit_code": 0})
    opened.ingest("spool").feed(0, made.data, 0)
    for rank in (0, 1):
        again = segment(run="resumed", rank=rank, project="p", name="lr/0.1", created_at=2000.0)
        for step in (*range(100), *range(50, 300)):
            again.scalars(step, {"x": step + rank + 1000 * (len(again.ends) > 105)})
        again.say(FrameType.FINISH, {"status": "finished", "exit_code": 0})
        opened.ingest(f"spool-{rank}").feed(0, again.data, 0)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def logs(store: Store, folder: Path) -> Path:
    store.export_tensorboard(folder / "logs")
    return folder / "logs"


def content(store: Store) -> dict[tuple[str, str, str], Any]:
    """Every series of a store, in an order that its runs' ids do not matter for."""
    found: dict[tuple[str, str, str], Any] = {}
    for run in store.runs():
        for series in store.series(run.id):
            key = (run.name, series.kind, series.tag)
            if series.kind == "scalar":
                points = store.points(run.id, series.tag, rank=series.rank)
                found[key] = [a.tobytes() for a in (points.step, points.wall_time, points.value)]
            else:
                records = store.records(run.id, series.tag, series.kind, rank=series.rank)
                encode = KINDS[series.kind].encode
                found[key] = [(r.step, r.wall_time, encode(r.value).to_bytes()) for r in records]
    return found


def test_logs_read_back_are_the_store_again(logs: Path, store: Store, store_url: str, tmp_path: Path) -> None:
    assert main(["import", str(logs), "--store", store_url]) == 0
    back = open_store(store_url)
    ours = content(store)
    read = content(back)
    for kind in set(RECORDS) - {"raw"}:
        key = ("lr/0.1", kind, f"kind/{kind}")
        samples = SAMPLES[kind]()
        assert len(read[key]) == len(samples), kind
        for (_, _, one), value in zip(read[key], samples, strict=True):
            assert one == KINDS[kind].encode(value).to_bytes(), kind
    assert {key: read[key] for key in ours if key[2] in ("loss",)} == {
        key: ours[key] for key in ours if key[2] == "loss"
    }
    assert sorted(run.name for run in back.runs()) == ["lr/0.1", "lr/0.1", "lr/0.1-resumed/rank_1"]
    run = next(run for run in back.runs() if run.config)
    assert json.dumps(run.config) == json.dumps(CONFIG)
    assert (run.group, run.project) == ("g", "p")
    back.export_tensorboard(tmp_path / "logs again")
    assert main(["import", str(tmp_path / "logs again"), "--store", str(tmp_path / "twice.db")]) == 0
    assert content(open_store(tmp_path / "twice.db")) == read


def test_a_video_that_tensorboard_cannot_play_is_a_note_with_its_format(logs: Path) -> None:
    shown = EventAccumulator(str(logs / "lr" / "0.1"), {"tensors": 0}).Reload()
    note, *_ = (event.tensor_proto.string_val for event in shown.Tensors("kind/video/mp4"))
    assert note == [b"A video, which TensorBoard cannot show."]


def test_a_point_that_another_of_its_step_superseded_is_not_shown_and_comes_back(
    logs: Path, store: Store
) -> None:
    shown = EventAccumulator(str(logs / "lr" / "0.1-resumed"), {"scalars": 0}).Reload().Scalars("x")
    points = store.points("resumed", "x")
    last = np.append(points.step[1:] != points.step[:-1], True)
    assert [event.step for event in shown] == list(range(300))
    assert [event.value for event in shown] == points.value[last].tolist()
    assert [event.wall_time for event in shown] == points.wall_time[last].tolist()


def test_folders_are_named_after_runs_and_never_leave_the_one_given(logs: Path, store: Store) -> None:
    folders = {str(path.parent.relative_to(logs)) for path in logs.rglob("*tfevents*")}
    assert folders == {"lr/0.1", "lr/0.1-resumed", "lr/0.1-resumed/rank_1"}
    assert str(safe_path("/../..//a\0b/ c ")) == "a_b/c"
    nameless = [replace(store.run("every"), id=id, name="..") for id in ("a", "..", "/")]
    folders = {str(folder) for folder in run_folders(nameless, {}).values()}
    assert len(folders) == 3 and {"a", "run"} < folders


def test_a_tag_of_any_length_is_exported(tmp_path: Path, segment: Any) -> None:
    opened, tag = open_store(tmp_path / "store.db", create=True), "x" * 3000
    made = segment(run="long", name="long")
    for step in range(200):
        made.scalars(step, {tag: step / 2})
    opened.ingest("spool").feed(0, made.data, 0)
    opened.export_tensorboard(tmp_path / "logs")
    shown = EventAccumulator(str(tmp_path / "logs" / "long"), {"scalars": 0}).Reload().Scalars(tag)
    assert [event.value for event in shown] == [step / 2 for step in range(200)]


def test_only_the_runs_and_tags_asked_for_are_written(store: Store, tmp_path: Path) -> None:
    done = store.export_tensorboard(tmp_path, runs=["every"], tags=["lo*"])
    assert (done.runs, done.points, done.records) == (1, len(VALUES), 1)
    with pytest.raises(RunNotFound, match="nothing"):
        store.export_tensorboard(tmp_path, runs=["nothing"])


def test_logs_of_others_are_not_written_over(store: Store, tmp_path: Path) -> None:
    (tmp_path / "lr" / "0.1").mkdir(parents=True)
    theirs = tmp_path / "lr" / "0.1" / "events.out.tfevents.1.host.1.0"
    theirs.write_bytes(b"theirs")
    with pytest.raises(BadChange, match="empty folder"):
        store.export_tensorboard(tmp_path)
    assert theirs.read_bytes() == b"theirs"


def test_an_export_that_follows_writes_what_comes_and_keeps_what_comes_late(
    store_url: str, tmp_path: Path, segment: Any
) -> None:
    store = open_store(store_url, create=True)
    made = segment(run="live", name="live")
    spool = store.ingest("spool")
    with Export(store, tmp_path / "logs") as export:
        for steps in (range(40), range(40, 60), (10, 60)):
            for step in steps:
                made.scalars(step, {"x": step / 8})
            spool.feed(0, made.data, 0)
            export.write_new()
            last = max(steps)
            shown = EventAccumulator(str(tmp_path / "logs" / "live"), {"scalars": 0}).Reload().Scalars("x")
            assert [event.step for event in shown] == list(range(last + 1))
        assert export.counts.late == 1
    assert main(["import", str(tmp_path / "logs"), "--store", str(tmp_path / "back.db")]) == 0
    back = open_store(tmp_path / "back.db")
    (run,) = back.runs()
    assert back.points(run.id, "x").step.tolist() == store.points("live", "x").step.tolist()


@pytest.mark.parametrize(("second", "shown"), [("lr", True), ("depth", False)])
def test_a_definition_of_the_experiment_is_shown_unless_it_hides_another_run(
    second: str, shown: bool, tmp_path: Path
) -> None:
    for run, name in (("a", "lr"), ("b", second)):
        session = SessionStartInfo(hparams={name: JSONValue(number_value=0.5)})
        experiment = Experiment(hparam_infos=[HParamInfo(name=name)])
        told = (HParamsPluginData(session_start_info=session), HParamsPluginData(experiment=experiment))
        values = [
            Summary.Value(tag=tag, metadata=create_summary_metadata(one))
            for tag, one in zip(TAGS, told, strict=True)
        ]
        event = Event(wall_time=1e9, summary=Summary(value=values))
        write(tmp_path / "logs" / run, VERSION + record(event))
    logs, out, back = (str(tmp_path / name) for name in ("logs", "out", "back.db"))
    assert main(["import", logs, "--store", str(tmp_path / "store.db")]) == 0
    open_store(tmp_path / "store.db").export_tensorboard(out)
    for run in ("a", "b"):
        events = PluginEventAccumulator(f"{out}/{run}").Reload()
        assert set(events.Tags()["tensors"]) == set(TAGS[: 1 + shown])
    assert main(["import", out, "--store", back]) == 0
    assert content(open_store(back)) == content(open_store(tmp_path / "store.db"))


@pytest.mark.parametrize("most", [1, 7, 100_000])
def test_a_series_is_read_in_parts_that_are_whole(store: Store, most: int) -> None:
    key = SeriesKey(0, "scalar", "x")
    with store.reading() as connection:
        parts = list(blocks(connection, series_row(connection, "resumed", key, ""), most))
    whole = store.points("resumed", "x")
    assert np.concatenate([part.step for part in parts]).tolist() == whole.step.tolist()
    assert np.concatenate([part.value for part in parts]).tolist() == whole.value.tolist()
    assert most > 300 or max(len(part.step) for part in parts) <= max(most, 2)


def test_a_series_in_no_order_is_read_in_few_parts(tmp_path: Path, segment: Any) -> None:
    """Each part of it takes reading all of its chunks."""
    made = segment(run="shuffled", name="shuffled")
    for step in np.random.default_rng(0).permutation(10_000):
        made.scalars(int(step), {"x": float(step)})
    with closing(open_store(tmp_path / "store.db", create=True)) as store:
        store.ingest("spool").feed(0, made.data, 0)
        with store.reading() as connection:
            row = series_row(connection, "shuffled", SeriesKey(0, "scalar", "x"), "")
            parts = list(blocks(connection, row, 5_000))
    assert [step for part in parts for step in part.step.tolist()] == list(range(10_000))
    assert len(parts) <= 4


def test_more_points_of_one_step_than_a_part_holds_are_one_part(tmp_path: Path, segment: Any) -> None:
    made = segment(run="still", name="still")
    steps = [1, 2, *[9] * 200, 12]
    for step in steps:
        made.scalars(step, {"x": float(step)})
    with closing(open_store(tmp_path / "store.db", create=True)) as store:
        store.ingest("spool").feed(0, made.data, 0)
        with store.reading() as connection:
            row = series_row(connection, "still", SeriesKey(0, "scalar", "x"), "")
            parts = [part.step.tolist() for part in blocks(connection, row, 7)]
    assert [step for part in parts for step in part] == steps and [9] * 200 in parts


@pytest.mark.parametrize("format", ["csv", "jsonl", "parquet"])
def test_tables_hold_every_point(store: Store, tmp_path: Path, format: str) -> None:
    out = tmp_path / f"table.{format}"
    assert main(["export", "--to", format, str(out), "--store", store.url, "--tags", "loss"]) == 0
    if format == "jsonl":
        read = pandas.DataFrame(json.loads(line) for line in out.read_text().splitlines())
        read["value"] = read["value"].astype(float)
    else:
        read = pandas.read_csv(out) if format == "csv" else pandas.read_parquet(out)
    assert read["step"].tolist() == list(range(len(VALUES)))
    assert np.array_equal(read["value"], VALUES, equal_nan=True)
    assert set(read["run"]) == {"every"} and set(read["name"]) == {"lr/0.1"}
