"""What a program says through tf.summary reaches the run: every point, at its step, from any kind of code."""

import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import pytest
import tensorflow as tf
from dashboard_fixtures import eventually
from tensorboard.plugins.hparams import api as hparams
from tensorboard.plugins.mesh import summary_v2 as mesh_summary

import trainboard as tb
from trainboard.loggers.warn import TrainboardWarning
from trainboard.storage.kinds.histogram_buckets import from_intervals


@pytest.fixture
def run(tmp_path: Path) -> Iterator[tb.Run]:
    with tb.init("tests", store=str(tmp_path / "store.db")) as run:
        yield run


def points(run: tb.Run, tag: str) -> dict[int, float]:
    assert run.flush(60)
    found = tb.open_store(run.store).points(run.id, tag)
    return dict(zip(found.step.tolist(), found.value.tolist(), strict=True))


def records(run: tb.Run, tag: str, kind: str) -> list[Any]:
    assert run.flush(60)
    return tb.open_store(run.store).records(run.id, tag, kind)


def test_scalars_of_eager_code_and_of_functions_keep_their_steps_and_values(run: tb.Run) -> None:
    @tf.function
    def train(step: tf.Tensor) -> None:
        for index in tf.range(3):
            tf.summary.scalar(
                "in_graph", tf.cast(step, tf.float32) / 2, step=step * 3 + tf.cast(index, tf.int64)
            )

    with tb.tf_summary(run):
        for step in range(400):
            tf.summary.scalar("eager", np.float32(step) * 0.5, step=step)
            train(tf.constant(step, tf.int64))
    assert points(run, "eager") == {step: step / 2 for step in range(400)}
    assert points(run, "while/in_graph") == {step: step // 3 / 2 for step in range(1200)}


def test_non_finite_scalars_and_repeated_steps_are_kept(run: tb.Run) -> None:
    with tb.tf_summary(run):
        for value in (1.0, float("nan"), float("inf")):
            tf.summary.scalar("loss", value, step=7)
    assert run.flush(60)
    found = tb.open_store(run.store).points(run.id, "loss")
    assert found.step.tolist() == [7, 7, 7]
    assert np.array_equal(found.value, [1.0, np.nan, np.inf], equal_nan=True)


def test_what_is_written_can_be_seen_while_the_program_goes_on(run: tb.Run) -> None:
    with tb.tf_summary(run):
        tf.summary.scalar("loss", 1.0, step=3)
        eventually(lambda: tb.open_store(run.store).series(run.id, "scalar"))
        assert points(run, "loss") == {3: 1.0}


def test_summaries_under_a_strategy_are_logged(run: tb.Run) -> None:
    strategy = tf.distribute.MirroredStrategy(["CPU:0"])

    @tf.function
    def step() -> None:
        tf.summary.scalar("replica", 2.0, step=5)

    with tb.tf_summary(run), strategy.scope():
        strategy.run(step)
    assert points(run, "replica") == {5: 2.0}


def test_images_texts_histograms_and_hyper_parameters_become_our_kinds(run: tb.Run) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (2, 4, 5, 3), np.uint8)
    with tb.tf_summary(run):
        tf.summary.image("pictures", pixels, step=1)
        tf.summary.text("notes", "# title", step=2)
        tf.summary.text("table", [["a", "b"], ["c", "d"]], step=2)
        tf.summary.histogram("weights", np.linspace(-1, 1, 1000), step=3)
        hparams.hparams({"lr": 0.5, "name": "adam"})
    (first,) = records(run, "pictures", "image")
    assert (first.step, first.value.width, first.value.height) == (1, 5, 4)
    assert len(records(run, "pictures/1", "image")) == 1
    (note,) = records(run, "notes", "text")
    assert (note.value.text, note.value.format) == ("# title", "markdown")
    assert "| c | d |" in records(run, "table", "text")[0].value.text
    (weights,) = records(run, "weights", "histogram")
    assert (weights.step, weights.value.count, weights.value.minimum, weights.value.maximum) == (
        3,
        1000,
        -1,
        1,
    )
    assert (run.config["lr"], run.config["name"]) == (0.5, "adam")


def test_graphs_and_traces_are_drawn(run: tb.Run) -> None:
    @tf.function
    def double(x: tf.Tensor) -> tf.Tensor:
        # TensorFlow tells of all that ran in this process, other tests' too; the largest graph is drawn.
        for _ in range(100):
            x = tf.multiply(x, 1.0)
        return tf.multiply(x, 2.0, name="double")

    with tb.tf_summary(run):
        tf.summary.trace_on(graph=True)
        double(tf.constant(1.0))
        tf.summary.trace_export("trace", step=4)
        tf.summary.graph(cast(Any, double).get_concrete_function(tf.TensorSpec([])).graph)
    graphs = records(run, "graph", "graph")
    assert {one.step for one in graphs} == {0, 4}
    for one in graphs:
        assert "double" in {node.name for node in one.value.nodes}


def test_a_summary_that_cannot_be_logged_is_told_once_and_stops_nothing(run: tb.Run) -> None:
    metadata = tf.compat.v1.SummaryMetadata(
        plugin_data=tf.compat.v1.SummaryMetadata.PluginData(plugin_name="unheard_of")
    )
    with pytest.warns(TrainboardWarning, match="unheard_of") as told, tb.tf_summary(run):
        for step in range(3):
            tf.summary.write("odd", tf.constant([1.0]), step=step, metadata=metadata)
        tf.summary.scalar("loss", 1.0, step=0)
    assert len(told) == 1
    assert points(run, "loss") == {0: 1.0}


def test_a_mesh_is_logged_once_it_is_whole(run: tb.Run) -> None:
    with warnings.catch_warnings(record=True) as told, tb.tf_summary(run):
        warnings.simplefilter("always", TrainboardWarning)
        vertices, faces = tf.random.uniform((1, 4, 3)), tf.constant([[[0, 1, 2]]])
        mesh_summary.mesh("solid", vertices, faces=faces, step=3)
    assert not [one for one in told if issubclass(one.category, TrainboardWarning)]
    (record,) = records(run, "solid", "mesh")
    assert record.step == 3
    assert record.value.faces.tolist() == [[0, 1, 2]]


def test_intervals_become_buckets_of_the_same_total_and_about_the_same_quantiles() -> None:
    values = np.random.default_rng(0).normal(size=10_000)
    counts, edges = np.histogram(values, 30)
    histogram = from_intervals(edges[:-1], edges[1:], counts)
    assert histogram.count == 10_000
    assert (histogram.minimum, histogram.maximum) == (values.min(), values.max())
    for q in (0.1, 0.25, 0.75, 0.9):
        assert histogram.quantile(q) == pytest.approx(np.quantile(values, q), abs=0.15)
    assert from_intervals(np.zeros(3), np.zeros(3), np.array([0, 5, 0])).zeros == 5
    assert from_intervals(np.zeros(0), np.zeros(0), np.zeros(0)).count == 0
