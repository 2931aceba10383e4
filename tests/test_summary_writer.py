"""SummaryWriter beside PyTorch's own: the same interface, and the same values from the same calls."""

from __future__ import annotations

import inspect
import io
import json
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as pil
from writer_twins import torch

import trainboard as tb
from trainboard import SummaryWriter
from trainboard.loggers.summary_base import _run_name
from trainboard.loggers.warn import TrainboardWarning

pytest_plugins = ["writer_twins"]


peer = pytest.importorskip("torch.utils.tensorboard")
METHODS = [
    name
    for name, _ in inspect.getmembers(peer.SummaryWriter, inspect.isfunction)
    if not name.startswith("_") or name in ("__init__", "__enter__", "__exit__")
]


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    yield f"sqlite:///{tmp_path / 'runs.db'}"


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
