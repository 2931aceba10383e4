"""Graphs of files are shown on the page and kept by the command line, and nothing in a file is run."""

from __future__ import annotations

import http.client
import json
import pickle
import zipfile
from pathlib import Path

import pytest
from dashboard_fixtures import Dashboard, log_run
from playwright.sync_api import Page, expect

from trainboard.cli import main
from trainboard.loggers.graph_file import read
from trainboard.storage import Store, open_store

PBTXT = """
node { name: "x" op: "Placeholder" attr { key: "dtype" value { type: DT_FLOAT } } }
node { name: "dense/kernel" op: "VariableV2" attr { key: "shape" value { shape { dim { size: 3 } } } } }
node { name: "dense/mul" op: "Mul" input: "x" input: "dense/kernel" }
"""


@pytest.fixture
def pbtxt(tmp_path: Path) -> Path:
    path = tmp_path / "net.pbtxt"
    path.write_text(PBTXT)
    return path


def program(path: Path, inside: str = "net/models/net.json") -> Path:
    """What ``torch.export.save`` writes of ``fc(x).relu()``, x of any length, without weights."""

    def tensor(*sizes: int | str) -> dict[str, object]:
        told = [{"as_int": one} if isinstance(one, int) else {"as_expr": {"expr_str": one}} for one in sizes]
        return {"dtype": 7, "sizes": told}

    def named(name: str) -> dict[str, object]:
        return {"as_tensor": {"name": name}}

    stack = "L__self__,,Net;L__self___fc,body.fc,torch.nn.modules.linear.Linear"
    linear = {
        "target": "torch.ops.aten.linear.default",
        "inputs": [{"name": "input", "arg": named("x")}, {"name": "weight", "arg": named("p_fc_weight")}],
        "outputs": [named("linear")],
        "metadata": {"nn_module_stack": stack},
    }
    relu = {
        "target": "torch.ops.aten.relu.default",
        "inputs": [{"name": "self", "arg": named("linear")}],
        "outputs": [named("relu")],
        "metadata": {},
    }
    values = {"p_fc_weight": tensor(2, 4), "x": tensor("s0", 4), "linear": tensor("s0", 2)}
    graph = {
        "inputs": [named("p_fc_weight"), named("x")],
        "outputs": [named("relu")],
        "nodes": [linear, relu],
        "tensor_values": values | {"relu": tensor("s0", 2)},
    }
    specs = [{"parameter": {"arg": {"name": "p_fc_weight"}, "parameter_name": "fc.weight"}}]
    signature = {"input_specs": [*specs, {"user_input": {"arg": named("x")}}]}
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(inside, json.dumps({"graph_module": {"graph": graph, "signature": signature}}))
    return path


@pytest.mark.parametrize("inside", ["net/models/net.json", "serialized_exported_program.json"])
def test_an_exported_program_has_its_modules_shapes_and_parameters(tmp_path: Path, inside: str) -> None:
    graph = read(program(tmp_path / "net.pt2", inside))
    assert [(node.id, node.op) for node in graph.nodes] == [
        ("x", "Input"),
        ("body/fc/linear", "linear"),
        ("relu", "relu"),
        ("output", "Output"),
    ]
    linear = graph.nodes[1]
    assert (linear.shapes, linear.dtypes, linear.parameters) == ([[None, 2]], ["float32"], 8)
    assert [(edge.source, edge.target, edge.label) for edge in graph.edges][0] == (
        "x",
        "body/fc/linear",
        "Nx4",
    )


class Bomb:
    """Makes a folder wherever it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.mkdir, (self.path,)


def test_pickles_are_never_opened_and_it_is_said_what_to_do_instead(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    (tmp_path / "model.pt").write_bytes(pickle.dumps(Bomb(mark)))
    with pytest.raises(ValueError, match=r"reading a pickle runs what it holds; .*torch\.export\.save"):
        read(tmp_path / "model.pt")
    archive = program(tmp_path / "net.pt2")
    with zipfile.ZipFile(archive, "a") as added:
        added.writestr("net/data/sample_inputs/net.pt", pickle.dumps(Bomb(mark)))
    assert len(read(archive).nodes) == 4
    assert not mark.exists()


def test_what_is_broken_is_refused_by_name(tmp_path: Path) -> None:
    for name, content in {
        "a.pt2": b"PK\x03\x04 cut short",
        "b.pb": b"\xff\xfe no protobuf",
        "c.pbtxt": b"node { name: ",
        "d.pb": b"",
        "e.txt": b"text",
    }.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ValueError, match=name):
            read(tmp_path / name)
    with zipfile.ZipFile(tmp_path / "f.pt2", "w") as archive:
        archive.writestr("models/f.json", '{"graph_module": {"graph": {"nodes": [1]}}}')
    with pytest.raises(ValueError, match=r"f\.pt2"):
        read(tmp_path / "f.pt2")


def test_the_command_line_tells_of_a_file_and_keeps_it_if_asked(
    pbtxt: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["graph", str(pbtxt)]) == 0
    assert capsys.readouterr().out == "net: 3 operations, 3 parameters.\n"
    store = tmp_path / "runs.db"
    assert main(["graph", str(pbtxt), "--store", str(store), "--project", "files", "--json"]) == 0
    assert [node["id"] for node in json.loads(capsys.readouterr().out)["nodes"]][-1] == "dense/mul"
    opened = open_store(store)
    (kept,) = opened.runs("files")
    assert len(opened.records(kept.id, "graph", "graph")[0].value.nodes) == 3
    opened.close()
    assert main(["graph", str(tmp_path / "none.onnx")]) == 1
    assert "there is no file" in capsys.readouterr().err


def test_a_file_is_shown_without_being_kept_and_a_bad_one_says_why(
    board: Page, store: Store, dashboard: Dashboard, pbtxt: Path, tmp_path: Path
) -> None:
    log_run(store, "plain", [{"loss": 1.0}])
    board.goto(f"{dashboard.url}/graph")
    choose = board.get_by_label("Open a file").first
    huge = tmp_path / "huge.onnx"
    with huge.open("wb") as file:
        file.truncate(2 << 30)
    choose.set_input_files(huge)
    expect(board.get_by_role("alert")).to_contain_text("huge.onnx has 2,048 MiB, and 64 can be sent")
    choose.set_input_files(pbtxt)
    expect(board.locator(".graph-head")).to_contain_text("net.pbtxt")
    expect(board.locator('[data-box="dense/"]')).to_be_visible()
    assert len(store.runs()) == 1
    board.reload()
    expect(board.locator('[data-box="dense/"]')).to_be_visible()


def test_broken_and_oversized_bodies_leave_the_server_as_it_was(dashboard: Dashboard) -> None:
    def sent(name: str, body: bytes, **headers: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", dashboard.port, timeout=60)
        connection.request("POST", f"/api/v1/graph/file?name={name}", body, headers)
        answer = connection.getresponse()
        told = answer.status, json.loads(answer.read())["message"]
        connection.close()
        return told

    status, told = sent("broken.onnx", b"\x08\x07not a model")
    assert status == 422 and "broken.onnx" in told and "/tmp" not in told
    assert sent("weights.pt", b"x")[1].startswith("weights.pt may be a pickle")
    assert sent("..%2F..%2Fevil", b"x")[0] == 422
    assert sent("big.onnx", b"", **{"Content-Length": str(2 << 30)})[0] == 413
    assert sent("empty.onnx", b"")[0] == 400
