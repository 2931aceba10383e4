"""Keras's flight recorder: planted faults are found where they begin, and clean training raises no alarm."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops
from keras_faults import (
    PLANTED,
    SIZE,
    X,
    Y,
    at_planted,
    attention,
    bad,
    bad_gradient,
    batch_norm,
    constant_batch,
    dense,
    explode,
    fit,
    marked,
    mlp,
    nested,
    planted,
    recurrent,
    spoiled,
    words,
)
from logged import faults

import trainboard as tb
from trainboard.loggers.flight_recorder import Fault


@pytest.fixture
def run(tmp_path: Path) -> Iterator[tb.Run]:
    keras.utils.set_random_seed(0)
    with tb.init("tests", store=tmp_path / "store.db") as run:
        yield run


CASES: dict[str, tuple[Callable[[], Any], dict[str, Any], str, str]] = {
    "a bad batch": (mlp, {"x": bad(np.nan)}, "first", "forward"),
    "a bad batch before a product that is fused with its ReLU": (
        lambda: keras.Sequential([keras.Input((4,)), dense(8, "first", activation="relu"), dense(1, "last")]),
        {"x": bad(np.nan)},
        "first",
        "forward",
    ),
    "an infinite input, compiled": (mlp, {"x": bad(np.inf), "jit_compile": True}, "first", "forward"),
    "a bad batch, eagerly": (mlp, {"x": bad(np.nan), "run_eagerly": True}, "first", "forward"),
    "BatchNorm of a batch without variance": (batch_norm, {"x": constant_batch()}, "norm", "forward"),
    "attention to infinity": (attention, {}, "scores", "forward"),
    "the logarithm of zero": (lambda: planted(lambda x: ops.log(x * 0.0) * 0.0), {}, "planted", "forward"),
    "0/0": (lambda: planted(lambda x: x * 0.0 / (x * 0.0)), {}, "planted", "forward"),
    "fp16 overflow": (lambda: mlp(dtype="float16"), {"x": bad(6e4) * 1.0}, "first", "forward"),
    "an RNN that overflows": (recurrent, {"x": bad(3e38)}, "rnn", "forward"),
    "a layer deep inside": (nested, {}, "inner/broken", "forward"),
    "a division in a loss": (
        mlp,
        {"y": marked(), "loss": at_planted(lambda p: ops.mean(p) / ops.sum(p * 0.0))},
        "loss",
        "loss",
    ),
    "a logarithm in a loss": (
        mlp,
        {"y": marked(), "loss": at_planted(lambda p: ops.mean(ops.log(p * 0.0)))},
        "loss",
        "loss",
    ),
    "a gradient of one's own": (lambda: planted(bad_gradient), {}, "planted", "backward"),
    "a gradient of one's own, compiled": (
        lambda: planted(bad_gradient),
        {"jit_compile": True},
        "planted",
        "backward",
    ),
    "a square root at zero": (lambda: planted(lambda x: ops.sqrt(x * 0.0) + x), {}, "planted", "backward"),
    "below it an embedding": (words, {}, "planted", "backward"),
    "an exploding learning rate": (mlp, {"before": explode, "y": Y * 100}, "first", "update"),
    "weight decay that blows up": (
        mlp,
        {"before": explode, "optimizer": lambda: keras.optimizers.SGD(0.01, weight_decay=10.0)},
        "first",
        "update",
    ),
    "a spoiled layer that goes on as a dead one": (spoiled, {}, "first", "update"),
    "a layer that is spoiled in the last step": (
        spoiled,
        {"x": X[: PLANTED * SIZE], "y": Y[: PLANTED * SIZE]},
        "first",
        "update",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_planted_fault_is_found_in_its_layer_and_step(run: tb.Run, case: str) -> None:
    make, options, layer, phase = CASES[case]
    found: list[Fault] = []
    if "optimizer" in options:
        options = {**options, "optimizer": options["optimizer"]()}
    fit(run, make(), on_nonfinite=found.append, **options)
    (fault,) = found
    assert (fault.layer, fault.phase) == (layer, phase)
    assert (fault.step, fault.batch, fault.last_good_step) == (PLANTED, PLANTED, PLANTED - 1)
    (event,) = faults(run)
    assert event.level == "error" and event.text == str(fault)
    assert [step["step"] for step in event.data["ring"]] == [1, 2, 3, 4]


def test_a_fault_long_after_the_first_steps_is_found_too(run: tb.Run) -> None:
    model, found = planted(lambda x: x * np.nan), []
    model.compile(keras.optimizers.SGD(0.01), "mse", jit_compile=False)
    model.get_layer("planted").batch.assign(PLANTED - 12)
    callback = tb.KerasCallback(run, watch={"on_nonfinite": found.append}, log_graph=False)
    model.fit(X, Y, batch_size=SIZE, epochs=2, verbose=0, callbacks=[callback])
    assert [(one.layer, one.phase, one.step, one.batch, one.last_good_step) for one in found] == [
        ("planted", "forward", 12, 12, 11)
    ]


def test_a_fault_amid_steps_of_one_execution_has_its_own_step(run: tb.Run) -> None:
    found: list[Fault] = []
    fit(run, planted(bad_gradient), on_nonfinite=found.append, steps_per_execution=6)
    (fault,) = found
    assert (fault.layer, fault.step, fault.last_good_step) == ("planted", PLANTED, PLANTED - 1)


def test_a_callback_can_stop_fit(run: tb.Run) -> None:
    def stop(fault: Fault) -> None:
        raise tb.StopTraining(str(fault))

    model = mlp()
    fit(run, model, x=bad(np.nan), on_nonfinite=stop)
    assert int(model.optimizer.iterations) == PLANTED


def test_a_loop_of_ones_own_is_stopped_by_the_exception(run: tb.Run) -> None:
    def stop(fault: Fault) -> None:
        raise tb.StopTraining(str(fault))

    model, optimizer = mlp(), keras.optimizers.SGD(0.01)
    run.watch(model, on_nonfinite=stop)

    def train() -> None:
        for start in range(0, len(X), SIZE):
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean(model(bad(np.nan)[start : start + SIZE]) ** 2)
            variables = model.trainable_variables
            optimizer.apply(tape.gradient(loss, variables), variables)

    with pytest.raises(tb.StopTraining, match="step 4, batch 4: the output of first"):
        train()


@pytest.mark.parametrize("traced", [False, True])
@pytest.mark.parametrize(
    ("make", "layer", "phase"),
    [
        (lambda: [planted(lambda x: x * np.nan), mlp()], "0/planted", "forward"),
        (lambda: [planted(lambda x: x), spoiled()], "1/first", "update"),
    ],
)
def test_of_several_models_the_one_that_spoils_the_others_is_named(
    run: tb.Run, make: Callable[[], list[Any]], layer: str, phase: str, traced: bool
) -> None:
    models = make()
    optimizers = [keras.optimizers.SGD(0.01), keras.optimizers.Adam(0.01)]
    found: list[Fault] = []
    run.watch(models, on_nonfinite=found.append)

    def train(x: Any) -> None:
        weights = [model.trainable_variables for model in models]
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(models[1](tf.tile(models[0](x, training=True), (1, 4))) ** 2)
        for optimizer, given, moved in zip(optimizers, tape.gradient(loss, weights), weights, strict=True):
            optimizer.apply(given, moved)

    step = tf.function(train) if traced else train
    for start in range(0, len(X), SIZE):
        step(X[start : start + SIZE])
        run.log({"loss": 0.0})
    assert [(fault.layer, fault.phase, fault.step) for fault in found] == [(layer, phase, PLANTED)]
    assert run.flush(60)
    tags = {series.tag for series in tb.open_store(run.store).series(run.id) if series.kind == "histogram"}
    assert {"weights/0/first/kernel", "weights/1/last/kernel"} <= tags


def test_in_an_eager_loop_a_fault_is_known_before_the_update(run: tb.Run) -> None:
    def stop(fault: Fault) -> None:
        raise tb.StopTraining(str(fault))

    model, optimizer = planted(bad_gradient), keras.optimizers.SGD(0.01)
    run.watch(model, on_nonfinite=stop)
    with pytest.raises(tb.StopTraining, match="step 4, batch 4: the gradient that planted makes"):
        for start in range(0, len(X), SIZE):
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean(model(X[start : start + SIZE], training=True) ** 2)
            variables = model.trainable_variables
            optimizer.apply(tape.gradient(loss, variables), variables)
    assert all(np.isfinite(weights).all() for weights in model.get_weights())


class Unrolled(keras.Model):
    """Calls a layer as often as its input is long."""

    def __init__(self) -> None:
        super().__init__()
        self.cell, self.out = dense(4, "cell"), dense(1, "out")

    def call(self, x: Any) -> Any:
        h = x[:, 0]
        for at in range(1, x.shape[1]):
            h = self.cell(h + x[:, at])
        return self.out(h)


def test_a_step_that_is_traced_anew_with_other_layers_is_followed(run: tb.Run) -> None:
    model, optimizer = Unrolled(), keras.optimizers.SGD(0.01)
    found: list[Fault] = []
    run.watch(model, on_nonfinite=found.append)

    @tf.function
    def train(x: Any) -> None:
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(model(x) ** 2)
        variables = model.trainable_variables
        optimizer.apply(tape.gradient(loss, variables), variables)

    for step, length in enumerate((3, 4, 3, 5), 1):
        x = np.ones((2, length, 4), np.float32)
        x[0, 1] = np.nan if step == 4 else 1.0
        train(tf.constant(x))
        run.log({"loss": 0.0})
    assert [(one.layer, one.phase, one.step, one.last_good_step) for one in found] == [
        ("cell", "forward", 4, 3)
    ]


def test_keras_on_pytorch_has_a_flight_recorder_too(tmp_path: Path) -> None:
    program = """
import keras, numpy as np, trainboard as tb
assert keras.backend.backend() == "torch"
class Bad(keras.layers.Layer):
    def call(self, x):
        return keras.ops.sqrt(x * 0.0) + x
model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4, name="a"), Bad(name="bad"),
                          keras.layers.Dense(1, name="out")])
model.compile("sgd", "mse")
x = np.ones((8, 3), "float32")
found = []
def stop(fault):
    found.append((fault.layer, fault.phase, fault.step, fault.batch))
    raise tb.StopTraining
with tb.init(store="store.db") as run:
    callback = tb.KerasCallback(run, watch={"on_nonfinite": stop})
    model.fit(x, x[:, :1], batch_size=2, verbose=0, callbacks=[callback])
assert found == [("bad", "backward", 1, 1)], found
assert int(model.optimizer.iterations) == 1
good = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
good.compile("sgd", "mse")
with tb.init(store="store.db") as run:
    run.watch(good, on_nonfinite=found.append)  # Keras first asks the model for the shape of its output
    good.fit(x, x[:, :1], verbose=0, callbacks=[tb.KerasCallback(run)])
assert len(found) == 1, found
"""
    done = subprocess.run(
        [sys.executable, "-W", "error::UserWarning", "-c", program],
        cwd=tmp_path,
        env={**os.environ, "KERAS_BACKEND": "torch"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
