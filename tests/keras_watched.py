"""A small Keras model that is watched, and what is logged of it."""

import os
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from keras import layers

import trainboard as tb
from trainboard.storage.kinds.histogram import Histogram

X = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
Y = X.sum(axis=1, keepdims=True)


def tags(run: tb.Run) -> set[str]:
    assert run.flush(60)
    return {series.tag for series in tb.open_store(run.store).series(run.id, "histogram")}


def records(run: tb.Run, tag: str) -> dict[int, Histogram]:
    assert run.flush(60)
    return {r.step: r.value for r in tb.open_store(run.store).records(run.id, tag, "histogram")}


def network(**options: Any) -> Any:
    hidden = layers.Dense(4, activation="tanh", name="hidden")
    model: Any = keras.Sequential([keras.Input((3,)), hidden, layers.Dense(1, name="out")])
    model.compile(keras.optimizers.SGD(0.1), "mse", **options)
    return model
