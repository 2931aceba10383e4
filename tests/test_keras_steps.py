"""The Keras callback tells waiting for data from computing, and changes nothing about training."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from slowness import Slowness

import trainboard as tb

X = np.random.default_rng(0).normal(size=(48, 3)).astype(np.float32)


@pytest.fixture
def run(tmp_path: Path) -> Iterator[tb.Run]:
    with tb.init("tests", store=tmp_path / "store.db") as run:
        yield run


def network(**options: Any) -> Any:
    model: Any = keras.Sequential([keras.Input((3,)), layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.1), "mse", **options)
    return model


def points(run: tb.Run, tag: str) -> dict[int, float]:
    assert run.flush(60)
    found = tb.open_store(run.store).points(run.id, tag)
    return dict(zip(found.step.tolist(), found.value.tolist(), strict=True))


@pytest.mark.parametrize("options", [{"jit_compile": True}, {"jit_compile": False}], ids=str)
def test_a_slow_loader_shows_as_waiting_for_data(run: tb.Run, options: dict[str, Any]) -> None:
    def batches() -> Iterator[Any]:
        pause = Slowness(1)
        for start in range(0, 48, 4):
            pause()
            yield X[start : start + 4], X[start : start + 4, :1]

    signature = (tf.TensorSpec((4, 3)), tf.TensorSpec((4, 1)))
    dataset = tf.data.Dataset.from_generator(batches, output_signature=signature)
    network(**options).fit(dataset, verbose=0, callbacks=[tb.KerasCallback(run, log_graph=False)])
    ((step, total),) = points(run, "steps/total").items()
    assert step == 12
    assert points(run, "steps/data")[12] > 0.01
    assert 0 < points(run, "steps/compute")[12] < total
    assert points(run, "steps/samples_per_second")[12] == pytest.approx(4 / total, rel=0.01)
    assert run.summary["bottleneck"] == "input-bound"


def test_several_steps_in_one_execution_are_timed_as_a_whole(run: tb.Run) -> None:
    model = network(steps_per_execution=2, jit_compile=False)
    model.fit(X, X[:, :1], batch_size=2, verbose=0, callbacks=[tb.KerasCallback(run)])
    assert run.flush(60)
    tags = {series.tag for series in tb.open_store(run.store).series(run.id, "scalar")}
    assert "steps/total" in tags
    assert tags.isdisjoint({"steps/data", "steps/compute"})


def test_timed_training_is_the_same_and_leaves_the_model_as_it_was(run: tb.Run) -> None:
    timed, alone = network(jit_compile=False), network(jit_compile=False)
    alone.set_weights(timed.get_weights())
    callback = tb.KerasCallback(run, watch=False)
    for model, callbacks in ((timed, [callback]), (alone, [])):
        model.fit(X, X[:, :1], batch_size=5, shuffle=False, epochs=2, verbose=0, callbacks=callbacks)
    for ours, theirs in zip(timed.get_weights(), alone.get_weights(), strict=True):
        assert np.array_equal(ours, theirs)
    assert timed.train_function.__qualname__ == alone.train_function.__qualname__
