"""Programs for TensorFlow 1 log through a hook, or hand in the summaries that their sessions make."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import pytest
import tensorflow as tf

import trainboard as tb
from trainboard.loggers.warn import TrainboardWarning

tf1 = tf.compat.v1


@pytest.fixture
def run(tmp_path: Path) -> Iterator[tb.Run]:
    with tb.init("tests", store=str(tmp_path / "store.db")) as run:
        yield run


def points(run: tb.Run, tag: str) -> dict[int, float]:
    assert run.flush(60)
    found = tb.open_store(run.store).points(run.id, tag)
    return dict(zip(found.step.tolist(), found.value.tolist(), strict=True))


def train(hook: Any, steps: int) -> None:
    """A monitored session over a loss that halves with every step."""
    with tf.Graph().as_default():
        step = tf1.train.get_or_create_global_step()
        value = tf1.get_variable("value", [], initializer=tf1.ones_initializer(), use_resource=True)
        with tf1.control_dependencies([tf1.assign_add(step, 1)]):
            loss = tf.identity(value.assign(value / 2), name="loss")
        tf1.summary.scalar("summed", loss)
        tf1.summary.histogram("weights", tf.linspace(0.0, 1.0, 50))
        with tf1.train.MonitoredTrainingSession(hooks=[hook] if hook else []) as session:
            for _ in range(steps):
                session.run(loss)


def test_tensors_and_summaries_are_logged_at_the_global_step(run: tb.Run) -> None:
    train(tb.TensorFlowHook({"loss": "loss:0"}, run), 4)
    logged = points(run, "loss")
    assert list(logged.values()) == [0.5, 0.25, 0.125, 0.0625]
    assert points(run, "summed") == logged
    store = tb.open_store(run.store)
    assert len(store.records(run.id, "weights", "histogram")) == 4
    (graph,) = store.records(run.id, "graph", "graph")
    assert "loss" in {node.id for node in graph.value.nodes}


def test_every_says_how_many_runs_are_logged(run: tb.Run) -> None:
    train(tb.TensorFlowHook({"loss": "loss:0"}, run, every=3, log_graph=False), 7)
    assert len(points(run, "loss")) == 3


def test_a_tensor_that_does_not_exist_is_told_and_stops_nothing(run: tb.Run) -> None:
    with pytest.warns(TrainboardWarning, match="nowhere"):
        train(tb.TensorFlowHook({"loss": "nowhere:0"}, run), 2)


def test_a_session_with_placeholders_hands_in_its_merged_summaries(run: tb.Run) -> None:
    with tf.Graph().as_default(), tf1.Session() as session:
        x = tf1.placeholder(tf.float32, [], name="x")
        tf1.summary.scalar("fed", x)
        tf1.summary.image("picture", tf.zeros([1, 4, 4, 3]))
        merged = tf1.summary.merge_all()
        for step in range(3):
            run.log_summary(session.run(merged, {x: step * 1.5}), step)
    assert points(run, "fed") == {0: 0.0, 1: 1.5, 2: 3.0}
    assert len(tb.open_store(run.store).records(run.id, "picture/image/0", "image")) == 3


def test_summaries_of_the_old_kind_and_bytes_that_are_none_are_taken_and_refused(run: tb.Run) -> None:
    summary = tf1.Summary(value=[tf1.Summary.Value(tag="loss", simple_value=2.5)])
    run.log_summary(summary, np.int64(3))  # pyright: ignore[reportArgumentType]
    with pytest.warns(TrainboardWarning, match="summary is not logged"):
        run.log_summary(b"\xff\xff", 4)
    assert points(run, "loss") == {3: 2.5}
