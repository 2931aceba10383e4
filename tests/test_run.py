"""What is logged to a run is what the store then has."""

from __future__ import annotations

import math
import os
import pickle
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dashboard_fixtures import eventually

import trainboard as tb
from trainboard.loggers.run import Run
from trainboard.storage.store import Store


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


@pytest.fixture
def run(path: Path) -> Iterator[Run]:
    run = tb.init("p", "r", store=path)
    yield run
    run.finish()


def stored(run: Run) -> Store:
    run.finish()
    return tb.open_store(run.store)


def test_a_dict_of_numbers_becomes_points(run: Run) -> None:
    for step in range(100):
        run.log({"loss": 1 / (step + 1), "accuracy": np.float32(step)})
    points = stored(run).points(run.id, "loss")
    assert points.step.tolist() == list(range(100))
    assert points.value.tolist() == [1 / (step + 1) for step in range(100)]
    assert abs(points.wall_time[-1] - time.time()) < 60


def test_an_explicit_step_moves_the_count(run: Run) -> None:
    for step in (None, 10, None, 3, None, -7, None):
        run.log({"a": 1.0}, step)
    assert stored(run).points_since(run.id, "a", 0).step.tolist() == [0, 10, 11, 3, 4, -7, -6]


def test_without_commit_the_next_call_has_the_same_step(run: Run) -> None:
    run.log({"a": 1.0}, commit=False)
    run.log({"b": 1.0})
    run.log({"a": 2.0})
    store = stored(run)
    assert store.points(run.id, "a").step.tolist() == [0, 1]
    assert store.points(run.id, "b").step.tolist() == [0]


def test_a_given_wall_time_is_kept(run: Run) -> None:
    run.log({"a": 1.0}, wall_time=123.5)
    assert stored(run).points(run.id, "a").wall_time.tolist() == [123.5]


def test_nested_dicts_are_joined_with_dots(run: Run) -> None:
    run.log({"train": {"loss": 1.0, "by": {"class": 2.0}}, "lr": 0.1})
    assert {series.tag for series in stored(run).series(run.id)} == {"train.loss", "train.by.class", "lr"}


def test_more_numbers_than_fit_one_batch_are_all_kept(run: Run) -> None:
    run.log({f"m{number}": number for number in range(1_000)})
    series = stored(run).series(run.id)
    assert len(series) == 1_000 and sum(one.last or 0 for one in series) == sum(range(1_000))


def test_nan_and_infinities_are_stored(run: Run) -> None:
    for value in (math.nan, math.inf, -math.inf, 1.0):
        run.log({"a": value})
    values = stored(run).points(run.id, "a").value
    assert math.isnan(values[0]) and values[1:].tolist() == [math.inf, -math.inf, 1.0]


def test_records_of_every_kind_come_back(run: Run) -> None:
    picture = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    run.log({"text": tb.Text("hello"), "image": tb.Image(picture, "a caption")})
    run.log({"values": tb.Histogram(np.linspace(-1, 1, 1_000)), "loss": 1.0}, step=5)
    store = stored(run)
    assert store.records(run.id, "text", "text")[0].value.text == "hello"
    image = store.records(run.id, "image", "image")[0].value
    assert (image.width, image.height, image.caption) == (4, 4, "a caption")
    (record,) = store.records(run.id, "values", "histogram")
    assert record.step == 5 and record.value.count == 1_000


def test_config_and_summary_changes_are_stored(path: Path) -> None:
    run = tb.init(config={"lr": 0.1, "layers": (1, 2)}, store=path)
    run.config.lr = 0.2
    run.config["epochs"] = 3
    run.config.update(seed=np.int64(7))
    run.summary.best = 0.9
    assert run.config.layers == [1, 2]
    record = stored(run).run(run.id)
    assert record.config == {"lr": 0.2, "layers": [1, 2], "epochs": 3, "seed": 7}
    assert record.summary["best"] == 0.9


def test_a_missing_config_key_is_named_with_the_ones_there_are(run: Run) -> None:
    run.config.lr = 0.1
    with pytest.raises(AttributeError, match="'epoch'.*'lr'"):
        _ = run.config.epoch


def test_flush_puts_everything_in_the_store(run: Run) -> None:
    for _ in range(5_000):
        run.log({"a": 1.0})
    assert run.flush(60)
    assert tb.open_store(run.store).points(run.id, "a").total == 5_000


def test_points_reach_the_store_while_the_program_runs(run: Run) -> None:
    run.flush(60)
    run.log({"a": 1.0})
    store = tb.open_store(run.store)
    eventually(lambda: any(series.tag == "a" for series in store.series(run.id)))


def test_threads_can_log_to_one_run(run: Run) -> None:
    def log(tag: str) -> None:
        for step in range(3_000):
            run.log({tag: float(step)}, step)

    threads = [threading.Thread(target=log, args=(f"thread/{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    store = stored(run)
    for number in range(4):
        assert store.points(run.id, f"thread/{number}").value.tolist() == list(range(3_000))


def test_what_the_run_was_called_and_where_it_ran_is_stored(path: Path) -> None:
    run = tb.init("vision", "first", group="g", tags=["a", "b"], notes="why", store=path)
    record = stored(run).run(run.id)
    assert (record.project, record.name, record.group) == ("vision", "first", "g")
    assert (list(record.tags), record.notes, record.status) == (["a", "b"], "why", "finished")
    assert {"argv", "host", "python", "platform", "packages", "git"} <= record.environment.keys()
    assert record.environment["packages"]["numpy"] == np.__version__


@pytest.mark.parametrize(("code", "status"), [(0, "finished"), (3, "crashed")])
def test_the_exit_code_decides_how_a_run_ended(run: Run, code: int, status: str) -> None:
    run.finish(code)
    record = stored(run).run(run.id)
    assert (record.status, record.exit_code) == (status, code)


def test_an_exception_in_the_with_block_is_a_crash_with_its_text(path: Path) -> None:
    with pytest.raises(ZeroDivisionError), tb.init(store=path) as run:
        _ = 1 / 0
    record = tb.open_store(path).run(run.id)
    assert record.status == "crashed" and "ZeroDivisionError" in (record.error or "")


def test_a_finished_spool_is_gone(run: Run, path: Path) -> None:
    run.log({"a": 1.0})
    run.finish()
    assert list(path.with_name("store.db.spool").iterdir()) == []


def test_a_disabled_run_leaves_no_trace(tmp_path: Path) -> None:
    run = tb.init(mode="disabled", store=tmp_path / "s.db")
    run.log({"a": 1.0})
    run.config.lr = 0.1
    run.summary["best"] = 1
    run.watch(object())
    run.log_graph(object())
    assert run.flush() and run.config.lr == 0.1
    run.finish()
    assert list(tmp_path.iterdir()) == []


def test_an_offline_run_stays_in_its_spool(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = tb.init(mode="offline", store=path)
    run.log({"a": 1.0})
    run.finish()
    (spool,) = path.with_name("store.db.spool").iterdir()
    assert str(spool) in capsys.readouterr().err
    assert not path.exists()


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_warns_once_and_logs_nothing(run: Run) -> None:
    run.log({"a": 1.0})
    child = os.fork()
    if child == 0:
        with pytest.warns(UserWarning, match="forked") as caught:
            run.log({"a": 2.0})
            run.log({"a": 3.0})
        run.finish()
        os._exit(len(caught))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1
    run.log({"a": 4.0})
    assert stored(run).points(run.id, "a").value.tolist() == [1.0, 4.0]


def test_a_pickled_run_is_a_run_that_logs_nothing(run: Run) -> None:
    copy: Any = pickle.loads(pickle.dumps(run))
    with pytest.warns(UserWarning, match="copy"):
        copy.log({"a": 1.0})
    assert (copy.id, copy.name) == (run.id, run.name)
