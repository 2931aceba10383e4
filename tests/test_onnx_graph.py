"""ONNX files are drawn with their shapes, parameters and scopes, and bad ones are refused by name."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402

import trainboard as tb  # noqa: E402
from trainboard.loggers.onnx_graph import capture  # noqa: E402
from trainboard.loggers.warn import TrainboardWarning  # noqa: E402
from trainboard.storage.kinds.graph import Graph, Node  # noqa: E402


def node(graph: Graph, id: str) -> Node:
    return next(node for node in graph.nodes if node.id == id)


def edges(graph: Graph) -> set[tuple[str, str, str]]:
    return {(edge.source, edge.target, edge.label) for edge in graph.edges}


def weights(name: str, *shape: int) -> Any:
    return numpy_helper.from_array(np.ones(shape, np.float32), name)


def model(*nodes: Any, initializers: tuple[Any, ...] = ()) -> Any:
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        initializers,
    )
    return helper.make_model(graph)


def two_layers() -> Any:
    return model(
        helper.make_node("Gemm", ["x", "w", "b"], ["h"], name="/body/fc/Gemm", alpha=1.0),
        helper.make_node("Relu", ["h"], ["r"], name="/body/Relu"),
        helper.make_node("Gemm", ["r", "w", "b"], ["y"]),
        initializers=(weights("w", 4, 4), weights("b", 4)),
    )


def test_nodes_have_scopes_shapes_and_the_parameters_of_their_initialisers() -> None:
    graph = capture(two_layers())
    gemm = node(graph, "body/fc/Gemm")
    assert (gemm.op, gemm.scope, gemm.shapes, gemm.dtypes) == ("Gemm", "body/fc", [[None, 4]], ["float"])
    assert gemm.attributes["alpha"] == "1.0"
    assert (graph.framework, graph.name, graph.partial) == ("onnx", "net", None)
    assert edges(graph) == {
        ("x", "body/fc/Gemm", "Nx4"),
        ("body/fc/Gemm", "body/Relu", "Nx4"),
        ("body/Relu", "Gemm", "Nx4"),
        ("Gemm", "y", "Nx4"),
    }


def test_a_weight_that_two_nodes_share_counts_once() -> None:
    graph = capture(two_layers())
    assert [node(graph, id).parameters for id in ("body/fc/Gemm", "Gemm")] == [20, 0]


def test_the_branches_of_a_condition_are_scopes_that_see_what_is_outside() -> None:
    def branch(name: str, op: str) -> Any:
        out = helper.make_tensor_value_info(name, TensorProto.FLOAT, None)
        return helper.make_graph([helper.make_node(op, ["x"], [name], name=op)], name, [], [out])

    graph = capture(
        model(
            helper.make_node("Constant", [], ["c"], value=helper.make_tensor("v", TensorProto.BOOL, [], [1])),
            helper.make_node(
                "If", ["c"], ["y"], "choose", then_branch=branch("a", "Relu"), else_branch=branch("b", "Neg")
            ),
        )
    )
    assert {("x", "choose/then_branch/Relu"), ("x", "choose/else_branch/Neg"), ("choose", "y")} <= {
        edge[:2] for edge in edges(graph)
    }


def test_a_file_is_logged_by_its_path_even_without_its_weights(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    onnx.save(two_layers(), path, save_as_external_data=True, location="weights.bin", size_threshold=0)
    (tmp_path / "weights.bin").unlink()
    with tb.init("tests", store=str(tmp_path / "store.db")) as run:
        run.log_graph(path)
        run.log_graph(str(path))
    (record,) = tb.open_store(run.store).records(run.id, "graph", "graph")
    assert sum(node.parameters for node in record.value.nodes) == 20


@pytest.mark.parametrize("content", [b"not a model", b""])
def test_a_file_that_is_no_model_is_named_in_one_warning(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bad.onnx").write_bytes(content)
    with tb.init("tests", store=str(tmp_path / "store.db")) as run:
        with pytest.warns(TrainboardWarning, match="bad.onnx is no ONNX model"):
            run.log_graph(tmp_path / "bad.onnx")
        run.log({"loss": 1.0})
