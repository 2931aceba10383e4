"""Keras programs of every sort: callbacks given twice, layers that raise, models copied amid fit."""

import copy
import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import pytest
from keras import layers

import trainboard as tb
from trainboard.loggers.warn import TrainboardWarning

X = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
Y = X.sum(axis=1, keepdims=True)
SEAMS = keras.optimizers.Optimizer.apply, keras.layers.Layer.__call__


@pytest.fixture
def run(tmp_path: Path) -> Iterator[tb.Run]:
    with tb.init("tests", store=tmp_path / "store.db") as run:
        yield run


def network() -> Any:
    model: Any = keras.Sequential([keras.Input((3,)), layers.Dense(4, name="a"), layers.Dense(1, name="b")])
    model.compile("sgd", "mse", jit_compile=False)
    return model


def counts(run: tb.Run) -> dict[str, int]:
    assert run.flush(60)
    return {one.tag: one.count for one in tb.open_store(run.store).series(run.id)}


def as_it_was() -> bool:
    return SEAMS == (keras.optimizers.Optimizer.apply, keras.layers.Layer.__call__)


@pytest.mark.parametrize("same", [True, False])
def test_a_callback_given_twice_logs_once_and_says_so(run: tb.Run, same: bool) -> None:
    first, second = (tb.KerasCallback(run, "batch", watch={"every": 1}) for _ in range(2))
    with pytest.warns(TrainboardWarning, match="fit was given") as warned:
        network().fit(X, Y, batch_size=10, verbose=0, callbacks=[first, first if same else second])
    assert len([one for one in warned if one.category is TrainboardWarning]) == 1
    found = counts(run)
    assert (found["train/loss"], found["layers/weights"], found["epoch"]) == (4, 4, 1)
    assert as_it_was()


def test_callbacks_of_two_sorts_each_log_what_is_theirs(run: tb.Run) -> None:
    callbacks = [tb.KerasTensorBoard(histogram_freq=1, run=run), tb.KerasCallback(run, watch={"every": 1})]
    network().fit(X, Y, batch_size=10, verbose=0, callbacks=callbacks)
    found = counts(run)
    assert found["layers/gradients"] == 4 and found["weights/a/kernel"] >= 1
    assert as_it_was()


def test_a_fit_that_raises_leaves_nothing_behind_once_the_next_begins(run: tb.Run) -> None:
    class Moody(layers.Layer):
        fine = False

        def call(self, x: Any) -> Any:
            if not self.fine:
                raise ValueError("not today")
            return x

    moody = Moody()
    model: Any = keras.Sequential([layers.Dense(4), moody, layers.Dense(1)])
    model.compile("sgd", "mse", run_eagerly=True)
    with pytest.raises(ValueError, match="not today"):
        model.fit(X, Y, verbose=0, callbacks=[tb.KerasCallback(run, log_graph=False)])
    moody.fine = True
    model.fit(X, Y, verbose=0, callbacks=[tb.KerasCallback(run, watch={"every": 1}, log_graph=False)])
    assert counts(run)["layers/activations"] == 2
    assert as_it_was()


def test_a_watched_model_can_be_copied_saved_and_loaded_amid_fit(run: tb.Run, tmp_path: Path) -> None:
    class Copying(keras.callbacks.Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            model: Any = self.model
            model.save(tmp_path / "model.keras")
            twins = [copy.deepcopy(model), pickle.loads(pickle.dumps(model)), keras.models.clone_model(model)]
            twins[-1].set_weights(model.get_weights())
            for twin in [*twins, keras.models.load_model(tmp_path / "model.keras")]:
                assert np.allclose(twin(X), model(X))

    network().fit(X, Y, batch_size=20, verbose=0, callbacks=[tb.KerasCallback(run), Copying()])
    assert counts(run)["layers/weights"] == 1


def test_keras_on_pytorch_is_left_as_it_was(tmp_path: Path) -> None:
    program = """
import keras, numpy as np, trainboard as tb
from torch.optim.optimizer import _global_optimizer_pre_hooks
assert keras.backend.backend() == "torch"
seams = keras.optimizers.Optimizer.apply, keras.layers.Layer.__call__
model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
model.compile("sgd", "mse")
x = np.ones((8, 3), "float32")
with tb.init(store="store.db") as run:
    callback = tb.KerasCallback(run, watch={"every": 1})
    model.fit(x, x[:, :1], verbose=0, callbacks=[callback])
    run.watch(model)
    run.unwatch()
assert seams == (keras.optimizers.Optimizer.apply, keras.layers.Layer.__call__)
for module in model.modules():
    assert not module._forward_hooks and not module._forward_pre_hooks
for variable in model.trainable_variables:
    assert not variable.value._backward_hooks and not variable.value._post_accumulate_grad_hooks
assert not _global_optimizer_pre_hooks
"""
    environment = {**os.environ, "KERAS_BACKEND": "torch"}
    words = [sys.executable, "-W", "error::UserWarning", "-c", program]
    done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
