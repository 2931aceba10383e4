"""Weights and gradients of a Keras model arrive as histograms, in fit and in loops of one's own."""

import functools
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from keras_watched import X, Y, network, records, tags

import trainboard as tb
from trainboard.loggers.warn import TrainboardWarning
from trainboard.storage.kinds.histogram import Histogram
from trainboard.storage.kinds.layer_stats import LayerStats


@pytest.fixture
def run(tmp_path: Path) -> Iterator[tb.Run]:
    with tb.init("tests", store=tmp_path / "store.db") as run:
        yield run


def statistics(run: tb.Run, source: str) -> dict[int, LayerStats]:
    assert run.flush(60)
    found = tb.open_store(run.store).records(run.id, f"layers/{source}", "layer_stats")
    return {record.step: record.value for record in found}


def same(histogram: Histogram, values: Any) -> bool:
    expected = Histogram.from_values(np.asarray(values))
    return (
        np.array_equal(histogram.buckets, expected.buckets)
        and np.array_equal(histogram.counts, expected.counts)
        and histogram.zeros == expected.zeros
    )


def gradients(model: Any, x: Any, y: Any) -> dict[str, np.ndarray]:
    """The gradients of the mean squared error, worked out without an optimizer."""
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean((model(x) - y) ** 2)
    names = [variable.path.removeprefix(f"{model.name}/") for variable in model.trainable_variables]
    computed: Any = tape.gradient(loss, model.trainable_variables)
    return dict(zip(names, (gradient.numpy() for gradient in computed), strict=True))


@pytest.mark.parametrize(
    "options",
    [{"jit_compile": "auto"}, {"jit_compile": True}, {"jit_compile": False}, {"run_eagerly": True}],
    ids=str,
)
def test_fit_logs_the_gradients_computed_by_hand(run: tb.Run, options: dict[str, Any]) -> None:
    model = network(**options)
    expected = gradients(model, X, Y)
    model.fit(
        X, Y, batch_size=len(X), epochs=3, verbose=0, callbacks=[tb.KerasCallback(run, watch={"every": 2})]
    )
    assert set(expected) == {"hidden/kernel", "hidden/bias", "out/kernel", "out/bias"}
    of_variables = {f"{what}/{name}" for what in ("weights", "gradients", "updates") for name in expected}
    assert tags(run) == of_variables | {"activations/hidden", "activations/out"}
    for name, gradient in expected.items():
        logged = records(run, f"gradients/{name}")
        assert list(logged) == [1, 3]
        assert logged[1].count == gradient.size
        assert logged[1].sum == pytest.approx(gradient.sum(), rel=1e-4, abs=1e-6)
        assert logged[1].sum_squares == pytest.approx((gradient**2).sum(), rel=1e-4, abs=1e-6)
    for variable in model.trainable_variables:
        name = variable.path.removeprefix(f"{model.name}/")
        assert same(records(run, f"weights/{name}")[3], variable.numpy())


@pytest.mark.parametrize(
    "options", [{"jit_compile": True}, {"jit_compile": False}, {"run_eagerly": True}], ids=str
)
def test_activations_and_updates_are_those_of_their_step(run: tb.Run, options: dict[str, Any]) -> None:
    model = network(**options)
    before, hidden = model.get_weights(), np.asarray(model.layers[0](X))
    model.fit(X, Y, batch_size=len(X), verbose=0, callbacks=[tb.KerasCallback(run)])
    logged = records(run, "activations/hidden")[1]
    assert (logged.count, logged.zeros) == (hidden.size, 0)
    assert logged.sum_squares == pytest.approx((hidden**2).sum(), rel=1e-4)
    assert int(logged.counts.sum()) == hidden.size
    updates = statistics(run, "updates")[1]
    assert updates.names == ("hidden/kernel", "hidden/bias", "out/kernel", "out/bias")
    for name, old, new, ratio in zip(
        updates.names, before, model.get_weights(), updates.column("ratio"), strict=True
    ):
        assert same(records(run, f"updates/{name}")[1], new - old)
        norm = np.linalg.norm(old)
        assert ratio == pytest.approx(np.linalg.norm(new - old) / norm if norm else np.inf, rel=1e-3)


def test_due_steps_are_measured_after_many_that_were_not(run: tb.Run) -> None:
    model = network(jit_compile=False)
    run.watch(model, every=10)
    fit = functools.partial(model.fit, X, Y, batch_size=len(X), verbose=0, callbacks=[tb.KerasCallback(run)])
    fit(epochs=20)
    expected, hidden = gradients(model, X, Y), np.asarray(model.layers[0](X))
    fit(epochs=1)
    for tag in ("weights/hidden/kernel", "gradients/hidden/kernel", "activations/hidden"):
        assert list(records(run, tag)) == [1, 11, 21]
    assert records(run, "activations/hidden")[21].sum_squares == pytest.approx((hidden**2).sum(), rel=1e-4)
    squares = (expected["hidden/kernel"] ** 2).sum()
    assert records(run, "gradients/hidden/kernel")[21].sum_squares == pytest.approx(squares, rel=1e-3)


def test_the_options_say_what_is_logged_and_how_often(run: tb.Run) -> None:
    watch = {"every": 2, "histograms": 4, "activations": False, "updates": False, "gradients": False}
    network(jit_compile=False).fit(
        X, Y, batch_size=8, verbose=0, callbacks=[tb.KerasCallback(run, watch=watch)]
    )
    assert tags(run) == {
        f"weights/{name}" for name in ("hidden/kernel", "hidden/bias", "out/kernel", "out/bias")
    }
    assert list(records(run, "weights/out/bias")) == [1, 5]
    assert list(statistics(run, "weights")) == [1, 3, 5]


@pytest.mark.parametrize("options", [{"jit_compile": False}, {"run_eagerly": True}], ids=str)
def test_the_next_step_is_looked_at_when_asked(run: tb.Run, options: dict[str, Any]) -> None:
    ask = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: run.watch_now() if epoch == 2 else None
    )
    callbacks = [tb.KerasCallback(run), ask]
    network(**options).fit(X, Y, batch_size=len(X), epochs=6, verbose=0, callbacks=callbacks)
    for source in ("weights", "gradients", "updates"):
        assert list(records(run, f"{source}/hidden/kernel")) == [1, 4]
    assert list(records(run, "activations/hidden")) == [1, 4]


def test_a_loop_of_ones_own_is_watched_without_compile(run: tb.Run) -> None:
    model: Any = keras.Sequential([keras.Input((3,)), layers.Dense(1, name="out")])
    optimizer = keras.optimizers.Adam(0.01)
    run.watch(model, every=2)
    expected = {}
    for index in range(1, 4):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((model(X) - Y) ** 2)
        gradient: Any = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradient, model.trainable_variables, strict=True))
        expected[index] = (model.layers[0].kernel.numpy(), gradient[0].numpy())
    assert list(records(run, "gradients/out/kernel")) == [1, 3]
    for index, histogram in records(run, "weights/out/kernel").items():
        assert same(histogram, expected[index][0])
        assert same(records(run, "gradients/out/kernel")[index], expected[index][1])


@pytest.mark.parametrize("jit_compile", [False, True])
def test_a_traced_loop_of_ones_own_is_watched_through_the_log(run: tb.Run, jit_compile: bool) -> None:
    model, optimizer = network(), keras.optimizers.SGD(0.1)
    found = []
    run.watch(model, every=2, on_nonfinite=found.append)

    @tf.function(jit_compile=jit_compile)
    def train(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((model(x, training=True) - y) ** 2)
        variables = model.trainable_variables
        optimizer.apply(tape.gradient(loss, variables), variables)
        return loss

    for step in range(1, 5):
        expected, before = gradients(model, X, Y), model.get_weights()
        run.log({"train/loss": train(X if step < 4 else X * np.nan, Y)}, step)
        if step == 3:
            logged, moved = statistics(run, "gradients")[3], statistics(run, "updates")[3]
            for name, norm in zip(logged.names, logged.column("norm"), strict=True):
                assert norm == pytest.approx(np.linalg.norm(expected[name]), rel=1e-3)
            assert moved.column("norm")[0] == pytest.approx(
                np.linalg.norm(model.get_weights()[0] - before[0]), rel=1e-3
            )
    assert list(statistics(run, "activations")) == list(records(run, "weights/out/bias")) == [1, 3]
    assert [(fault.layer, fault.phase, fault.step) for fault in found] == [("hidden", "forward", 4)]
    run.unwatch()
    run.log({"after": 1.0})


def test_sparse_gradients_are_made_dense_and_missing_ones_left_out(run: tb.Run) -> None:
    table, unused = layers.Embedding(6, 2, name="table"), layers.Dense(1, name="unused")
    rows = keras.Input((2,))
    model = keras.Model(rows, [table(rows), unused(rows)])
    run.watch(model)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(model(np.array([[1, 1]]))[0])
    variables = model.trainable_variables
    keras.optimizers.SGD(0.1).apply(tape.gradient(loss, variables), variables)
    histogram = records(run, "gradients/table/embeddings")[1]
    assert (histogram.count, histogram.zeros, histogram.maximum) == (12, 10, 2)
    of_unused = {tag for tag in tags(run) if tag.endswith("unused/kernel")}
    assert of_unused == {"weights/unused/kernel", "updates/unused/kernel"}


def test_a_scaled_loss_is_unscaled(run: tb.Run) -> None:
    model = network(jit_compile=False)
    expected = gradients(model, X, Y)
    model.compile(keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1)), "mse")
    model.fit(X, Y, batch_size=len(X), verbose=0, callbacks=[tb.KerasCallback(run)])
    assert records(run, "gradients/out/bias")[1].sum == pytest.approx(expected["out/bias"].sum(), rel=1e-3)


def test_fit_without_the_callback_says_what_is_missing(run: tb.Run) -> None:
    model = network(jit_compile=False)
    run.watch(model)
    with pytest.warns(TrainboardWarning, match="KerasCallback"):
        model.fit(X, Y, verbose=0)


def test_a_model_watched_by_hand_and_by_the_callback_is_logged_once(run: tb.Run) -> None:
    model = network(jit_compile=False)
    run.watch(model, every=2)
    model.fit(X, Y, batch_size=10, verbose=0, callbacks=[tb.KerasCallback(run, watch={"every": 1})])
    assert list(records(run, "weights/out/bias")) == [1, 3]
    model.fit(X, Y, batch_size=10, verbose=0, callbacks=[tb.KerasCallback(run, watch={"every": 1})])
    assert list(records(run, "weights/out/bias")) == [1, 3, 5, 7]


def test_layers_of_the_same_name_are_told_apart(run: tb.Run) -> None:
    class Twins(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.twins = [layers.Dense(1, name="twin"), layers.Dense(1, name="twin")]
            for twin in self.twins:
                twin.build((None, 3))

        def call(self, x: Any) -> Any:
            return self.twins[0](x) + self.twins[1](x)

    model: Any = Twins()
    model.compile("sgd", "mse")
    model.fit(X, Y, verbose=0, callbacks=[tb.KerasCallback(run, log_graph=False)])
    names = {"twin/kernel", "twin/bias", "twin/kernel#2", "twin/bias#2"}
    of_variables = {f"{what}/{name}" for what in ("weights", "gradients", "updates") for name in names}
    assert tags(run) == of_variables | {"activations/twin", "activations/twin#2"}


def test_keras_on_pytorch_is_watched_too(tmp_path: Path) -> None:
    program = """
import keras, numpy as np, trainboard as tb
assert keras.backend.backend() == "torch"
model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, name="out")])
model.compile("sgd", "mse")
x = np.ones((8, 3), "float32")
with tb.init(store="store.db") as run:
    callback = tb.KerasCallback(run, every="batch", watch={"every": 3})
    model.fit(x, x[:, :1], batch_size=2, epochs=2, verbose=0, callbacks=[callback])
store = tb.open_store("store.db")
(record,) = store.runs()
assert [r.step for r in store.records(record.id, "gradients/out/kernel", "histogram")] == [1, 4, 7]
assert sorted(store.points(record.id, "train/loss").step.tolist()) == list(range(1, 9))
"""
    environment = {**os.environ, "KERAS_BACKEND": "torch"}
    done = subprocess.run(
        [sys.executable, "-W", "error::trainboard.loggers.warn.TrainboardWarning", "-c", program],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def test_attention_tells_of_its_output_beside_those_of_the_layers_in_it(run: tb.Run) -> None:
    given = keras.Input((3, 4))
    attended = layers.MultiHeadAttention(2, 2, name="attention")(given, given)
    model: Any = keras.Model(given, layers.Dense(1, name="out")(attended))
    model.compile(keras.optimizers.SGD(0.1), "mse")
    x = np.random.default_rng(0).normal(size=(8, 3, 4)).astype(np.float32)
    before = keras.Model(given, attended)(x)
    run.watch(model, every=1)
    model.fit(x, x[..., :1], batch_size=8, epochs=1, verbose=0, callbacks=[tb.KerasCallback(run)])
    assert "activations/attention/query" in tags(run)
    told = records(run, "activations/attention")[1]
    assert told.sum_squares == pytest.approx(float((before.numpy() ** 2).sum()), rel=1e-4)
