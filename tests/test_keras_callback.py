"""What fit tells reaches the run under the agreed names, and nothing of ours stops fit."""

import os
import warnings
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
from trainboard.storage import RunRecord, Store

X = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
Y = (X.sum(axis=1) > 0).astype(np.float32)


@pytest.fixture
def location(tmp_path: Path) -> str:
    return str(tmp_path / "store.db")


@pytest.fixture
def run(location: str) -> Iterator[tb.Run]:
    with tb.init("tests", config={"optimizer": "mine"}, store=location) as run:
        yield run


def network(**options: Any) -> Any:
    model: Any = keras.Sequential([keras.Input((3,)), layers.Dense(1, activation="sigmoid", name="out")])
    options.setdefault("jit_compile", not options.get("run_eagerly"))
    model.compile(keras.optimizers.SGD(0.5), "binary_crossentropy", metrics=["accuracy"], **options)
    return model


def points(run: tb.Run, tag: str) -> dict[int, float]:
    assert run.flush(60)
    found = tb.open_store(run.store).points(run.id, tag)
    return dict(zip(found.step.tolist(), found.value.tolist(), strict=True))


def scalars(run: tb.Run) -> set[str]:
    assert run.flush(60)
    return {series.tag for series in tb.open_store(run.store).series(run.id, "scalar")}


def test_epochs_are_logged_at_the_optimizers_iterations(run: tb.Run) -> None:
    model = network()
    history = model.fit(
        X, Y, batch_size=10, epochs=3, validation_data=(X, Y), verbose=0, callbacks=[tb.KerasCallback(run)]
    ).history
    steps = (4, 8, 12)
    assert points(run, "train/loss") == pytest.approx(dict(zip(steps, history["loss"], strict=True)))
    assert points(run, "train/accuracy") == pytest.approx(dict(zip(steps, history["accuracy"], strict=True)))
    assert points(run, "val/loss") == pytest.approx(dict(zip(steps, history["val_loss"], strict=True)))
    assert points(run, "epoch") == {4: 1, 8: 2, 12: 3}
    assert points(run, "train/learning_rate") == {4: 0.5, 8: 0.5, 12: 0.5}
    expected = {"train/loss", "train/accuracy", "train/learning_rate", "val/loss", "val/accuracy", "epoch"}
    assert {tag for tag in scalars(run) if not tag.startswith("steps/")} == expected


@pytest.mark.parametrize("every", ["batch", 2])
def test_batches_are_logged_as_the_mean_of_just_those_batches(run: tb.Run, every: Any) -> None:
    model = network()
    model.optimizer.learning_rate = 0.0  # so that every batch can be evaluated again afterwards
    model.fit(
        X, Y, batch_size=8, epochs=2, shuffle=False, verbose=0, callbacks=[tb.KerasCallback(run, every)]
    )
    size = 8 * (every if isinstance(every, int) else 1)
    stride = size // 8
    wanted = {}
    for at in range(0, len(X) // size * size, size):
        wanted[(at + size) // 8] = model.evaluate(X[at : at + size], Y[at : at + size], verbose=0)
    for place, name in enumerate(("loss", "accuracy")):
        logged = points(run, f"train/{name}")
        assert set(logged) == set(range(stride, 11, stride))
        for step, values in wanted.items():
            assert logged[step] == pytest.approx(values[place], rel=1e-4), (name, step)


def test_a_metric_that_is_no_mean_is_logged_as_keras_tells_it(run: tb.Run) -> None:
    told = []
    model = network()
    model.compile("sgd", "binary_crossentropy", metrics=[keras.metrics.AUC(name="auc")])
    listener = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: told.append(logs["auc"]))
    model.fit(X, Y, batch_size=10, verbose=0, callbacks=[listener, tb.KerasCallback(run, "batch")])
    assert list(points(run, "train/auc").values()) == pytest.approx([float(value) for value in told])


@pytest.mark.parametrize(
    ("every", "steps"), [("batch", range(1, 9)), (3, [3, 6]), (8, [8]), ("epoch", [4, 8])], ids=str
)
def test_every_says_which_steps_are_logged(run: tb.Run, every: Any, steps: Any) -> None:
    callback = tb.KerasCallback(run, every)
    network().fit(X, Y, batch_size=10, epochs=2, verbose=0, callbacks=[callback])
    assert list(points(run, "train/loss")) == list(steps)


def test_several_steps_in_one_execution_keep_their_count(run: tb.Run) -> None:
    model = network(steps_per_execution=3)
    model.fit(X, Y, batch_size=10, epochs=2, verbose=0, callbacks=[tb.KerasCallback(run, every=2)])
    assert list(points(run, "train/loss")) == [3, 4, 7, 8]
    assert points(run, "epoch") == {4: 1, 8: 2}


def test_steps_go_on_where_the_last_fit_ended(run: tb.Run) -> None:
    model, callback = network(), tb.KerasCallback(run)
    for epoch in range(2):
        model.fit(X, Y, batch_size=10, initial_epoch=epoch, epochs=epoch + 1, verbose=0, callbacks=[callback])
    assert points(run, "epoch") == {4: 1, 8: 2}


def test_a_learning_rate_that_changes_is_followed(run: tb.Run) -> None:
    model = network()
    schedule = keras.callbacks.LearningRateScheduler(lambda epoch: 0.5 / (epoch + 1))
    model.fit(X, Y, batch_size=40, epochs=2, verbose=0, callbacks=[schedule, tb.KerasCallback(run)])
    assert points(run, "train/learning_rate") == {1: 0.5, 2: 0.25}


def test_the_optimizers_settings_fill_the_config_and_replace_nothing(run: tb.Run) -> None:
    network().fit(X, Y, batch_size=10, epochs=2, verbose=0, callbacks=[tb.KerasCallback(run)])
    assert run.config.optimizer == "mine"
    assert (run.config.epochs, run.config.steps_per_epoch, run.config.parameters) == (2, 4, 4)
    assert (run.config.learning_rate, run.config.framework, run.config.backend) == (
        0.5,
        "keras",
        "tensorflow",
    )
    assert run.flush(60)
    assert tb.open_store(run.store).run(run.id).config["steps_per_epoch"] == 4


def test_the_graph_is_logged_unless_it_is_declined(run: tb.Run) -> None:
    model = network()
    model.fit(X, Y, verbose=0, callbacks=[tb.KerasCallback(run, log_graph=False, watch=False)])
    assert run.flush(60)
    store = tb.open_store(run.store)
    assert {series.kind for series in store.series(run.id)} == {"scalar"}
    model.fit(X, Y, verbose=0, callbacks=[tb.KerasCallback(run)])
    assert run.flush(60)
    (record,) = store.records(run.id, "graph", "graph")
    assert [node.op for node in record.value.nodes] == ["InputLayer", "Dense"]


def runs_of(location: str) -> tuple[Store, list[RunRecord]]:
    store = tb.open_store(location)
    return store, store.runs()


def test_a_model_that_the_first_batch_builds_is_drawn_and_counted_then(run: tb.Run) -> None:
    class Subclassed(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.last = keras.layers.Dense(1)

        def call(self, x: Any) -> Any:
            return self.last(x)

    model: Any = Subclassed()
    model.compile("sgd", "mse")
    with warnings.catch_warnings():
        warnings.simplefilter("error", TrainboardWarning)
        model.fit(np.ones((4, 3)), np.ones((4, 1)), verbose=0, callbacks=[tb.KerasCallback(run, watch=False)])
    assert run.config.parameters == 4
    assert run.flush(60)
    (graph,) = tb.open_store(run.store).records(run.id, "graph", "graph")
    assert not graph.value.partial


def test_a_train_step_with_optimizers_of_its_own_is_logged_by_its_batches(run: tb.Run) -> None:
    class TwoOptimizers(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.inner = network()
            self.own = keras.optimizers.SGD(0.01)

        def train_step(self, data: Any) -> Any:
            import tensorflow as tf

            x, y = data
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean((self.inner(x, training=True) - y) ** 2)
            weights = self.inner.trainable_variables
            self.own.apply(tape.gradient(loss, weights), weights)
            return {"loss": loss}

    model: Any = TwoOptimizers()
    model.compile()
    for _ in range(2):
        model.fit(X, Y, batch_size=len(X) // 2, epochs=2, verbose=0, callbacks=[tb.KerasCallback(run)])
    assert run.flush(60)
    store = tb.open_store(run.store)
    assert store.points(run.id, "train/loss").step.tolist() == [2, 4, 6, 8]
    assert store.series(run.id, kind="layer_stats")


def test_the_current_run_is_used_and_left_open(run: tb.Run) -> None:
    network().fit(X, Y, batch_size=10, verbose=0, callbacks=[tb.KerasCallback()])
    assert list(points(run, "train/loss")) == [4]
    assert not run.ended


def test_without_a_run_each_fit_is_one_that_ends_with_it(
    location: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRAINBOARD_STORE", location)
    tb.finish()
    callback = tb.KerasCallback()
    for _ in range(2):
        network().fit(X, Y, batch_size=10, verbose=0, callbacks=[callback])
    store, runs = runs_of(location)
    assert [record.status for record in runs] == ["finished", "finished"]
    assert all(store.points(record.id, "train/loss").step.tolist() == [4] for record in runs)


def test_a_custom_loop_over_train_on_batch_is_watched(run: tb.Run) -> None:
    model = network()
    callbacks = keras.callbacks.CallbackList([tb.KerasCallback(run, watch={"every": 2})], model=model)
    callbacks.on_train_begin()
    callbacks.on_epoch_begin(0)
    for batch in range(3):
        callbacks.on_train_batch_begin(batch)
        callbacks.on_train_batch_end(batch, model.train_on_batch(X, Y, return_dict=True))
    callbacks.on_epoch_end(0, {})
    callbacks.on_train_end()
    assert run.flush(60)
    records = tb.open_store(run.store).records(run.id, "gradients/out/kernel", "histogram")
    assert [record.step for record in records] == [1, 3]


def test_a_failure_of_the_callback_is_one_warning_and_fit_goes_on(
    run: tb.Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise OSError("the run is broken")

    monkeypatch.setattr(run, "log", fail)
    callback = tb.KerasCallback(run, every="batch", watch={"every": 1})
    model = network()
    with pytest.warns(TrainboardWarning, match="the run is broken") as caught:
        history = model.fit(X, Y, batch_size=10, epochs=2, verbose=0, callbacks=[callback]).history
    assert len(history["loss"]) == 2
    assert int(model.optimizer.iterations.numpy()) == 8
    said = [str(warning.message) for warning in caught if warning.category is TrainboardWarning]
    assert len(said) == len(set(said)) <= 3  # the graph, the watch and the callback say it once each


@pytest.mark.parametrize("every", ["epochs", 0, 1.5, None])
def test_an_interval_that_is_none_is_refused_at_once(every: Any) -> None:
    with pytest.raises(ValueError, match="every must be"):
        tb.KerasCallback(every=every)


def test_a_model_compiled_without_an_optimizer_step_still_trains(run: tb.Run) -> None:
    model: Any = keras.Sequential([keras.Input((3,)), layers.ReLU()])
    model.compile(loss="mse", run_eagerly=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(X, X, verbose=0, callbacks=[tb.KerasCallback(run)])
    assert "train/loss" in scalars(run)
