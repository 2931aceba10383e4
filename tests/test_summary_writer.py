"""SummaryWriter beside PyTorch's own: the same interface, and the same values from the same calls."""

from __future__ import annotations

import inspect
import io
import json
import subprocess
import sys
import warnings
import wave
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as pil

import trainboard as tb
from trainboard import SummaryWriter
from trainboard.loggers.summary_base import _run_name
from trainboard.loggers.warn import TrainboardWarning
from trainboard.storage import Store

torch = pytest.importorskip("torch")
peer = pytest.importorskip("torch.utils.tensorboard")
accumulators = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")

METHODS = [
    name
    for name, _ in inspect.getmembers(peer.SummaryWriter, inspect.isfunction)
    if not name.startswith("_") or name in ("__init__", "__enter__", "__exit__")
]
RNG = np.random.default_rng(0)


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    yield f"sqlite:///{tmp_path / 'runs.db'}"


class Twice:
    """What one program leaves in a store and, through PyTorch's own writer, in event files."""

    def __init__(self, folder: Path, url: str, program: Callable[[Any], None]) -> None:
        with SummaryWriter(folder / "logs" / "net", store=url, tensorboard=True) as writer:
            program(writer)
        self.run = writer._run.id
        self.store: Store = tb.open_store(url)
        self.events = accumulators.EventAccumulator(str(folder / "logs" / "net"))
        self.events.Reload()

    def value(self, tag: str, kind: str) -> Any:
        return self.store.records(self.run, tag, kind)[-1].value

    def tensor(self, tag: str) -> Any:
        from tensorboard.util import tensor_util

        return tensor_util.make_ndarray(self.events.Tensors(tag)[-1].tensor_proto)


@pytest.fixture
def twice(tmp_path: Path, url: str) -> Callable[[Callable[[Any], None]], Twice]:
    return lambda program: Twice(tmp_path, url, program)


@pytest.mark.parametrize("name", METHODS)
def test_a_method_takes_the_same_arguments_with_the_same_defaults(name: str) -> None:
    ours = inspect.signature(getattr(SummaryWriter, name)).parameters.values()
    theirs = inspect.signature(getattr(peer.SummaryWriter, name)).parameters.values()
    if name != "__exit__":
        positional = [(one.name, one.default) for one in ours if one.kind is not one.KEYWORD_ONLY]
        assert positional == [(one.name, one.default) for one in theirs]
    assert len(ours) >= len(theirs)


def test_scalars_are_the_same(twice: Any) -> None:
    def program(writer: Any) -> None:
        for step in range(5):
            writer.add_scalar("loss", torch.tensor(1.0 / (step + 1)), step, walltime=100.0 + step)
            writer.add_scalar("new", 0.1, step, new_style=True)
        writer.add_scalar("without a step", 3)

    made = twice(program)
    points = made.store.points(made.run, "loss")
    theirs = made.events.Scalars("loss")
    assert points.step.tolist() == [one.step for one in theirs]
    assert points.value.astype(np.float32).tolist() == [one.value for one in theirs]
    assert points.wall_time.tolist() == [one.wall_time for one in theirs]
    assert made.store.points(made.run, "new").value.tolist() == [0.1] * 5
    assert made.store.points(made.run, "without a step").step.tolist() == [0]


def test_scalars_of_one_tag_are_series_of_one_run(tmp_path: Path, url: str) -> None:
    with SummaryWriter(tmp_path / "net", store=url) as writer:
        writer.add_scalars("loss", {"train": 1.0, "val": 2.0}, 3)
    store = tb.open_store(url)
    (run,) = store.runs()
    assert [(one.tag, one.last_step) for one in store.series(run.id)] == [("loss/train", 3), ("loss/val", 3)]


def test_histograms_hold_the_same_values(twice: Any) -> None:
    values = RNG.normal(size=1000).astype(np.float32)
    counts, edges = np.histogram(values, 20)
    raw = {
        "min": values.min(), "max": values.max(), "num": 1000, "sum": values.sum(),
        "sum_squares": values @ values, "bucket_limits": edges[1:].tolist(), "bucket_counts": counts.tolist(),
    }  # fmt: skip

    def program(writer: Any) -> None:
        writer.add_histogram("h", torch.from_numpy(values), 1)
        writer.add_histogram_raw("raw", **raw, global_step=1)

    made = twice(program)
    for tag in ("h", "raw"):
        ours, theirs = made.value(tag, "histogram"), made.events.Histograms(tag)[0].histogram_value
        assert ours.count == theirs.num == 1000
        assert (ours.minimum, ours.maximum) == pytest.approx((theirs.min, theirs.max))
        assert (ours.sum, ours.sum_squares) == pytest.approx((theirs.sum, theirs.sum_squares), rel=1e-5)
        limits = np.array([theirs.min, *theirs.bucket_limit]).clip(theirs.min, theirs.max)
        below = np.interp(limits, *spread_evenly(ours))
        assert np.abs(below - np.append(0, np.cumsum(theirs.bucket))).max() < 30


def spread_evenly(histogram: Any) -> tuple[Any, Any]:
    """Values, and how many lie below each, at a thousand places."""
    edges, counts = histogram.linear(1000)
    return edges, np.append(0, counts.cumsum())


PICTURES: dict[str, Callable[[Any], None]] = {
    "float": lambda w: w.add_image("x", torch.rand(3, 8, 9, generator=torch.manual_seed(0))),
    "uint8": lambda w: w.add_image("x", np.arange(192, dtype=np.uint8).reshape(3, 8, 8)),
    "out of range": lambda w: w.add_image("x", np.linspace(-2, 2, 192).reshape(3, 8, 8)),
    "grey": lambda w: w.add_image("x", np.linspace(0, 1, 64).reshape(8, 8), dataformats="HW"),
    "channels last": lambda w: w.add_image("x", np.linspace(0, 1, 96).reshape(4, 8, 3), dataformats="HWC"),
    "grid": lambda w: w.add_images("x", np.linspace(0, 1, 11 * 60).reshape(11, 3, 4, 5)),
    "grey grid": lambda w: w.add_images("x", np.linspace(0, 1, 60).reshape(3, 4, 5, 1), dataformats="NHWC"),
    "boxes": lambda w: w.add_image_with_boxes(
        "x", np.zeros((3, 64, 64)), np.array([[10, 10, 40, 40], [4, 40, 60, 60]]), labels=["cat", "dog"]
    ),
    "rescaled": lambda w: w.add_image_with_boxes(
        "x", torch.ones(3, 40, 30), torch.tensor([[1.0, 1, 20, 20]]), rescale=2
    ),
}


@pytest.mark.parametrize("name", PICTURES)
def test_pictures_are_the_same_to_the_pixel(name: str, twice: Any) -> None:
    made = twice(PICTURES[name])
    ours = pil.open(io.BytesIO(made.value("x", "image").png)).convert("RGB")
    theirs = pil.open(io.BytesIO(made.events.Images("x")[0].encoded_image_string)).convert("RGB")
    assert ours.size == theirs.size
    assert np.array_equal(np.asarray(ours), np.asarray(theirs))


def test_figures_of_matplotlib_are_the_same_to_the_pixel_and_are_closed(twice: Any) -> None:
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    from matplotlib import pyplot

    def figure(height: float) -> Any:
        made, axes = pyplot.subplots(figsize=(2, 1))
        axes.bar([1, 2], [height, 3])
        return made

    made = twice(lambda w: (w.add_figure("one", figure(1)), w.add_figure("list", [figure(1), figure(2)])))
    for tag in ("one", "list"):
        ours = pil.open(io.BytesIO(made.value(tag, "image").png)).convert("RGB")
        theirs = pil.open(io.BytesIO(made.events.Images(tag)[0].encoded_image_string)).convert("RGB")
        assert np.array_equal(np.asarray(ours), np.asarray(theirs))
    assert pyplot.get_fignums() == []


def test_sounds_have_the_same_samples(twice: Any) -> None:
    samples = RNG.uniform(-1, 1, (1, 500)).astype(np.float32)
    made = twice(lambda w: w.add_audio("a", torch.from_numpy(samples), 2, sample_rate=8000))
    ours, theirs = made.value("a", "audio"), made.events.Audio("a")[0]
    assert (ours.sample_rate, ours.frames) == (theirs.sample_rate, theirs.length_frames) == (8000, 500)

    def read(data: bytes) -> bytes:
        with wave.open(io.BytesIO(data)) as file:
            return file.readframes(file.getnframes())

    assert read(ours.wav) == read(theirs.encoded_audio_string)


def test_texts_are_the_same(twice: Any) -> None:
    made = twice(lambda w: w.add_text("note", "a|b\n-|-\nc|d", 1))
    assert made.value("note", "text").format == "markdown"
    assert made.value("note", "text").text.encode() == made.tensor("note/text_summary")[0]


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16])
@pytest.mark.parametrize("weights", [None, 0.5, "each"])
def test_pr_curves_are_the_same(twice: Any, dtype: Any, weights: Any) -> None:
    labels, predictions = RNG.integers(0, 2, 500), RNG.random(500).astype(dtype)
    predictions[:127] = np.linspace(0, 1, 127)
    each = RNG.random(500) if weights == "each" else weights
    made = twice(lambda w: w.add_pr_curve("p", labels, torch.from_numpy(predictions), 1, weights=each))
    ours = np.stack(made.value("p", "pr_curve").rows)
    assert ours.shape == (6, 127)
    np.testing.assert_allclose(ours, made.tensor("p"), rtol=1e-5, atol=1e-4)


def test_raw_pr_curves_are_the_same(twice: Any) -> None:
    rows = [[75, 64, 5], [150, 105, 0], [0, 45, 150], [0, 11, 70], [0.33, 0.37, 1.0], [1.0, 0.85, 0.06]]
    made = twice(lambda w: w.add_pr_curve_raw("p", *rows, num_thresholds=3))
    np.testing.assert_allclose(np.stack(made.value("p", "pr_curve").rows), made.tensor("p"), rtol=1e-6)


def test_meshes_are_the_same(twice: Any) -> None:
    corners = RNG.normal(size=(1, 4, 3))
    colors, faces = RNG.integers(0, 256, (1, 4, 3)), np.array([[[0, 2, 3], [0, 3, 1]]])
    made = twice(lambda w: w.add_mesh("m", torch.from_numpy(corners), colors, faces, {"camera": 1}))
    ours = made.value("m", "mesh")
    assert ours.config == {"camera": 1}
    for suffix, array in (("VERTEX", ours.vertices), ("COLOR", ours.colors), ("FACE", ours.faces)):
        np.testing.assert_allclose(array[np.newaxis], made.tensor(f"m_{suffix}"), rtol=1e-6)


def test_videos_have_the_pixels_of_the_grid_they_are_laid_out_in(tmp_path: Path, url: str) -> None:
    from torch.utils.tensorboard import _utils

    clips = RNG.random((5, 4, 3, 6, 7))
    with SummaryWriter(tmp_path / "net", store=url) as writer:
        writer.add_video("v", torch.from_numpy(clips), 1, fps=8)
    store = tb.open_store(url)
    value = store.records(store.runs()[0].id, "v", "video")[0].value
    expected = (_utils._prepare_video(clips).astype(np.float32) * 255).clip(0, 255).astype(np.uint8)
    with pil.open(io.BytesIO(value.data)) as file:
        for number, frame in enumerate(expected):
            file.seek(number)
            assert np.array_equal(np.asarray(file.convert("RGB")), frame)
    assert (value.frames, value.fps) == (4, 8)


def test_hyper_parameters_become_the_config_and_those_of_a_search_runs_of_their_own(
    tmp_path: Path, url: str
) -> None:
    with SummaryWriter(tmp_path / "search", store=url) as writer:
        for lr in (0.1, 0.2, 0.3):
            writer.add_hparams({"lr": lr, "bn": True}, {"accuracy": 1 - lr}, global_step=7)
    runs = tb.open_store(url).runs()
    assert sorted(run.config["lr"] for run in runs) == [0.1, 0.2, 0.3]
    assert {run.status for run in runs} == {"finished"}
    for run in runs:
        assert run.summary == {"accuracy": 1 - run.config["lr"]}
    assert [run.group is None for run in runs].count(True) == 1


def test_embeddings_graphs_tensors_and_layouts_land_in_the_store(tmp_path: Path, url: str) -> None:
    with SummaryWriter(tmp_path / "net", store=url) as writer:
        pictures = torch.rand(3, 3, 5, 6)
        names = [["a", 1], ["b", 2], ["c", 3]]
        writer.add_embedding(torch.eye(3), names, pictures, 2, "words", ["name", "number"])
        writer.add_embedding(np.eye(3), torch.tensor([1.0, 2.0, 3.0]))
        writer.add_graph(torch.nn.Linear(3, 5), torch.zeros(1, 3))
        writer.add_tensor("t", torch.arange(24).reshape(2, 3, 4))
        writer.add_custom_scalars({"a": {"b": ["Margin", ["x", "y", "z"]]}})
        writer.add_custom_scalars_multilinechart(["x"], "c")
        writer.add_custom_scalars_marginchart(["x", "y", "z"])
    store = tb.open_store(url)
    (run,) = store.runs()
    words = store.records(run.id, "words", "embedding")[0]
    assert (words.step, words.value.columns, words.value.metadata) == (2, ["name", "number"], names)
    assert pil.open(io.BytesIO(words.value.sprite)).size == (12, 10)
    assert store.records(run.id, "default", "embedding")[0].value.metadata == [[1.0], [2.0], [3.0]]
    assert len(store.records(run.id, "graph", "graph")[0].value.nodes) > 0
    assert store.records(run.id, "t", "table")[0].value.rows[-1] == [20, 21, 22, 23]
    layouts = [each.value.charts[0] for each in store.records(run.id, "custom_scalars", "layout")]
    assert [(chart.category, chart.type) for chart in layouts] == [
        ("a", "margin"), ("c", "multiline"), ("default", "margin"),
    ]  # fmt: skip


def test_the_graph_of_an_onnx_file_is_drawn(tmp_path: Path, url: str) -> None:
    onnx = pytest.importorskip("onnx")
    node = onnx.helper.make_node("Relu", ["x"], ["y"], name="act")
    ends = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [2]) for name in "xy"]
    graph = onnx.helper.make_graph([node], "net", ends[:1], ends[1:])
    onnx.save(onnx.helper.make_model(graph), tmp_path / "net.onnx")
    with SummaryWriter(tmp_path / "net", store=url) as writer:
        writer.add_onnx_graph(str(tmp_path / "net.onnx"))
    store = tb.open_store(url)
    (record,) = store.records(store.runs()[0].id, "graph", "graph")
    assert "Relu" in [node.op for node in record.value.nodes]


def test_writers_are_runs_of_their_own_beside_the_current_one(tmp_path: Path, url: str) -> None:
    current = tb.init("p", "current", store=url)
    writers = [SummaryWriter(f"runs/lr{number}/train", store=url, project="p") for number in range(3)]
    for step in range(4):
        for number, writer in enumerate(writers):
            writer.add_scalar("loss", number, step)
        tb.log({"loss": -1}, step)
    for writer in writers:
        writer.close()
    assert tb.run is current
    current.finish()
    store = tb.open_store(url)
    last = {run.name: store.points(run.id, "loss").value.tolist() for run in store.runs(project="p")}
    assert last == {"current": [-1.0] * 4, **{f"lr{n}/train": [float(n)] * 4 for n in range(3)}}


def test_a_writer_nobody_closes_is_finished_when_the_program_ends(tmp_path: Path, url: str) -> None:
    program = f"""
from trainboard import SummaryWriter
import sys
for name in "ab":
    SummaryWriter("runs/" + name, store={url!r}).add_scalar("loss", 1.0, 2)
print(*[name for name in ("torch", "tensorboard") if name in sys.modules])
"""
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [] and done.stderr == ""
    assert not (tmp_path / "runs").exists()
    store = tb.open_store(url)
    assert [run.status for run in store.runs()] == ["finished"] * 2
    assert all(store.series(run.id)[0].count == 1 for run in store.runs())


def test_what_is_added_after_closing_continues_the_run(tmp_path: Path, url: str) -> None:
    writer = SummaryWriter(tmp_path / "net", store=url)
    writer.add_scalar("loss", 1.0, 0)
    writer.close()
    assert writer.file_writer is None
    writer.add_scalar("loss", 2.0, 1)
    file_writer: Any = writer.file_writer
    assert file_writer.get_logdir() == tmp_path / "net"
    writer.close()
    store = tb.open_store(url)
    (run,) = store.runs()
    assert store.points(run.id, "loss").value.tolist() == [1.0, 2.0]
    assert run.status == "finished"


def test_an_exception_in_the_block_marks_the_run_as_crashed(tmp_path: Path, url: str) -> None:
    with pytest.raises(RuntimeError, match="on purpose"), SummaryWriter(tmp_path / "net", store=url):
        raise RuntimeError("on purpose")
    (run,) = tb.open_store(url).runs()
    assert run.status == "crashed"


BAD_CALLS: dict[str, Callable[[Any], None]] = {
    "a word for a number": lambda w: w.add_scalar("x", "word"),
    "a shape that does not fit": lambda w: w.add_image("x", np.zeros((2, 3))),
    "unknown dataformats": lambda w: w.add_image("x", np.zeros((2, 3)), dataformats="XY"),
    "a flat video": lambda w: w.add_video("x", np.zeros((2, 3))),
    "too many rows of metadata": lambda w: w.add_embedding(np.eye(3), ["a"]),
    "predictions above one": lambda w: w.add_pr_curve("x", [0, 1], [0.5, 7.0]),
    "two tags for a band": lambda w: w.add_custom_scalars_marginchart(["a", "b"]),
    "lists for hyper-parameters": lambda w: w.add_hparams([], []),
    "an ONNX file that is not there": lambda w: w.add_onnx_graph("net.onnx"),
    "counts that do not fit limits": lambda w: w.add_histogram_raw("x", 0, 1, 2, 1, 1, [1], [1, 2]),
}


@pytest.mark.parametrize("name", BAD_CALLS)
def test_a_bad_call_warns_once_and_training_goes_on(name: str, tmp_path: Path, url: str) -> None:
    with SummaryWriter(tmp_path / "net", store=url) as writer:
        with pytest.warns(TrainboardWarning):
            BAD_CALLS[name](writer)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            BAD_CALLS[name](writer)
        writer.add_scalar("after", 1.0)
    store = tb.open_store(url)
    assert [one.tag for one in store.series(store.runs()[0].id)] == ["after"]


@pytest.mark.parametrize(
    ("log_dir", "name"),
    [
        ("runs/lr0.1/train", "lr0.1/train"),
        ("runs", "runs"),
        ("./runs/a", "a"),
        ("/data/logs/net/seed1", "net/seed1"),
        ("/net", "net"),
    ],
)
def test_a_run_is_called_what_tensorboard_would_call_it(log_dir: str, name: str) -> None:
    assert _run_name(Path(log_dir)) == name


def test_a_layout_is_stored_as_json(tmp_path: Path) -> None:
    from trainboard.storage.kinds.layout import Layout, encode

    header = encode(Layout.from_categories({"a": {"b": ["Multiline", ["x"]]}})).header
    expected = {"charts": [{"category": "a", "title": "b", "type": "multiline", "tags": ["x"]}]}
    assert json.loads(json.dumps(header)) == expected
