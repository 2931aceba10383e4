"""Keras models to plant faults in, and a training of them."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

import trainboard as tb
from trainboard.loggers.flight_recorder import Fault

PLANTED = 4
SIZE = 6
X = np.random.default_rng(0).normal(size=(6 * SIZE, 4)).astype(np.float32)
Y = X.sum(axis=1, keepdims=True)


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
