"""Watching a Keras model leaves it, its training and Keras itself as they are."""

import gc
import os
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import pytest
from keras import layers
from keras_watched import X, Y, network, records, tags

import trainboard as tb


@pytest.fixture
def run(tmp_path: Path) -> Iterator[tb.Run]:
    with tb.init("tests", store=tmp_path / "store.db") as run:
        yield run


def test_other_models_steps_are_not_logged(run: tb.Run) -> None:
    model, other = network(), network()
    run.watch(model)
    other.fit(X, Y, verbose=0)
    assert tags(run) == set()


@pytest.mark.parametrize(
    "options", [{"jit_compile": True}, {"jit_compile": False}, {"run_eagerly": True}], ids=str
)
def test_unwatch_leaves_keras_as_it_was(run: tb.Run, options: dict[str, Any]) -> None:
    original = keras.optimizers.Optimizer.apply
    model = network(**options)
    model.fit(X, Y, verbose=0, callbacks=[tb.KerasCallback(run, watch={"every": 1})])
    assert keras.optimizers.Optimizer.apply is original
    logged = list(records(run, "weights/out/bias"))
    model.fit(X, Y, verbose=0)
    assert list(records(run, "weights/out/bias")) == logged
    run.watch(model)
    run.unwatch()
    run.unwatch()
    assert keras.optimizers.Optimizer.apply is original


def test_a_model_that_was_already_trained_is_traced_again_to_be_seen(run: tb.Run) -> None:
    model = network(jit_compile=False)
    model.fit(X, Y, batch_size=20, verbose=0)
    model.fit(X, Y, batch_size=20, verbose=0, callbacks=[tb.KerasCallback(run)])
    assert list(records(run, "gradients/out/bias")) == [3]


def test_watching_leaves_training_exactly_as_it_is(run: tb.Run) -> None:
    watched, alone = network(jit_compile=False), network(jit_compile=False)
    alone.set_weights(watched.get_weights())
    watched.fit(
        X, Y, shuffle=False, epochs=3, verbose=0, callbacks=[tb.KerasCallback(run, watch={"every": 1})]
    )
    alone.fit(X, Y, shuffle=False, epochs=3, verbose=0)
    for ours, theirs in zip(watched.get_weights(), alone.get_weights(), strict=True):
        assert np.array_equal(ours, theirs)


def test_a_watched_model_can_be_freed(run: tb.Run) -> None:
    model: Any = keras.Sequential([keras.Input((3,)), layers.Dense(1)])
    run.watch(model)
    gone = weakref.ref(model)
    del model
    gc.collect()
    assert gone() is None
