"""Every registered kind, by the same contract: from a spool's frames into the store and out again."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sqlalchemy import func, select
from tensorboard.compat.proto.summary_pb2 import HistogramProto, Summary
from tensorboard.util.tensor_util import make_tensor_proto

from trainboard.storage import Store, open_store
from trainboard.storage.kinds import KINDS
from trainboard.storage.kinds.audio import Audio
from trainboard.storage.kinds.base import Encoded
from trainboard.storage.kinds.confusion_matrix import ConfusionMatrix
from trainboard.storage.kinds.embedding import Embedding
from trainboard.storage.kinds.event import Event
from trainboard.storage.kinds.figure import Figure
from trainboard.storage.kinds.graph import Edge, Graph, Node
from trainboard.storage.kinds.histogram import Histogram
from trainboard.storage.kinds.image import Image
from trainboard.storage.kinds.layer_stats import LayerStats
from trainboard.storage.kinds.layout import Layout
from trainboard.storage.kinds.mesh import Mesh
from trainboard.storage.kinds.moments import Moments
from trainboard.storage.kinds.pr_curve import PRCurve
from trainboard.storage.kinds.raw import Raw
from trainboard.storage.kinds.table import Table
from trainboard.storage.kinds.text import Text
from trainboard.storage.kinds.trace import Trace
from trainboard.storage.kinds.video import Video
from trainboard.storage.schema import blobs

SAMPLES: dict[str, Callable[[], list[Any]]] = {
    "scalar": lambda: [0.5, -0.0, math.inf, math.nan, 5e-324],
    "histogram": lambda: [
        Histogram(),
        replace(Histogram(), source=Summary.Value(histo=HistogramProto(num=3)).SerializeToString()),
        Histogram.from_values([math.nan, math.inf, 0.0]),
        Histogram.from_values(np.random.default_rng(0).normal(size=1000)),
    ],
    "image": lambda: [
        replace(Image.from_array(np.zeros((1, 1), np.uint8)), samples=10**9),
        Image.from_array(np.random.default_rng(0).random((9, 7, 3)), "noise"),
        Image.from_array(np.zeros((9, 7), np.uint8)).labelled(
            {"truth": {"box_data": [{"position": {"minX": 0, "maxX": 1, "minY": 0.5, "maxY": 1}}]}},
            {"truth": {"mask_data": np.eye(9, 7, dtype=int), "class_labels": {1: "half \ud800"}}},
        ),
    ],
    "audio": lambda: [
        replace(Audio.from_array(np.zeros(0), 8_000), samples=2),
        Audio.from_array(np.random.default_rng(0).uniform(-1, 1, (50, 2)), 8_000, "noise"),
    ],
    "video": lambda: [
        Video(b"", "mp4"),
        Video(b"\0\0\0\x18ftypmp42", "mp4"),
        Video.from_array(np.random.default_rng(0).random((3, 9, 7, 3)), 12.5, "noise"),
    ],
    "text": lambda: [
        Text(""),
        Text("| a |", "markdown", Summary.Value(tensor=make_tensor_proto([["a"]])).SerializeToString()),
        Text("# a *title*", "markdown"),
        Text("nul \0 and half a pair \ud800"),
    ],
    "table": lambda: [
        Table([], []),
        Table(
            ["name", "half \ud800"], [["ä", 1], [None, math.inf], [True, -0.0], ["", 2**70], ["", math.nan]]
        ),
    ],
    "figure": lambda: [
        Figure([]),
        Figure([{"type": "bar", "y": [1, 2.5]}], {"title": {"text": "<b>"}}, [{"name": "one"}]),
    ],
    "pr_curve": lambda: [
        PRCurve.from_counts(*np.zeros((6, 1))),
        PRCurve.from_predictions([1, 0, 1], [0.9, 0.2, 0.4]),
    ],
    "confusion_matrix": lambda: [
        ConfusionMatrix.from_matrix([[math.nan]]),
        ConfusionMatrix.from_predictions([0, 2, 1], [0, 1, 1], ["a", "b", "ä"]),
    ],
    "embedding": lambda: [
        Embedding(np.zeros((0, 3), np.float32)),
        Embedding(
            np.random.default_rng(0).normal(size=(4, 5)).astype(np.float32),
            ["name", "n"],
            [["ä", 1], ["b", None], ["", math.nan], ["d", 2.5]],
            b"png",
            (2, 3),
        ),
    ],
    "mesh": lambda: [
        Mesh(np.zeros((0, 3), np.float32)),
        Mesh.from_arrays(np.eye(3), np.eye(3) * 300, [[0, 1, 2]], {"camera": {"fov": 75}}),
    ],
    "layout": lambda: [Layout([]), Layout.from_categories({"a": {"b": ["Multiline", ["loss/.*"]]}})],
    "trace": lambda: [Trace(b""), Trace.from_bytes(b'{"traceEvents": []}', "steps 1 to 3")],
    "graph": lambda: [
        Graph([], []),
        Graph(
            [Node("1", "conv", "Conv2d", "net", [[None, 3]], flops=7), Node("2", "relu", "ReLU")],
            [Edge("1", "2", "3")],
        ),
    ],
    "layer_stats": lambda: [
        LayerStats.of({}),
        LayerStats.of({"fc.weight": Moments(), "ümlaut": Moments(4, 1, 1, 1, 0, 2.0, 2.0, 2.0, 4.0)}),
        LayerStats.of({"fc": Moments(2, 0, 0, 0, 0, 1.0, 1e300, 1e300, 1e300)}, {"fc": 1e-3}),
    ],
    "event": lambda: [
        Event(""),
        Event("Not finite: fc", "half a pair \ud800", "error", {"ring": [{"norm": math.inf}], "step": 3}),
    ],
    "raw": lambda: [Raw("", b""), Raw("beholder", b"\0\xff", "file")],
}
RECORDS = [name for name, kind in KINDS.items() if kind.stored == "records"]


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    opened = open_store(store_url, create=True)
    yield opened
    opened.close()


def same(kind: str, one: Any, other: Any) -> bool:
    """Whether two values are the same to the last bit: their encodings are."""
    encode = KINDS[kind].encode
    return bool(encode(one).to_bytes() == encode(other).to_bytes())


def test_every_kind_has_samples() -> None:
    assert list(SAMPLES) == list(KINDS)


@pytest.mark.parametrize("name", KINDS)
def test_a_value_is_the_same_after_encoding(name: str) -> None:
    kind = KINDS[name]
    for value in SAMPLES[name]():
        assert isinstance(value, kind.type)
        back = kind.decode(Encoded.from_bytes(kind.encode(value).to_bytes()))
        assert type(back) is type(value) and same(name, back, value)


@pytest.mark.parametrize("name", RECORDS)
def test_records_go_through_the_spool_into_the_store_and_out(name: str, store: Store, segment: Any) -> None:
    values = SAMPLES[name]()
    made = segment(project="digits")
    for step, value in enumerate(values):
        made.record("sample", name, KINDS[name].encode(value).to_bytes(), 10 * step)
    assert store.ingest("spool").feed(0, made.data, 0) == len(made.data)
    found = store.records("run", "sample", name)
    assert [(each.step, each.wall_time) for each in found] == [
        (10 * step, 1000.0 + 10 * step) for step in range(len(values))
    ]
    assert all(same(name, each.value, value) for each, value in zip(found, values, strict=True))
    (series,) = store.series("run")
    assert (series.kind, series.count, series.last_step) == (name, len(values), 10 * (len(values) - 1))


@pytest.mark.parametrize("name", RECORDS)
def test_records_are_read_by_window_limit_and_index(name: str, store: Store, segment: Any) -> None:
    value = SAMPLES[name]()[0]
    made = segment(project="digits")
    for step in (30, 10, 20, *range(40, 100)):
        made.record("sample", name, KINDS[name].encode(value).to_bytes(), step)
    store.ingest("spool").feed(0, made.data, 0)
    steps, walls, indices = store.record_index("run", "sample", name)
    assert steps.tolist() == [10, 20, 30, *range(40, 100)]
    assert walls[0] == 1010.0 and indices[:3].tolist() == [1, 2, 0]
    assert [each.step for each in store.records("run", "sample", name, window=(20, 40))] == [20, 30, 40]
    few = [each.step for each in store.records("run", "sample", name, limit=5)]
    assert len(few) == 5 and (few[0], few[-1]) == (10, 99)
    assert [each.step for each in store.records("run", "sample", name, limit=1)] == [99]
    assert store.record_at("run", "sample", name, 1).step == 10
    with pytest.raises(IndexError, match="no record 63"):
        store.record_at("run", "sample", name, 63)


@pytest.mark.parametrize("name", [name for name in RECORDS if KINDS[name].blob])
def test_a_body_that_is_logged_again_is_stored_once(name: str, store: Store, segment: Any) -> None:
    for spool in range(3):
        made = segment(run=f"run-{spool}", project="digits")
        for step in range(4):
            made.record("sample", name, KINDS[name].encode(SAMPLES[name]()[-1]).to_bytes(), step)
        store.ingest(f"spool-{spool}").feed(0, made.data, 0)
    with store.reading() as connection:
        assert connection.scalar(select(func.count()).select_from(blobs)) == 1
    assert same(name, store.record_at("run-2", "sample", name, 3).value, SAMPLES[name]()[-1])


def test_scalars_go_through_the_spool_into_the_store_and_out(store: Store, segment: Any) -> None:
    values = SAMPLES["scalar"]()
    made = segment(project="digits")
    for step, value in enumerate(values):
        made.scalars(step, {"sample": value})
    store.ingest("spool").feed(0, made.data, 0)
    assert store.points("run", "sample").value.tobytes() == np.array(values).tobytes()


# The dashboard's half of the contract: each kind's card draws no data, one point, and SAMPLES.
