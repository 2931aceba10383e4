"""Traces are summed up within bounds: operators, layers and memory of real ones, and words for bad ones."""

from __future__ import annotations

import gzip
import json
import urllib.request
import zlib
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from dashboard_fixtures import Dashboard, served
from playwright.sync_api import Page, expect
from test_page_attacks import ATTACK, MADE_OF_ATTACKS

import trainboard as tb
from trainboard.dashboard.trace import content, reading, summary, timeline
from trainboard.dashboard.trace.content import BadTrace, Content
from trainboard.dashboard.trace.timeline import Drawing
from trainboard.storage.kinds.raw import Raw
from trainboard.storage.kinds.trace import Trace

XPLANE = (
    b"\n3\x12\t/host:CPU\x1a\x18\x12\x06python\x18\x88'\"\x0b\x08\x07\x10\x80\x89z\x18\xc0\x8d\xb7\x01"
    b'"\x0c\x08\x07\x12\x08\x12\x06MatMul'
)
"""A plane of the host with one thread, in which MatMul takes 3 µs from 7 µs on."""


class Net(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = torch.nn.Sequential(torch.nn.Linear(64, 512), torch.nn.ReLU())
        self.head = torch.nn.Linear(512, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.body(x))


def summarize(trace: bytes, is_xplane: bool = False) -> dict[str, Any]:
    return summary.summarize(Content(trace, is_xplane), Drawing())


def drawable(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    drawing = Drawing()
    for event in events:
        drawing.add(event)
    return drawing.events()


def bomb() -> bytes:
    """A trace of spaces that is larger than what is looked into when unpacked."""
    packer = zlib.compressobj(wbits=31)
    head = packer.compress(b"[") + packer.flush(zlib.Z_FULL_FLUSH)
    spaces = packer.compress(b" " * (1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    return head + spaces * ((content.MAX_BYTES >> 20) + 1)


@pytest.fixture(scope="module")
def profiled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Dashboard, Trace, str]]:
    """A dashboard of a run with a real trace of PyTorch and bad ones, that trace, and the run's id."""
    with served(tmp_path_factory.mktemp("trace")) as dashboard:
        store = dashboard.store
        model = Net()
        with tb.init("digits", "profiled", store=store.url) as run:
            with run.profile():
                for _ in range(3):
                    model(torch.randn(32, 64)).mean().backward()
            run.flush()
            (record,) = store.records(run.id, "profile/torch", "trace")
            hostile = [
                {"ph": "X", "pid": ATTACK, "tid": 1, "ts": at, "dur": 1, "name": ATTACK} for at in (0, 2)
            ]
            run.log({"hostile": Trace.from_bytes(json.dumps(hostile).encode(), ATTACK)})
            run.log({"profile/monday/host.xplane.pb": Raw("profile", XPLANE, "file")})
            run.log({"bomb": Trace(bomb()), "second bomb": Trace(bomb())})
        yield dashboard, record.value, run.id


def test_a_trace_of_pytorch_tells_operators_layers_and_memory(profiled: tuple[Dashboard, Trace, str]) -> None:
    told = summarize(profiled[1].gzipped)
    operators = {row["name"]: row for row in told["operators"]}
    assert operators["aten::addmm"]["calls"] == 6
    assert all(0 <= row["own"] <= row["total"] + 1 for row in told["operators"])
    layers = {row["name"]: row for row in told["layers"]}
    assert list(layers) == ["model", "body", "body.0", "body.1", "head"]
    assert (layers["head"]["kind"], layers["head"]["calls"]) == ("Linear", 3)
    assert layers["model"]["forward"] >= layers["body"]["forward"] + layers["head"]["forward"]
    assert layers["model"]["own"] < layers["model"]["forward"]
    assert layers["body.0"]["backward"] > 0 and layers["head"]["backward"] > 0
    (memory,) = told["memory"]
    assert memory["device"] == "CPU" and memory["peak"] >= 32 * 512 * 4


def test_a_profile_leaves_no_hook_on_modules_and_marks_a_call_that_failed(tmp_path: Any) -> None:
    from torch.nn.modules import module

    model = Net()
    before = len(module._global_forward_hooks), len(module._global_forward_pre_hooks)
    with tb.init("digits", store=tmp_path / "runs.db") as run:
        with run.profile():
            with pytest.raises(RuntimeError):
                model(torch.randn(2, 3))
            model(torch.randn(2, 64))
        run.flush()
        (record,) = tb.open_store(run.store).records(run.id, "profile/torch", "trace")
    assert (len(module._global_forward_hooks), len(module._global_forward_pre_hooks)) == before
    layers = {row["name"]: row["calls"] for row in summarize(record.value.gzipped)["layers"]}
    assert layers == {"model": 2, "body": 2, "body.0": 2, "body.1": 1, "head": 1}


def test_kernels_of_a_device_are_put_down_to_what_launched_them() -> None:
    op = {"ph": "X", "cat": "cpu_op", "pid": 1, "tid": 1, "name": "aten::mm", "ts": 10, "dur": 5}
    kernel = {"ph": "X", "cat": "kernel", "pid": 0, "tid": 7, "name": "gemm", "ts": 30, "dur": 40}
    layer = {
        "ph": "X",
        "cat": "user_annotation",
        "pid": 1,
        "tid": 1,
        "name": "layer: fc (Linear)",
        "ts": 9,
        "dur": 9,
    }
    linked = [one | {"args": {"External id": 3}} for one in (op, kernel)]
    told = summarize(gzip.compress(json.dumps({"traceEvents": [layer, *linked]}).encode()))
    rows = {row["name"]: row for row in told["operators"]}
    assert (rows["aten::mm"]["device"], rows["gemm"]["where"]) == (40, "GPU")
    assert told["layers"][0]["device"] == 40


def test_functions_of_tensorflow_are_told_by_layer() -> None:
    place = "StatefulPartitionedCall/sequential_1"
    names = [f"{place}/dense_1/MatMul:MatMul", f"{place}/dense_1/Cast/ReadVariableOp:ReadVariableOp"]
    names.append("StatefulPartitionedCall/gradient_tape/sequential_1/dense_1/MatMul:MatMul")
    names += [
        f"{place}/conv_1/convolution:Conv2D",
        f"{place}/conv_1/convolution/ReadVariableOp:ReadVariableOp",
    ]
    names += ["StatefulPartitionedCall/adam/Sqrt:Sqrt", "KernelAndDeviceFunc::Run", "StandAlone:GatherV2"]
    made = [{"ph": "X", "pid": 0, "tid": 0, "ts": 10 * at, "dur": 5, "name": n} for at, n in enumerate(names)]
    told = summarize(gzip.compress(json.dumps(made).encode()))
    layers = {layer["name"]: (layer["kind"], layer["forward"], layer["backward"]) for layer in told["layers"]}
    assert list(layers) == ["sequential_1/dense_1", "sequential_1/conv_1", "adam"], "the longest first"
    assert layers["sequential_1/dense_1"] == ("", 10, 5)
    assert layers["adam"] == ("optimizer", 5, 0)
    operators = {row["name"] for row in told["operators"]}
    assert operators == {"MatMul", "ReadVariableOp", "Conv2D", "Sqrt", "GatherV2"}, "and not the runtime"


def test_a_profile_of_xla_is_told_and_a_damaged_one_in_words() -> None:
    told = summarize(XPLANE, is_xplane=True)
    (row,) = told["operators"]
    assert (row["name"], row["own"], told["duration"]) == ("MatMul", 3.0, 3.0)
    for damaged in (XPLANE[:-3], b"\xff\xff\xff"):
        with pytest.raises(BadTrace, match="This profile is damaged"):
            summarize(damaged, is_xplane=True)
    with pytest.raises(BadTrace, match="no events"):
        summarize(b"", is_xplane=True)


WHOLE = json.dumps(
    {"traceEvents": [{"ph": "X", "pid": 1, "tid": 1, "ts": 1, "dur": 1, "name": "a"}] * 50}
).encode()


def zipped(data: bytes) -> bytes:
    """The same at any time: it is in the names of tests, and all workers must see the same tests."""
    return gzip.compress(data, mtime=0)


@pytest.mark.parametrize("cut", [zipped(WHOLE[:-30]), zipped(WHOLE)[:-12]])
def test_a_trace_that_was_cut_off_is_told_as_far_as_it_goes(cut: bytes) -> None:
    told = summarize(cut)
    assert told["note"] == "This trace ends early; what is there is shown." and told["events"] >= 40


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (zipped(b""), "empty"),
        (b"\x1f\x8bnonsense", "not gzipped"),
        (zipped(b"{broken"), "not JSON"),
        (zipped(b"[" * 100_000), "not JSON"),
        (zipped(b'{"a": 1}'), "no list of traceEvents"),
        (zipped(b'[{"ph": "X", "name": 3, "ts": "x", "dur": NaN}, 5, null]'), "no events"),
        (bomb(), "no events"),
    ],
)
def test_what_is_no_trace_is_told_in_words(content: bytes, words: str) -> None:
    with pytest.raises(BadTrace, match=words):
        summarize(content)


def test_of_a_trace_that_is_too_large_the_beginning_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(content, "MAX_BYTES", 1 << 20)
    one = {"ph": "X", "pid": 1, "tid": 1, "ts": 1, "dur": 1, "name": "é" * 100}
    told = summarize(gzip.compress(json.dumps({"schema": 1, "traceEvents": [one] * 5_000}).encode()))
    assert told["note"].startswith("Only the first") and 1_000 < told["events"] < 5_000


def test_events_are_read_one_by_one_however_the_bytes_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    made = [{"name": f"é {number}", "args": {"list": [1, {"]": "},"}]}} for number in range(20)]
    text = json.dumps({"before": [1], "traceEvents": made, "after": {"x": []}})
    for size in (1, 7, 64):
        monkeypatch.setattr(content, "_PIECE", size)
        read = Content(gzip.compress(text.encode()))
        assert list(read) == made and read.note == ""


def test_the_viewer_gets_numbers_for_threads_that_have_names() -> None:
    spans = [{"ph": "X", "pid": "Spans", "tid": "one", "ts": 0, "dur": 1, "name": "a", "args": {"big": 1}}]
    lone = {"ph": "M", "pid": 5, "tid": 0, "name": "process_name", "args": {"name": "idle"}}
    drawn = drawable([*spans, lone, {"ph": "s", "name": "flow"}])
    assert [event["ph"] for event in drawn] == ["M", "M", "B", "E"]
    assert drawn[1]["args"]["name"] == "thread one"
    assert all(isinstance(event["pid"], int) and isinstance(event["tid"], int) for event in drawn)


def test_the_viewer_gets_spans_that_end_in_order_and_the_busiest_thread_first() -> None:
    outer, inner = 1_000.1 + 0.3, 1_000.2 + 0.2
    assert inner > outer, "by a rounding error"
    times = [("outer", 1_000.1, 0.3), ("inner", 1_000.2, 0.2), ("next", 1_001, 0)]
    spans = [{"ph": "X", "pid": 1, "tid": 1, "ts": ts, "dur": dur, "name": name} for name, ts, dur in times]
    idle = {"ph": "X", "pid": 0, "tid": 0, "ts": 0, "dur": 5, "name": "idle"}
    drawn = [event for event in drawable([idle, *spans]) if event["ph"] != "M"]
    assert [event["name"] for event in drawn if event["tid"] == 0] == [
        *("outer", "inner", "inner", "outer", "next", "next")
    ]
    assert drawn[2]["ts"] == drawn[3]["ts"] == outer
    assert drawn[-1]["name"] == "idle"


def test_the_shortest_of_too_many_spans_are_not_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timeline, "MAX_DRAWN", 2)
    spans = [{"ph": "X", "pid": 1, "tid": 1, "ts": at, "dur": at, "name": f"{at}"} for at in range(5)]
    assert {event["name"] for event in drawable(spans) if event["ph"] == "B"} == {"3", "4"}


def test_a_real_trace_is_read_as_tables_and_as_a_timeline(
    board: Page, profiled: tuple[Dashboard, Trace, str]
) -> None:
    dashboard, _, run = profiled
    board.goto(f"{dashboard.url}/profile?only={run}&trace={run} 0 0 profile/torch")
    layers = board.get_by_role("region", name="Time by layer")
    expect(layers.get_by_role("row", name="body.0 Linear")).to_be_visible()
    expect(board.get_by_role("region", name="Top operators")).to_contain_text("aten::addmm")
    board.get_by_role("button", name="Calls").click()
    assert "profile_sort=calls" in board.evaluate("location.search")
    board.get_by_role("button", name="Timeline").click()
    viewer = board.frame_locator("iframe")
    expect(viewer.get_by_text("Time Order")).to_be_visible()
    expect(viewer.get_by_text("profiled, step 0").first).to_be_visible()
    board.get_by_role("combobox", name="Trace").select_option(f"{run} 0 0 profile/monday/host.xplane.pb")
    expect(viewer.get_by_text("MatMul").or_(viewer.get_by_text("Time Order")).first).to_be_visible()
    board.get_by_role("button", name="Summary").click()
    expect(board.get_by_role("region", name="Top operators")).to_contain_text("MatMul")
    expect(board.get_by_role("link", name="Save the trace")).to_have_attribute("download", "host.xplane.pb")
    board.get_by_role("combobox", name="Trace").select_option(f"{run} 0 0 bomb")
    expect(board.get_by_role("alert")).to_contain_text("holds no events that took time")


def test_a_trace_that_takes_long_tells_how_much_of_it_is_read(
    profiled: tuple[Dashboard, Trace, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    dashboard, _, run = profiled
    monkeypatch.setattr(reading, "SHOWN_AFTER", 0.0)
    url = f"{dashboard.url}/api/v1/traces/summary?run={run}&tag=second%20bomb&rank=0&index=0"
    shares: list[float | None] = []
    while "share" in (told := json.load(urllib.request.urlopen(url, timeout=30))):
        shares.append(told["share"])
    known = [share for share in shares if share is not None]
    assert known == sorted(known) and any(0 < share < 1 for share in known)
    assert "holds no events that took time" in told["problem"]


def test_nothing_that_was_logged_runs_on_the_profile_page(
    board: Page, profiled: tuple[Dashboard, Trace, str]
) -> None:
    dashboard, _, run = profiled
    board.goto(f"{dashboard.url}/profile?only={run}&trace={run} 0 0 hostile")
    expect(board.get_by_role("region", name="Top operators")).to_contain_text("<img src=x")
    assert board.locator(f"#page :is({MADE_OF_ATTACKS})").count() == 0
    assert board.evaluate("window.owned") is None
