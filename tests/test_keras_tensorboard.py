"""The callback that stands in for Keras's TensorBoard takes its arguments and shows what it shows."""

import inspect
import os
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
Y = X.sum(axis=1)


@pytest.fixture
def run(tmp_path: Path) -> Iterator[tb.Run]:
    with tb.init("tests", store=str(tmp_path / "store.db")) as run:
        yield run


def fit(callback: Any, epochs: int = 2) -> Any:
    model: Any = keras.Sequential(
        [keras.Input((3,)), layers.Dense(4, name="a"), layers.Dense(1, name="b")], name="net"
    )
    model.compile("sgd", "mse")
    model.fit(X, Y, batch_size=10, epochs=epochs, validation_split=0.5, verbose=0, callbacks=[callback])
    return model


def series(run: tb.Run) -> dict[tuple[str, str], Any]:
    assert run.flush(60)
    return {(one.kind, one.tag): one for one in tb.open_store(run.store).series(run.id)}


def test_it_takes_every_argument_of_the_original_in_order_and_with_its_default() -> None:
    original = inspect.signature(keras.callbacks.TensorBoard.__init__).parameters
    ours = inspect.signature(tb.KerasTensorBoard.__init__).parameters
    assert [(p.name, p.default) for p in original.values()] == [
        (p.name, p.default) for p in list(ours.values())[: len(original)]
    ]


def test_metrics_weights_pictures_speed_and_graph_are_logged(run: tb.Run) -> None:
    fit(tb.KerasTensorBoard(histogram_freq=1, write_images=True, write_steps_per_second=True, run=run))
    found = series(run)
    for tag in ("train/loss", "val/loss", "train/learning_rate", "train/steps_per_second"):
        assert found["scalar", tag].last_step == 4
    for weight in ("a/kernel", "a/bias", "b/kernel", "b/bias"):
        assert found["histogram", f"weights/{weight}"].count == 2
        assert found["image", f"weights/{weight}"].count == 2
    store = tb.open_store(run.store)
    assert store.points(run.id, "train/steps_per_second").value.min() > 0
    picture = store.records(run.id, "weights/a/kernel", "image")[0].value
    assert (picture.height, picture.width) == (3, 4)
    assert ("graph", "graph") in found


def test_what_is_not_asked_for_is_not_logged(run: tb.Run) -> None:
    fit(tb.KerasTensorBoard(write_graph=False, run=run))
    assert {kind for kind, _ in series(run)} == {"scalar"}
    assert ("scalar", "train/steps_per_second") not in series(run)


def test_update_freq_says_after_how_many_batches(run: tb.Run) -> None:
    fit(tb.KerasTensorBoard(update_freq="batch", run=run))
    assert series(run)["scalar", "train/loss"].count == 4


def test_a_run_that_it_starts_is_named_as_the_log_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    fit(tb.KerasTensorBoard("logs/first"))
    (record,) = tb.open_store(tmp_path / "trainboard.db").runs()
    assert (record.name, record.status) == ("logs/first", "finished")
    assert not (tmp_path / "logs").exists()


@pytest.mark.parametrize("batches", ["ten", (3, 2), (0, 1), None])
def test_batches_that_cannot_be_profiled_are_refused(batches: Any) -> None:
    with pytest.raises(ValueError, match="profile"):
        tb.KerasTensorBoard(profile_batch=batches)


def test_embeddings_are_logged_with_their_labels(run: tb.Run, tmp_path: Path) -> None:
    (tmp_path / "labels.tsv").write_text("".join(f"word {index}\n" for index in range(6)))
    model: Any = keras.Sequential([keras.Input((3,)), layers.Embedding(6, 2, name="words"), layers.Flatten()])
    model.compile("sgd", "mse")
    callback = tb.KerasTensorBoard(
        embeddings_freq=1, embeddings_metadata={"words": str(tmp_path / "labels.tsv")}, run=run
    )
    model.fit(np.ones((4, 3), np.int32), np.ones((4, 6)), verbose=0, callbacks=[callback])
    assert series(run)["embedding", "embeddings/words"].count == 1
    (record,) = tb.open_store(run.store).records(run.id, "embeddings/words", "embedding")
    assert record.value.vectors.shape == (6, 2)
    assert record.value.metadata[5] == ["word 5"]


def test_labels_that_do_not_fit_are_told_and_stop_nothing(run: tb.Run, tmp_path: Path) -> None:
    (tmp_path / "labels.tsv").write_text("one\n")
    model: Any = keras.Sequential([keras.Input((3,)), layers.Embedding(6, 2, name="words"), layers.Flatten()])
    model.compile("sgd", "mse")
    callback = tb.KerasTensorBoard(
        embeddings_freq=1, embeddings_metadata=str(tmp_path / "labels.tsv"), run=run
    )
    with pytest.warns(TrainboardWarning, match="1 labels for the 6 vectors"):
        model.fit(np.ones((4, 3), np.int32), np.ones((4, 6)), verbose=0, callbacks=[callback])
