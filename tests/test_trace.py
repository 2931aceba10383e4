"""Traces are summed up within bounds: operators, layers and memory of real ones, and words for bad ones."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from dashboard_fixtures import Dashboard
from playwright.sync_api import Page, expect
from test_page_attacks import ATTACK, MADE_OF_ATTACKS

import trainboard as tb
from trainboard.dashboard.trace import events
from trainboard.dashboard.trace.events import BadTrace
from trainboard.dashboard.trace.summary import summarize
from trainboard.dashboard.trace.timeline import drawable
from trainboard.storage import open_store
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


@pytest.fixture(scope="module")
def profiled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Dashboard, Trace, str]]:
    """A dashboard of a run with a real trace of PyTorch and bad ones, that trace, and the run's id."""
    store = open_store(tmp_path_factory.mktemp("trace") / "runs.db", create=True)
    model = Net()
    with tb.init("digits", "profiled", store=store.url) as run:
        with run.profile():
            for _ in range(3):
                model(torch.randn(32, 64)).mean().backward()
        run.flush()
        (record,) = store.records(run.id, "profile/torch", "trace")
        hostile = [{"ph": "X", "pid": ATTACK, "tid": 1, "ts": at, "dur": 1, "name": ATTACK} for at in (0, 2)]
        run.log({"hostile": Trace.from_bytes(json.dumps(hostile).encode(), ATTACK)})
        run.log({"profile/monday/host.xplane.pb": Raw("profile", XPLANE, "file")})
        run.log({"bomb": Trace(gzip.compress(b"[" + b" " * (events.MAX_BYTES + 1)))})
    dashboard = Dashboard(store)
    yield dashboard, record.value, run.id
    dashboard.stop()
    store.close()


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
    place = "StatefulPartitionedCall/sequential_1/dense_1"
    names = [f"{place}/MatMul:MatMul", f"{place}/Cast/ReadVariableOp:ReadVariableOp"]
    names.append("StatefulPartitionedCall/gradient_tape/sequential_1/dense_1/MatMul:MatMul")
    made = [{"ph": "X", "pid": 0, "tid": 0, "ts": 10 * at, "dur": 5, "name": n} for at, n in enumerate(names)]
    told = summarize(gzip.compress(json.dumps(made).encode()))
    (layer,) = told["layers"]
    assert (layer["name"], layer["forward"], layer["backward"]) == ("sequential_1/dense_1", 10, 5)
    assert {row["name"] for row in told["operators"]} == {"MatMul", "ReadVariableOp"}


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
        (zipped(b" " * (events.MAX_BYTES + 1)), "larger than 128 MB"),
    ],
)
def test_what_is_no_trace_is_told_in_words(content: bytes, words: str) -> None:
    with pytest.raises(BadTrace, match=words):
        summarize(content)


def test_the_viewer_gets_numbers_for_threads_that_have_names() -> None:
    spans = [{"ph": "X", "pid": "Spans", "tid": "one", "ts": 0, "dur": 1, "name": "a", "args": {"big": 1}}]
    lone = {"ph": "M", "pid": 5, "tid": 0, "name": "process_name", "args": {"name": "idle"}}
    (drawn,) = drawable([*spans, lone, {"ph": "s", "name": "flow"}])
    assert isinstance(drawn["pid"], int) and isinstance(drawn["tid"], int) and "args" not in drawn


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
    expect(board.get_by_role("alert")).to_contain_text("larger than 128 MB when unpacked")


def test_nothing_that_was_logged_runs_on_the_profile_page(
    board: Page, profiled: tuple[Dashboard, Trace, str]
) -> None:
    dashboard, _, run = profiled
    board.goto(f"{dashboard.url}/profile?only={run}&trace={run} 0 0 hostile")
    expect(board.get_by_role("region", name="Top operators")).to_contain_text("<img src=x")
    assert board.locator(f"#page :is({MADE_OF_ATTACKS})").count() == 0
    assert board.evaluate("window.owned") is None
