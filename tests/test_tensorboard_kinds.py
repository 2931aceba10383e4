"""Logs as PyTorch, TensorFlow and Keras really write them come into the store, every kind of them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import pytest
from awkward_logs import write_awkward
from PIL import Image as pil
from store_content import runs_of, series_of
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.util.tensor_util import make_ndarray
from tensorboard_logs import (
    PIXELS,
    POINTS,
    VALUES,
    write_keras,
    write_tensorflow,
    write_tensorflow_1,
    write_torch,
)
from tensorboard_read import one, run, shown

from trainboard.storage import Store, open_store
from trainboard.storage.tfevents.following import open_follower, read_all


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    logs = tmp_path_factory.mktemp("logs")
    for name, write_logs in {
        "torch": write_torch,
        "tf2": write_tensorflow,
        "keras": write_keras,
        "tf1": write_tensorflow_1,
        "awkward": write_awkward,
    }.items():
        write_logs(logs / name)
    for path in [*logs.glob("keras/**/*tfevents*"), *logs.glob("tf1/*tfevents*")]:
        os.utime(path, (1e9, 1e9))  # these runs have ended, the others go on
    return logs


@pytest.fixture(scope="module")
def store(logs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    opened = open_store(tmp_path_factory.mktemp("store") / "store.db", create=True)
    follower = open_follower(opened, [str(logs)])
    read_all(follower)
    assert follower.progress.damage == []
    yield opened
    opened.close()


def points(store: Store, name: str, tag: str) -> dict[int, float]:
    found = store.points(run(store, name).id, tag)
    return dict(zip(found.step.tolist(), found.value.tolist(), strict=True))


def pixels(png: bytes) -> np.ndarray[Any, Any]:
    import io

    return np.asarray(pil.open(io.BytesIO(png)))


def test_runs_are_the_folders_that_hold_event_files(store: Store) -> None:
    expected = {"torch", "torch/trial", "tf2", "tf1", "keras/train", "keras/validation", "awkward"}
    assert {each.name for each in store.runs()} == expected


def test_what_is_exported_and_read_again_is_the_same_to_the_bit_and_in_order(
    store: Store, tmp_path: Path
) -> None:
    store.export_tensorboard(tmp_path / "out")
    with closing(open_store(tmp_path / "back.db", create=True)) as back:
        read_all(follower := open_follower(back, [str(tmp_path / "out")]))
        assert follower.progress.damage == []
        assert runs_of(back) == runs_of(store)
        ours, theirs = series_of(store), series_of(back)
        assert theirs.keys() == ours.keys()
        assert [key for key in ours if theirs[key] != ours[key]] == []
    status = {each.name: each.status for each in store.runs()}
    assert (status["tf1"], status["awkward"], status["torch"]) == ("finished", "crashed", "running")


def test_an_export_shows_what_the_logs_showed(store: Store, logs: Path, tmp_path: Path) -> None:
    store.export_tensorboard(tmp_path)
    for name in ("torch", "tf2", "tf1", "keras/train"):
        before, after = (shown(folder / name) for folder in (logs, tmp_path))
        assert before.keys() <= after.keys()
        assert [tag for tag, found in before.items() if after[tag] != found] == []


def test_every_scalar_has_its_step_wall_time_and_value(store: Store) -> None:
    found = store.points(run(store, "torch").id, "loss")
    assert found.step.tolist() == list(range(300))
    assert found.wall_time.tolist() == [1e9 + step for step in range(300)]
    assert np.array_equal(found.value, (1 / (np.arange(300) + 1)).astype(np.float32).astype(float))
    assert points(store, "tf2", "loss") == {step: step / 4 for step in range(300)}
    assert points(store, "tf1", "loss") == {step: step / 8 for step in range(100)}
    assert set(points(store, "keras/validation", "epoch_loss")) == {0, 1, 2}


def test_scalars_of_every_type_keep_their_precision(store: Store) -> None:
    types = ("float64", "float16", "int32", "int64", "uint8", "bfloat16")
    assert all(points(store, "tf2", f"dtype/{name}") == {1: 5.0} for name in types)
    assert points(store, "tf2", "exact") == {step: 2.5 / 3 for step in range(40)}
    assert points(store, "torch", "exact") == {7: 0.1}


def test_nan_and_infinity_are_points(store: Store) -> None:
    found = points(store, "torch", "not finite")
    assert np.isnan(found[1]) and found[2] == np.inf


def test_values_that_name_no_plugin_are_what_the_first_of_their_tag_was(store: Store) -> None:
    tag = "tensor_loss/scalar_summary"
    assert points(store, "tf1", tag) == {step: step / 8 for step in range(100)}


def test_histograms_of_both_layouts_tell_the_values(store: Store) -> None:
    for name in ("torch", "tf2"):
        found = one(store, name, "weights", "histogram")
        assert found.count == 1000
        assert found.minimum == pytest.approx(VALUES.min()) and found.maximum == pytest.approx(VALUES.max())
        assert found.quantile(0.5) == pytest.approx(np.median(VALUES), abs=0.2)
    assert one(store, "torch", "weights", "histogram").sum == pytest.approx(VALUES.sum())
    assert len(store.records(run(store, "tf1").id, "weights", "histogram")) == 100


def test_images_are_the_same_to_the_pixel(store: Store) -> None:
    picture = np.moveaxis(PIXELS, 0, 2)
    assert np.array_equal(pixels(one(store, "torch", "picture", "image").png), picture)
    for tag in ("pictures", "pictures/1"):
        kept = one(store, "tf2", tag, "image")
        assert np.array_equal(pixels(kept.png), picture)
    assert len(store.records(run(store, "tf1").id, "picture/image/0", "image")) == 100


def test_what_is_said_of_tags_is_kept_with_the_run(store: Store) -> None:
    both = dict.fromkeys(("pictures", "pictures/1"), "both alike")
    assert run(store, "tf2").descriptions == {"loss": "what *grows*", **both}
    assert run(store, "torch").descriptions == {}


def test_videos_sounds_and_texts_are_kept(store: Store) -> None:
    clip = one(store, "tf2", "clip", "video")
    assert (clip.format, clip.frames, clip.width, clip.height) == ("gif", 2, 5, 6)
    assert (
        one(store, "torch", "sound", "audio").sample_rate,
        one(store, "tf2", "sounds", "audio").frames,
    ) == (
        8000,
        400,
    )
    assert one(store, "torch", "note/text_summary", "text").text == "**bold**"
    assert "| c | d |" in one(store, "tf2", "table", "text").text


def test_curves_meshes_layouts_and_embeddings_are_kept(store: Store) -> None:
    curve = one(store, "torch", "curve", "pr_curve")
    assert len(curve.precision) == 127 and curve.true_positives[0] == 3
    mesh = one(store, "torch", "shape", "mesh")
    assert np.array_equal(mesh.vertices, POINTS[0]) and mesh.faces.tolist() == [[0, 1, 2]]
    (chart,) = one(store, "torch", "custom_scalars__config__", "layout").charts
    assert (chart.category, chart.title, chart.tags) == ("losses", "both", ["loss", "exact"])
    embedding = one(store, "torch", "points", "embedding")
    assert np.array_equal(embedding.vectors, np.eye(4)) and embedding.metadata[2] == ["c"]


def test_hyper_parameters_are_the_runs_config(store: Store) -> None:
    trial = run(store, "torch/trial")
    assert (trial.config["lr"], trial.config["name"]) == (0.5, "adam")
    assert points(store, "torch/trial", "best") == {0: 0.25} and trial.status == "finished"
    assert run(store, "tf2").config == {"units": 16, "dropout": True}


def test_graphs_of_models_functions_and_sessions_are_drawn(store: Store) -> None:
    assert any(
        "Linear" in node.id or "linear" in node.op for node in one(store, "torch", "graph", "graph").nodes
    )
    assert any(node.op == "Mul" for node in one(store, "tf2", "graph", "graph").nodes)
    assert any(node.op == "Placeholder" for node in one(store, "tf1", "graph", "graph").nodes)
    drawn = [record.value for record in store.records(run(store, "keras/train").id, "graph", "graph")]
    keras_graph = next(graph for graph in drawn if graph.framework == "keras")
    assert [node.op for node in keras_graph.nodes] == ["InputLayer", "Dense", "Dense"]
    assert ("hidden", "dense") in {(edge.source, edge.target[:5]) for edge in keras_graph.edges}


def test_what_no_kind_holds_is_kept_as_it_is(store: Store) -> None:

    kept = one(store, "tf2", "mine", "raw")
    value = Summary.Value.FromString(kept.data)
    assert kept.plugin == value.metadata.plugin_data.plugin_name == "my_plugin"
    assert make_ndarray(value.tensor).tolist() == [0, 1, 2]
    assert one(store, "torch", "anything", "raw").plugin == "tensor"
    assert one(store, "tf1", "step 100", "raw").message == "tagged_run_metadata"


def test_a_restart_is_marked(store: Store) -> None:
    (first, *_) = store.records(run(store, "torch").id, "session", "event")
    assert (first.step, first.value.title) == (3, "Started at step 3")
    assert one(store, "tf1", "session", "event").data["status"] == "START"
