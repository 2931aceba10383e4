"""Whatever PyTorch's SummaryWriter takes, ours takes without a warning and keeps as the right kind."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import trainboard as tb
from trainboard import SummaryWriter
from trainboard.loggers.warn import TrainboardWarning

torch = pytest.importorskip("torch")
plt = pytest.importorskip("matplotlib.pyplot")

COUNTS = [[9, 4, 0], [6, 2, 0], [0, 4, 6], [0, 5, 9], [0.6, 0.67, 0.0], [1.0, 0.44, 0.0]]
TETRAHEDRON = np.array([[[1, 1, 1], [-1, -1, 1], [1, -1, -1], [-1, 1, -1]]], np.float64)
FACES = np.array([[[0, 2, 3], [0, 3, 1], [0, 1, 2], [1, 3, 2]]])
BOXES = np.array([[2, 2, 9, 9], [8, 8, 14, 14]])
POINTS = torch.tensor([[1.0, 2.0, 3.0], [5.0, 4.0, 1.0], [3.0, 7.0, 7.0]])


class Named(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = torch.nn.Linear(3, 2)

    def forward(self, x: Any) -> Any:
        return {"out": self.inner(x)}


def plotted() -> Any:
    figure, axes = plt.subplots()
    axes.plot([1, 2])
    return figure


CALLS: dict[str, list[Callable[[SummaryWriter], None]]] = {
    "scalar": [
        lambda w: w.add_scalar("x", torch.rand(1, requires_grad=True), 0),
        lambda w: w.add_scalar("x", np.longdouble(1.5), torch.tensor(1)),
        lambda w: w.add_scalar("x", 2**63, np.int64(2),  # type: ignore[arg-type]
        walltime=0),
        lambda w: w.add_scalar("x", np.float16(1), 3, new_style=True, double_precision=True),
        lambda w: w.add_scalar("x", True),
    ],
    "histogram": [
        lambda w: w.add_histogram("x", torch.randint(0, 100, (50,))),
        lambda w: w.add_histogram("x", torch.rand(5, dtype=torch.bfloat16), 1, walltime=1.0),
        lambda w: w.add_histogram("x", np.random.rand(4, 4), bins="auto", max_bins=5),
        lambda w: w.add_histogram("x", [1, 3, 4], bins="doane"),
        lambda w: w.add_histogram("x", np.arange(10.0), bins=[0, 1, 5, 10]),
        lambda w: w.add_histogram("x", np.zeros(0)),
        lambda w: w.add_histogram_raw("x", 0, 3, 4, 6, 14, [1, 2, 4], [1, 1, 2]),
        lambda w: w.add_histogram_raw("x", 0.0, 3.0, 4, 6.0, 14.0, torch.arange(4), torch.ones(4), 5),
    ],
    "image": [
        lambda w: w.add_image("x", np.arange(64.0).reshape(1, 8, 8)),
        lambda w: w.add_image("x", torch.rand(8, 8), 1, dataformats="HW"),
        lambda w: w.add_image("x", torch.rand(8, 8, 4), dataformats="HWC"),
        lambda w: w.add_images("x", np.zeros((9, 3, 8, 8), np.uint8), 1),
        lambda w: w.add_images("x", torch.rand(2, 8, 8, 3), dataformats="NHWC"),
        lambda w: w.add_image_with_boxes("x", np.zeros((3, 16, 16)), BOXES, 1),
        lambda w: w.add_image_with_boxes(
            "x", torch.zeros(16, 16, 3), torch.tensor(BOXES), rescale=2, dataformats="HWC", labels=["a", "b"]
        ),
        lambda w: w.add_figure("x", plotted(), 1, close=True),
        lambda w: w.add_figure("x", [plotted(), plotted()], 2, walltime=1.0),
    ],
    "audio": [
        lambda w: w.add_audio("x", np.zeros(882), 0),
        lambda w: w.add_audio("x", torch.rand(1, 100), 1, sample_rate=8000),
    ],
    "video": [
        lambda w: w.add_video("x", np.random.rand(3, 4, 1, 8, 8).astype(np.float32)),
        lambda w: w.add_video("x", torch.zeros(1, 2, 3, 8, 8, dtype=torch.uint8), 1, fps=2),
    ],
    "text": [lambda w: w.add_text("x", "a|b\n-|-\nc|d", 3, walltime=1.0)],
    "pr_curve": [
        lambda w: w.add_pr_curve("x", np.array([0, 1]), np.array([0.2, 0.9]), 0),
        lambda w: w.add_pr_curve("x", torch.tensor([0, 1]), torch.tensor([0.2, 0.9]), 0, 10, torch.ones(2)),
        lambda w: w.add_pr_curve_raw("x", *COUNTS, global_step=1, num_thresholds=3),
    ],
    "mesh": [
        lambda w: w.add_mesh("x", TETRAHEDRON, np.full((1, 4, 3), 255), FACES),
        lambda w: w.add_mesh("x", torch.tensor(TETRAHEDRON), config_dict={"camera": {"fov": 75}}),
    ],
    "embedding": [
        lambda w: w.add_embedding(POINTS, torch.tensor([33.0, 44.0, 55.0]), torch.zeros(3, 3, 5, 5), 2, "x"),
        lambda w: w.add_embedding(POINTS, list(zip(POINTS[0], "abc", strict=True)), None, 2, "x", ["n", "s"]),
        lambda w: w.add_embedding(np.eye(3), ["a", "b", "c"], np.zeros((3, 1, 2, 2)), tag="x"),
    ],
    "graph": [
        lambda w: w.add_graph(Named(), torch.zeros(1, 3), use_strict_trace=False),
        lambda w: w.add_graph(torch.nn.Linear(3, 5), (torch.zeros(1, 3),), verbose=False),
    ],
    "layout": [
        lambda w: w.add_custom_scalars({"a": {"b": ["Margin", ["x", "y", "z"]]}}),
        lambda w: w.add_custom_scalars_multilinechart(["x"], category="c", title="t"),
        lambda w: w.add_custom_scalars_marginchart(["x", "y", "z"]),
    ],
    "table": [
        lambda w: w.add_tensor("x", torch.tensor(0.5)),
        lambda w: w.add_tensor("x", torch.ones(2, 3, dtype=torch.bfloat16), 1, walltime=1.0),
        lambda w: w.add_tensor("x", torch.complex(torch.ones(2), torch.ones(2))),
        lambda w: w.add_tensor("x", torch.empty(0)),
    ],
}  # fmt: skip


@pytest.mark.parametrize("kind", CALLS)
def test_what_pytorchs_writer_takes_is_kept(kind: str, tmp_path: Path) -> None:
    with warnings.catch_warnings(), SummaryWriter(tmp_path / "net", store=tmp_path / "s.db") as writer:
        warnings.simplefilter("error")
        for call in CALLS[kind]:
            call(writer)
    assert writer.file_writer is None
    store = tb.open_store(tmp_path / "s.db")
    (run,) = store.runs()
    (series,) = store.series(run.id)
    assert (series.kind, series.count) == (kind, len(CALLS[kind]))


def test_a_graph_is_refused_as_pytorchs_writer_refuses_it_and_kept_all_the_same(tmp_path: Path) -> None:
    with SummaryWriter(tmp_path / "net", store=tmp_path / "s.db") as writer:
        with pytest.warns(TrainboardWarning), pytest.raises(RuntimeError, match="multiplied"):
            writer.add_graph(torch.nn.Linear(3, 5), torch.zeros(1, 9))
        with pytest.raises(RuntimeError, match="use_strict_trace=False"):
            writer.add_graph(Named(), torch.zeros(1, 3))
    store = tb.open_store(tmp_path / "s.db")
    wrong, named = (record.value for record in store.records(store.runs()[0].id, "graph", "graph"))
    assert wrong.partial and not named.partial
