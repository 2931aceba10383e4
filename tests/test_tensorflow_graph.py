"""TensorFlow's graphs are drawn with what they call drawn inside, their variables and their FLOPs."""

import os
from pathlib import Path
from typing import Any, cast

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import pytest
import tensorflow as tf

import trainboard as tb
from trainboard.loggers.tensorflow_graph import capture
from trainboard.loggers.warn import TrainboardWarning
from trainboard.storage.kinds.graph import Graph, Node

tf1 = tf.compat.v1
WEIGHTS = tf.Variable(tf.ones((4, 3)), name="weights")


@tf.function
def layer(x: tf.Tensor) -> tf.Tensor:
    with tf.name_scope("deep"):
        return tf.matmul(x, WEIGHTS)


@tf.function
def network(x: tf.Tensor, times: tf.Tensor) -> tf.Tensor:
    y = layer(x)
    if tf.reduce_sum(y) > 0:
        y = y * 2
    else:
        y = y - 1
    for _ in tf.range(times):
        y = tf.nn.relu(y)
    return y


def node(graph: Graph, id: str) -> Node:
    return next(node for node in graph.nodes if node.id == id)


def edges(graph: Graph) -> set[tuple[str, str]]:
    return {(edge.source, edge.target) for edge in graph.edges}


def reached(graph: Graph, start: str) -> set[str]:
    found = {start}
    for _ in graph.nodes:
        found |= {target for source, target in edges(graph) if source in found}
    return found


def test_a_function_is_drawn_with_the_functions_it_calls_inside() -> None:
    graph = capture(network, (tf.ones((2, 4)), tf.constant(3)))
    (product,) = (one for one in graph.nodes if one.op == "MatMul")
    assert product.scope.endswith("/deep")
    assert (product.shapes, product.dtypes, product.flops) == ([[2, 3]], ["float32"], 2 * 2 * 4 * 3)
    assert (graph.framework, graph.name, graph.partial) == ("tensorflow", "network", None)
    assert {"then_branch", "else_branch", "body"} <= {
        part for one in graph.nodes for part in one.id.split("/")
    }
    assert any(one.op == "Relu" and one.id in reached(graph, "x") for one in graph.nodes)


def test_a_variable_is_a_node_that_counts_its_numbers_and_leads_to_its_use() -> None:
    graph = capture(network, (tf.ones((2, 4)), tf.constant(3)))
    (variable,) = (one for one in graph.nodes if one.op == "Variable")
    assert (variable.name, variable.parameters, variable.shapes) == ("weights", 12, [[4, 3]])
    assert next(one.id for one in graph.nodes if one.op == "MatMul") in reached(graph, variable.id)


def test_a_concrete_function_needs_no_inputs() -> None:
    concrete = cast(Any, layer).get_concrete_function(tf.TensorSpec([None, 4]))
    graph = capture(concrete)
    assert node(graph, "deep/MatMul").shapes == [[None, 3]]
    assert node(graph, "deep/MatMul").flops is None


def session_graph() -> tf.Graph:
    graph = tf.Graph()
    with graph.as_default():
        x = tf1.placeholder(tf.float32, [8, 4], name="x")
        with tf1.variable_scope("layer"):
            weights = tf1.get_variable("w", [4, 3], use_resource=False)
            tf.matmul(x, weights, name="product")
    return graph


def test_a_graph_of_tensorflow_1_is_drawn_by_its_name_scopes() -> None:
    graph = capture(session_graph())
    product = node(graph, "layer/product")
    assert (product.scope, product.shapes, product.flops) == ("layer", [[8, 3]], 2 * 8 * 4 * 3)
    assert node(graph, "layer/w").parameters == 12
    assert {("x", "layer/product"), ("layer/w/read", "layer/product")} <= edges(graph)


def test_a_definition_alone_is_drawn_without_flops() -> None:
    definition = session_graph().as_graph_def(add_shapes=True)
    graph = capture(definition)
    assert node(graph, "layer/product").shapes == [[8, 3]]
    assert {one.flops for one in graph.nodes} == {None}


def test_operations_that_call_each_other_in_a_circle_end() -> None:
    definition = tf1.GraphDef()
    for name, source in (("a", "b"), ("b", "a")):
        definition.node.add(name=name, op="Identity", input=[source])
    assert {one.id for one in capture(definition).nodes} == {"a", "b"}


def test_a_graph_is_stored_once_and_its_change_is_an_event(tmp_path: Path) -> None:
    with tb.init("tests", store=str(tmp_path / "store.db")) as run:
        graph = session_graph()
        run.log_graph(graph)
        run.log_graph(graph)
        run.log({"loss": 1.0}, 6)
        with graph.as_default():
            tf1.placeholder(tf.float32, [], name="more")
        run.log_graph(graph)
        with pytest.warns(TrainboardWarning, match="not logged"):
            run.log_graph(network)
    store = tb.open_store(run.store)
    assert [one.step for one in store.records(run.id, "graph", "graph")] == [0, 7]
    (event,) = store.records(run.id, "graph/changes", "event")
    assert (event.step, event.value.data["added"]) == (7, ["more"])
