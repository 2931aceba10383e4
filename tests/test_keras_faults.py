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
from keras import layers, ops

import trainboard as tb
from trainboard.loggers.flight_recorder import Fault
from trainboard.storage.kinds.event import Event

PLANTED = 4
SIZE = 6
X = np.random.default_rng(0).normal(size=(6 * SIZE, 4)).astype(np.float32)
Y = X.sum(axis=1, keepdims=True)


@pytest.fixture
def run(tmp_path: Path) -> Iterator[tb.Run]:
    keras.utils.set_random_seed(0)
    with tb.init("tests", store=tmp_path / "store.db") as run:
        yield run


def faults(run: tb.Run) -> list[Event]:
    assert run.flush(timeout=10)
    store = tb.open_store(run.store)
    if not any(series.kind == "event" for series in store.series(run.id)):
        return []
    return [record.value for record in store.records(run.id, "flight_recorder", "event")]


class Planted(layers.Layer):
    """Passes its input on, but in batch ``PLANTED`` what it was given."""

    def __init__(self, fault: Callable[[Any], Any], **options: Any) -> None:
        super().__init__(**options)
        self.fault = fault
        self.batch = self.add_weight(shape=(), dtype="int32", trainable=False, initializer="zeros")

    def call(self, x: Any, training: bool = False) -> Any:
        if training:
            self.batch.assign_add(1)
        return ops.cond(ops.equal(self.batch, PLANTED), lambda: self.fault(x), lambda: x * 1.0)


class Spoils(keras.constraints.Constraint):
    """What an optimizer applies to a variable after its update: in step ``PLANTED`` it makes NaN of it."""

    def __init__(self) -> None:
        self.step = keras.Variable(0, dtype="int32", trainable=False)

    def __call__(self, w: Any) -> Any:
        self.step.assign_add(1)
        return ops.cond(ops.equal(self.step, PLANTED), lambda: w * np.nan, lambda: w * 1.0)


@tf.custom_gradient
def bad_gradient(x: Any) -> Any:
    return tf.identity(x), lambda upstream: upstream * np.nan


def dense(units: int, name: str, **options: Any) -> Any:
    return layers.Dense(units, name=name, **options)


def planted(fault: Callable[[Any], Any]) -> Any:
    return keras.Sequential(
        [
            keras.Input((4,)),
            dense(8, "first", activation="relu"),
            Planted(fault, name="planted"),
            dense(1, "last"),
        ]
    )


def mlp(**options: Any) -> Any:
    return keras.Sequential([keras.Input((4,)), dense(8, "first", **options), dense(1, "last", **options)])


def spoiled() -> Any:
    """TensorFlow fuses the first layer with its ReLU, and what comes out of that is 0, not NaN."""
    first = dense(8, "first", activation="relu", kernel_constraint=Spoils())
    return keras.Sequential([keras.Input((4,)), first, dense(1, "last")])


def attention() -> Any:
    x = keras.Input((4,))
    y = layers.Reshape((2, 4))(layers.Dense(8, name="first")(x))
    scores = Planted(lambda y: y * np.inf, name="scores")(y)
    y = layers.MultiHeadAttention(2, 4, name="attention")(y, scores)
    return keras.Model(x, dense(1, "last")(layers.Flatten()(y)))


def recurrent() -> Any:
    x = keras.Input((4,))
    y = layers.SimpleRNN(
        3, activation="relu", kernel_initializer="ones", recurrent_initializer="ones", name="rnn"
    )(layers.Reshape((4, 1))(x))
    return keras.Model(x, dense(1, "last")(y))


def words() -> Any:
    x = keras.Input((4,))
    rows = layers.Embedding(5, 3, name="table")(ops.cast(x > 0, "int32"))
    return keras.Model(x, dense(1, "last")(Planted(bad_gradient, name="planted")(layers.Flatten()(rows))))


def nested() -> Any:
    inner = keras.Sequential([dense(8, "a"), Planted(lambda x: x * np.nan, name="broken")], name="inner")
    return keras.Sequential([keras.Input((4,)), inner, dense(1, "last")])


def batch_norm() -> Any:
    norm = layers.BatchNormalization(epsilon=0.0, name="norm")
    return keras.Sequential([keras.Input((4,)), norm, dense(1, "last")])


def bad(value: float) -> np.ndarray:
    """The inputs, with a value in the planted batch that should not be there."""
    x = X.copy()
    x[(PLANTED - 1) * SIZE + 2] = value
    return x


def constant_batch() -> np.ndarray:
    x = X.copy()
    x[(PLANTED - 1) * SIZE : PLANTED * SIZE] = 0.0
    return x


def at_planted(spoil: Callable[[Any], Any]) -> Callable[[Any, Any], Any]:
    """A loss that is spoiled where the target says so."""

    def loss(y: Any, predicted: Any) -> Any:
        fine = ops.mean(ops.square(predicted))
        return ops.cond(ops.any(y > 100.0), lambda: spoil(predicted), lambda: fine)

    return loss


def marked() -> np.ndarray:
    y = Y.copy()
    y[(PLANTED - 1) * SIZE] = 1000.0
    return y


class AtStep(keras.callbacks.Callback):
    """Does something to the model before the planted batch."""

    def __init__(self, act: Callable[[Any], Any]) -> None:
        super().__init__()
        self.act = act

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        if batch == PLANTED - 1:
            self.act(self.model)


def fit(
    run: tb.Run,
    model: Any,
    *,
    x: np.ndarray = X,
    y: np.ndarray = Y,
    loss: Any = "mse",
    optimizer: Any = None,
    before: Callable[[Any], Any] = lambda model: None,
    on_nonfinite: Callable[[Fault], Any] | None = None,
    **options: Any,
) -> None:
    options.setdefault("jit_compile", False)
    model.compile(optimizer or keras.optimizers.SGD(0.01), loss, **options)
    watch = {"on_nonfinite": on_nonfinite, "every": 1000}
    callbacks = [AtStep(before), tb.KerasCallback(run, watch=watch, log_graph=False)]
    model.fit(x, y, batch_size=SIZE, shuffle=False, verbose=0, callbacks=callbacks)


def explode(model: Any) -> None:
    model.optimizer.learning_rate.assign(3e38)


CASES: dict[str, tuple[Callable[[], Any], dict[str, Any], str, str]] = {
    "a bad batch": (mlp, {"x": bad(np.nan)}, "first", "forward"),
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
    assert run.flush(timeout=10)
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


def test_steps_that_a_loss_scaler_skips_are_no_alarm(run: tb.Run) -> None:
    optimizer = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.01), initial_scale=1e38)
    model = mlp()
    fit(run, model, y=Y * 1e3, optimizer=optimizer)
    assert int(optimizer.iterations) < 6
    assert faults(run) == []


def masked() -> Any:
    x = keras.Input((4,))
    y = layers.Embedding(5, 3, mask_zero=True)(ops.cast(ops.abs(x) * 2, "int32") % 5)
    return keras.Model(x, dense(1, "last")(layers.LSTM(3)(y)))


def frozen() -> Any:
    model = mlp()
    model.get_layer("first").trainable = False
    return model


def large() -> Any:
    """Finite values whose squares are not."""
    return keras.Sequential(
        [keras.Input((4,)), dense(1, "last", kernel_initializer=keras.initializers.Constant(1e20))]
    )


MASK = np.array([0.0, -np.inf] * 4, np.float32)


def between(*inner: Any) -> Any:
    return keras.Sequential([keras.Input((4,)), dense(8, "first"), *inner, dense(1, "last")])


def attentive() -> Any:
    x = keras.Input((4,))
    y = layers.Reshape((4, 2))(dense(8, "first")(x))
    y = layers.MultiHeadAttention(2, 2)(y, y, use_causal_mask=True)
    return keras.Model(x, dense(1, "last")(layers.Flatten()(layers.Add()([y, y]))))


CLEAN: dict[str, tuple[Callable[[], Any], dict[str, Any]]] = {
    "dense": (mlp, {"jit_compile": True}),
    "mixed precision": (lambda: mlp(dtype="mixed_float16"), {}),
    "bfloat16": (lambda: mlp(dtype="mixed_bfloat16"), {}),
    "masked words": (masked, {}),
    "accumulated gradients": (
        mlp,
        {"optimizer": keras.optimizers.Adam(0.01, gradient_accumulation_steps=2, clipnorm=1.0)},
    ),
    "norms beyond float32": (large, {"loss": lambda y, p: ops.mean(p * 1e-10), "optimizer": "sgd"}),
    "frozen layers": (frozen, {}),
    "eager": (mlp, {"run_eagerly": True}),
    "batch norm": (lambda: between(layers.BatchNormalization(), layers.ReLU()), {}),
    "layer norm": (lambda: between(layers.LayerNormalization()), {}),
    "dropout": (lambda: between(layers.Dropout(0.5)), {"optimizer": "adam"}),
    "causal attention": (attentive, {}),
    "convolution": (
        lambda: between(layers.Reshape((2, 2, 2)), layers.Conv2D(2, 2), layers.Flatten()),
        {"optimizer": "rmsprop"},
    ),
    "a cell inside an RNN": (lambda: between(layers.Reshape((4, 2)), layers.RNN(layers.GRUCell(3))), {}),
    "both directions": (lambda: between(layers.Reshape((4, 2)), layers.Bidirectional(layers.GRU(2))), {}),
    "shared layers": (lambda: between(shared := dense(8, "shared"), layers.ReLU(), shared), {}),
    "softmax of a mask": (lambda: between(layers.Lambda(lambda x: ops.softmax(x + MASK))), {}),
    "double precision": (lambda: mlp(dtype="float64"), {}),
    "regularised": (lambda: mlp(kernel_regularizer="l2"), {"optimizer": keras.optimizers.AdamW(0.01)}),
    "steps of one execution": (mlp, {"steps_per_execution": 3}),
}


@pytest.mark.parametrize("case", CLEAN)
def test_clean_training_raises_no_alarm(run: tb.Run, case: str) -> None:
    make, options = CLEAN[case]
    fit(run, make(), **options)
    assert faults(run) == []


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
"""
    done = subprocess.run(
        [sys.executable, "-W", "error::UserWarning", "-c", program],
        cwd=tmp_path,
        env={**os.environ, "KERAS_BACKEND": "torch"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
