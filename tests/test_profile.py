"""What a profiler saw of some steps arrives as a trace that names the program's operations."""

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

import trainboard as tb
from trainboard.loggers.warn import TrainboardWarning
from trainboard.storage import Store


@pytest.fixture
def run(tmp_path: Path) -> Iterator[tb.Run]:
    with tb.init("tests", store=tmp_path / "store.db") as run:
        yield run


def traces(run: tb.Run) -> list[Any]:
    assert run.flush(60)
    store = tb.open_store(run.store)
    if not list(store.series(run.id, "trace")):
        return []
    return [record.value for record in store.records(run.id, "profile/torch", "trace")]


def operations(trace: Any) -> list[str]:
    return [event["name"] for event in json.loads(gzip.decompress(trace.gzipped))["traceEvents"]]


def test_a_block_is_profiled(run: tb.Run) -> None:
    with run.profile():
        torch.mm(torch.ones(4, 4), torch.ones(4, 4))
    (trace,) = traces(run)
    assert "aten::mm" in operations(trace)


def test_the_steps_that_were_asked_for_are_profiled_across_epochs(run: tb.Run) -> None:
    run.profile(steps=(2, 3))
    counted = []
    for _ in range(2):
        for x in run.steps([torch.ones(4, 4), torch.ones(4, 4)]):
            counted.append(x.relu())
    (trace,) = traces(run)
    assert trace.name == "steps 2 to 3"
    assert operations(trace).count("aten::relu") == 2


def test_a_profile_that_training_ends_amid_is_logged(tmp_path: Path) -> None:
    with tb.init("tests", store=tmp_path / "store.db") as run:
        run.profile(steps=(1, 100))
        for x in run.steps([torch.ones(4, 4)]):
            x.relu()
    store = tb.open_store(run.store)
    (record,) = store.records(run.id, "profile/torch", "trace")
    assert "aten::relu" in operations(record.value)


@pytest.mark.parametrize("steps", [(0, 2), (3, 2), 5])
def test_steps_that_are_none_are_refused(run: tb.Run, steps: Any) -> None:
    with pytest.raises(ValueError, match="steps must be the first and the last"):
        run.profile(steps=steps)


def test_a_profiler_that_is_on_already_is_one_warning(run: tb.Run) -> None:
    with run.profile(), pytest.warns(TrainboardWarning, match="profil"), run.profile():
        torch.ones(4).relu()


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """The store of a program that profiles batches of Keras, then both frameworks at once."""
    folder = tmp_path_factory.mktemp("program")
    source = """
import keras, numpy as np, trainboard as tb
model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
model.compile("sgd", "mse", jit_compile=False)
with tb.init(name="keras", store="store.db") as run:
    callback = tb.KerasTensorBoard(run=run, profile_batch="2,3")
    model.fit(np.ones((8, 3)), np.ones((8, 2)), batch_size=2, verbose=0, callbacks=[callback])

import tensorflow as tf, torch
with tb.init(name="both", store="store.db") as run, run.profile():
    torch.mm(torch.ones(4, 4), torch.ones(4, 4))
    tf.linalg.matmul(tf.ones((4, 4)), tf.ones((4, 4)))
"""
    environment = {**os.environ, "KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(
        [sys.executable, "-W", "error::UserWarning", "-c", source],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return tb.open_store(folder / "store.db")


def trace_of(store: Store, name: str, tag: str) -> Any:
    (run,) = [run for run in store.runs() if run.name == name]
    (record,) = store.records(run.id, tag, "trace")
    return record.value


def test_keras_batches_are_profiled_by_tensorflow(program: Store) -> None:
    trace = trace_of(program, "keras", "profile/tensorflow")
    assert trace.name == "steps 2 to 3"
    assert any("MatMul" in name for name in operations(trace))


def test_a_program_of_both_frameworks_is_seen_by_the_profilers_of_both(program: Store) -> None:
    assert "aten::mm" in operations(trace_of(program, "both", "profile/torch"))
    names = operations(trace_of(program, "both", "profile/tensorflow"))
    assert any("MatMul" in name for name in names)


def test_an_alert_is_an_event(run: tb.Run) -> None:
    run.log({"loss": 1.0}, step=7)
    run.alert("Loss is high", "It was 1.0.", level="warning")
    assert run.flush(60)
    (record,) = tb.open_store(run.store).records(run.id, "alerts", "event")
    assert (record.step, record.value.title, record.value.level) == (7, "Loss is high", "warning")


def test_an_alert_of_no_known_level_is_one_warning(run: tb.Run) -> None:
    with pytest.warns(TrainboardWarning, match="level must be one of"):
        run.alert("Loss is high", level="fatal")  # type: ignore[arg-type]
