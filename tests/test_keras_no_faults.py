"""Keras trainings that are well: the flight recorder raises no alarm."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import pytest
from keras import layers, ops
from keras_faults import Y, dense, fit, mlp
from logged import faults

import trainboard as tb


@pytest.fixture
def run(tmp_path: Path) -> Iterator[tb.Run]:
    keras.utils.set_random_seed(0)
    with tb.init("tests", store=tmp_path / "store.db") as run:
        yield run


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
