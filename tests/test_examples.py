"""The examples are programs that run offline, and log what their readers will look for."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from dashboard_fixtures import eventually

import trainboard as tb
from trainboard.dashboard.health import anatomy
from trainboard.dashboard.health.findings import find
from trainboard.dashboard.health.history import Histories
from trainboard.dashboard.twin import compare
from trainboard.storage import RunRecord, Store
from trainboard.storage.ranks import slowest

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
SHARED_TAGS = {"train/loss", "train/accuracy", "val/loss", "val/accuracy", "epoch"}
QUIET = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}


def run_example(words: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *words]
    return subprocess.run(command, cwd=folder, env=QUIET, capture_output=True, text=True, timeout=300)


def finished(words: list[str], folder: Path) -> tuple[Store, RunRecord]:
    """Run an example in ``folder`` and return the one run it leaves in ./trainboard.db."""
    done = run_example(words, folder)
    assert done.returncode == 0, done.stderr
    assert "TrainboardWarning" not in done.stderr
    store = tb.open_store(folder / "trainboard.db")
    (record,) = store.runs()
    assert record.status == "finished"
    return store, record


def test_the_quickstart_logs_one_of_each_kind(tmp_path: Path) -> None:
    store, run = finished([str(EXAMPLES / "quickstart.py")], tmp_path)
    assert {series.kind for series in store.series(run.id)} == {"scalar", "text", "histogram", "image"}
    loss = store.points(run.id, "train/loss").value
    assert len(loss) == 300
    assert np.mean(loss[-50:]) < np.mean(loss[:50])


def test_scenes_are_logged_with_what_is_in_them_and_what_they_are_taken_for(tmp_path: Path) -> None:
    words = [str(EXAMPLES / "segment_scenes.py"), "--store", str(tmp_path / "scenes.db")]
    done = run_example(words, tmp_path)
    assert done.returncode == 0 and "TrainboardWarning" not in done.stderr, done.stderr
    store = tb.open_store(tmp_path / "scenes.db")
    fast = next(run for run in store.runs() if run.name == "rate 4")
    picture = store.records(fast.id, "val/scene", "image")[-1].value
    assert {box.group for box in picture.boxes} == {"truth", "prediction"} and len(picture.masks) == 1
    assert fast.summary["val/right"] > 0.95


def test_the_planted_nan_is_found_in_its_layer_and_batch(tmp_path: Path) -> None:
    store, run = finished([str(EXAMPLES / "planted_nan.py")], tmp_path)
    (event,) = store.records(run.id, "flight_recorder", "event")
    data = event.value.data
    assert (data["layer"], data["phase"], data["batch"], data["last_good_step"]) == ("0", "forward", 40, 39)
    assert store.points(run.id, "train/loss").step[-1] == 39


def test_a_training_in_trouble_is_told_in_all_its_troubles(tmp_path: Path) -> None:
    store, run = finished([str(EXAMPLES / "troubled.py")], tmp_path)
    (event,) = store.records(run.id, "flight_recorder", "event")
    assert event.value.data["last_good_step"] > 119
    with Histories(store).look(run.id) as look:
        titles = {found.title for found in find(look.history)}
    assert {"Gradients vanish", "Units are dead", "Gradients explode"} <= titles
    timed = anatomy.read(store, run.id, 0)
    assert timed is not None and timed["verdict"]["kind"] == "input-bound"
    assert [one.tag for one in store.series(run.id, "trace")] == ["profile/torch"]


@pytest.mark.parametrize(
    ("framework", "words"),
    [("pytorch", [str(EXAMPLES / "torch_digits.py")]), ("keras", ["-m", "trainboard.examples.keras_digits"])],
)
def test_digits_are_learnt_and_logged_under_the_names_both_share(
    tmp_path: Path, framework: str, words: list[str]
) -> None:
    store, run = finished([*words, "--epochs", "2", "--seed", "3", "--project", "p"], tmp_path)
    assert (run.project, run.group, run.config["seed"], run.config["framework"]) == (
        "p",
        framework,
        3,
        framework,
    )
    series = {one.tag: one for one in store.series(run.id)}
    assert SHARED_TAGS <= series.keys()
    assert (series["train/loss"].count, series["train/loss"].last_step) == (900, 900)
    assert store.points(run.id, "val/loss").step.tolist() == [450, 900]
    assert store.points(run.id, "val/accuracy").value[-1] > 0.5
    kinds = {one.kind for one in series.values()}
    assert kinds - {"layer_stats"} == {"scalar", "histogram", "graph", "image", "text"}
    for prefix in ("weights/", "gradients/"):
        assert len([tag for tag in series if tag.startswith(prefix)]) == 8
    (graph,) = store.records(run.id, "graph", "graph")
    assert sum(node.parameters for node in graph.value.nodes) == 38_282


def test_two_processes_learn_digits_together_and_the_slower_one_is_named(tmp_path: Path) -> None:
    words = ["-m", "torch.distributed.run", "--nproc-per-node", "2", str(EXAMPLES / "torch_ddp.py")]
    store, run = finished([*words, "--epochs", "1"], tmp_path)
    assert [(one.rank, one.last_step) for one in store.ranks(run.id)] == [(0, 113), (1, 113)]
    loss = store.rank_points(run.id, "train/loss")
    assert (loss.count == 2).all() and loss.mean[-1] < loss.mean[0]
    assert (loss.minimum <= loss.mean).all() and (loss.mean <= loss.maximum).all()
    found = slowest(store.series(run.id))
    assert found is not None and (found.rank, found.tag) == (1, "train/forward_time")


def test_digits_are_split_the_same_for_the_same_seed() -> None:
    from trainboard.examples import digits

    (x, y), (x_val, y_val) = digits.load(1)
    assert (x.shape, y.shape, x_val.shape, y_val.shape) == ((7200, 8, 8), (7200,), (357, 8, 8), (357,))
    assert np.array_equal(digits.load(1)[0][0], x)
    assert not np.array_equal(digits.load(2)[0][0], x)
    held_out = {image.tobytes() for image in x_val}
    assert not held_out & {image.tobytes() for image in x[:1440]}


def test_a_dynamic_graph_is_told_as_it_grows(tmp_path: Path) -> None:
    store, run = finished([str(EXAMPLES / "torch_dynamic.py"), "30"], tmp_path)
    grown = store.records(run.id, "graph/changes", "event")
    assert grown[0].step == 10 and "refine#2" in grown[0].value.data["added"]
    assert len(store.records(run.id, "graph", "graph")) == len(grown) + 1


@pytest.mark.parametrize(
    ("name", "tags"),
    [
        ("tf1_session", {"train/loss", "weights/hidden", "graph"}),
        ("gradient_tape", {"train/loss", "gradients/norm", "outputs", "graph"}),
        ("tf_data_torch", {"train/loss", "graph"}),
    ],
)
def test_tensorflow_programs_log_every_step_and_their_graph(
    tmp_path: Path, name: str, tags: set[str]
) -> None:
    store, run = finished([str(EXAMPLES / f"{name}.py"), "20"], tmp_path)
    series = {one.tag: one for one in store.series(run.id)}
    assert tags <= series.keys()
    assert store.points(run.id, "train/loss").step.tolist() == list(range(20))


def test_an_evaluation_gets_better_and_says_which_charts_it_wants(tmp_path: Path) -> None:
    done = run_example([str(EXAMPLES / "evaluation.py")], tmp_path)
    assert done.returncode == 0, done.stderr
    with tb.open_store(tmp_path / "trainboard.db") as store:
        for run in store.runs():
            curves = [one.value for one in store.records(run.id, "pr/fox", "pr_curve")]
            assert curves[-1].average_precision > 0.8 > curves[0].average_precision
            tags = {one.tag for one in store.series(run.id)}
            assert {"confusion", "losses", "alerts", "val/low"} <= tags
            assert list(run.rules) == ["validation loss rises"]


def test_an_onnx_file_is_drawn(tmp_path: Path) -> None:
    store, run = finished([str(EXAMPLES / "onnx_file.py")], tmp_path)
    (graph,) = store.records(run.id, "graph", "graph")
    assert sum(node.parameters for node in graph.value.nodes) == 64 * 32 + 32 + 32 * 10


def test_twins_lose_the_same_in_both_frameworks_and_have_graphs_of_the_same_size(tmp_path: Path) -> None:
    done = run_example([str(EXAMPLES / "twins.py"), "20"], tmp_path)
    assert done.returncode == 0, done.stderr
    store = tb.open_store(tmp_path / "trainboard.db")
    one, other = (run.id for run in store.runs())
    assert np.allclose(loss_of(store, one), loss_of(store, other), rtol=1e-3)
    assert size_of(store, one) == size_of(store, other) == 8 * 16 + 16


def test_twins_of_a_small_network_part_at_the_setting_that_differs(tmp_path: Path) -> None:
    done = run_example([str(EXAMPLES / "twin_cnn.py")], tmp_path)
    assert done.returncode == 0, done.stderr
    store = tb.open_store(tmp_path / "trainboard.db")
    runs = {run.name: run.id for run in store.runs()}
    pair = runs["torch-cnn"], runs["keras-cnn"]
    one, other = (store.records(run, "graph", "graph")[0].value for run in pair)
    told = compare(store, pair, (one, other), 1e-3)
    first = told["rows"][told["first"]]
    assert (first["left"]["op"], first["right"]["op"]) == ("BatchNorm2d", "BatchNormalization")
    assert first["settings"] == ["eps 1e-05 and 0.001"]
    assert told["rows"][told["first"] - 1]["difference"] < 1e-5
    assert all(row["left"] and row["right"] for row in told["rows"])


def loss_of(store: Store, run: str) -> list[float]:
    return store.points(run, "train/loss").value.tolist()


def size_of(store: Store, run: str) -> int:
    (graph,) = store.records(run, "graph", "graph")
    return sum(node.parameters for node in graph.value.nodes)


def test_an_example_that_is_interrupted_fails_and_its_run_says_stopped(tmp_path: Path) -> None:
    store = tb.open_store(tmp_path / "store.db", create=True)
    words = [sys.executable, "-m", "trainboard.examples.torch_digits", "--store", str(tmp_path / "store.db")]
    process = subprocess.Popen(words, stderr=subprocess.DEVNULL, cwd=tmp_path)
    try:
        eventually(lambda: any(store.series(run.id) for run in store.runs()))
        process.send_signal(signal.SIGINT)
        assert process.wait(300) != 0
    finally:
        process.kill()
        process.wait()
    (run,) = store.runs()
    assert run.status == "stopped"


def test_the_gan_logs_its_samples_as_it_learns(tmp_path: Path) -> None:
    store, run = finished([str(EXAMPLES / "gan_digits.py"), "--epochs", "2"], tmp_path)
    kinds = {one.tag: (one.kind, one.count) for one in store.series(run.id)}
    assert kinds["samples"] == ("image", 2) and kinds["progress"] == ("video", 1)
    assert store.records(run.id, "progress", "video")[0].value.frames == 2
    assert store.points(run.id, "loss/generator").step[-1] == 226


def test_the_fit_of_a_mesh_is_logged_as_it_goes(tmp_path: Path) -> None:
    store, run = finished([str(EXAMPLES / "mesh_fit.py"), "--steps", "40"], tmp_path)
    meshes = store.records(run.id, "fit", "mesh")
    assert [one.step for one in meshes] == [0, 10, 20, 30, 40]
    assert (meshes[-1].value.vertices.shape, len(meshes[-1].value.faces)) == ((2400, 3), 4680)
    loss = store.points(run.id, "train/loss").value
    assert loss[-1] < 0.2 * loss[0]


def test_the_topics_of_texts_are_learnt_and_shown(tmp_path: Path) -> None:
    store, run = finished([str(EXAMPLES / "text_embeddings.py"), "--epochs", "3"], tmp_path)
    curves = [one.tag for one in store.series(run.id) if one.kind == "pr_curve"]
    assert curves == ["pr/files", "pr/network", "pr/numbers", "pr/threads"]
    assert run.summary["val/accuracy"] > 0.6
    words = store.records(run.id, "words", "embedding")[-1].value
    assert (words.vectors.shape, words.columns) == ((599, 16), ["topic", "word"])
    assert store.records(run.id, "mistakes", "table")[0].value.columns == ["text", "about", "taken for"]
