"""A Keras model's layers are drawn as Keras connects them."""

import os
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from keras import layers

from trainboard.loggers.keras_graph import capture
from trainboard.storage.kinds.graph import Graph, Node


def node(graph: Graph, id: str) -> Node:
    return next(node for node in graph.nodes if node.id == id)


def edges(graph: Graph) -> set[tuple[str, str]]:
    return {(edge.source, edge.target) for edge in graph.edges}


def residual() -> keras.Model:
    image = keras.Input((8, 8, 1), name="image")
    x = layers.Conv2D(4, 3, padding="same", name="conv")(image)
    y = layers.BatchNormalization(name="norm")(x)
    z = layers.Add(name="add")([x, y])
    return keras.Model(image, layers.Dense(2, name="head")(layers.Flatten(name="flat")(z)), name="net")


def test_a_functional_model_has_its_layers_shapes_and_edges() -> None:
    graph = capture(residual())
    assert edges(graph) == {
        ("image", "conv"),
        ("conv", "norm"),
        ("conv", "add"),
        ("norm", "add"),
        ("add", "flat"),
        ("flat", "head"),
    }
    conv = node(graph, "conv")
    assert (conv.op, conv.scope, conv.shapes, conv.dtypes) == ("Conv2D", "", [[None, 8, 8, 4]], ["float32"])
    assert conv.attributes["kernel_size"] == "(3, 3)"
    assert (graph.framework, graph.name, graph.partial) == ("keras", "net", None)
    assert {edge.label for edge in graph.edges if edge.target == "conv"} == {"Nx8x8x1"}


def test_nodes_count_all_parameters_of_the_model() -> None:
    model = residual()
    assert sum(node.parameters for node in capture(model).nodes) == model.count_params()


def test_a_sequential_model_is_a_chain() -> None:
    model = keras.Sequential([keras.Input((3,)), layers.Dense(4, name="a"), layers.Dense(2, name="b")])
    graph = capture(model)
    assert ("a", "b") in edges(graph)
    assert node(graph, "b").shapes == [[None, 2]]
    assert graph.partial is None


def test_a_sequential_model_that_is_not_built_is_a_chain_without_shapes() -> None:
    graph = capture(keras.Sequential([layers.Dense(4, name="a"), layers.Dense(2, name="b")], name="early"))
    assert edges(graph) == {("a", "b")}
    assert node(graph, "a").shapes == []
    assert graph.partial == "early is not built yet: its shapes are unknown"


def test_models_inside_a_model_are_scopes_with_edges_through_them() -> None:
    inner = keras.Sequential([keras.Input((4,)), layers.Dense(4, name="one"), layers.ReLU(name="two")])
    start = keras.Input((4,), name="start")
    block = keras.Model(start, layers.Add(name="sum")([start, inner(start)]), name="block")
    inner.name = "inner"
    x = keras.Input((4,), name="x")
    graph = capture(keras.Model(x, layers.Dense(1, name="end")(block(x))))
    assert edges(graph) == {
        ("x", "block/inner/one"),
        ("block/inner/one", "block/inner/two"),
        ("x", "block/sum"),
        ("block/inner/two", "block/sum"),
        ("block/sum", "end"),
    }
    assert node(graph, "block/inner/one").scope == "block/inner"


def test_a_layer_or_model_called_again_is_drawn_again_and_counts_once() -> None:
    shared = layers.Dense(3, name="shared")
    block = keras.Sequential([keras.Input((3,)), layers.Dense(3, name="in")], name="block")
    x = keras.Input((3,), name="x")
    model = keras.Model(x, block(shared(block(shared(x)))))
    graph = capture(model)
    assert edges(graph) == {
        ("x", "shared"),
        ("shared", "block/in"),
        ("block/in", "shared#2"),
        ("shared#2", "block#2/in"),
    }
    assert sum(node.parameters for node in graph.nodes) == model.count_params()


def test_operations_on_tensors_and_many_inputs_and_outputs_are_drawn() -> None:
    a, b = keras.Input((3,), name="a"), keras.Input((3,), name="b")
    total = keras.ops.concatenate([a * 2, b], axis=1)
    model = keras.Model({"a": a, "b": b}, [total, layers.Softmax(name="soft")(total)])
    graph = capture(model)
    assert graph.partial is None
    (concatenate,) = (node.id for node in graph.nodes if node.op == "Concatenate")
    assert {("b", concatenate), (concatenate, "soft")} <= edges(graph)
    assert node(graph, concatenate).shapes == [[None, 6]]


class Subclassed(keras.Model):
    def __init__(self) -> None:
        super().__init__(name="own")
        self.first = layers.Dense(4, name="first")
        self.tower = keras.Sequential(
            [keras.Input((4,)), layers.Dense(4, name="a"), layers.Dense(2, name="b")]
        )
        self.tower.name = "tower"
        self.attention = layers.MultiHeadAttention(2, 4, name="attention")

    def call(self, x: Any) -> Any:
        return self.tower(self.first(x))


def test_a_subclassed_model_that_is_not_built_lists_its_layers_and_claims_no_edge() -> None:
    graph = capture(Subclassed())
    assert graph.partial == "own is subclassed and not built: its inputs are unknown"
    assert [n.id for n in graph.nodes if not n.scope] == ["first", "attention"]
    assert ("tower/a", "tower/b") in edges(graph)
    assert all(end.startswith("tower/") for edge in edges(graph) for end in edge)


class Block(layers.Layer):
    def __init__(self) -> None:
        super().__init__(name="block")
        self.dense = layers.Dense(4, name="dense")

    def call(self, x: Any) -> Any:
        return keras.ops.relu(self.dense(x)) + x


class Counting(keras.Model):
    """Calls a layer made of layers twice, and counts its calls."""

    def __init__(self) -> None:
        super().__init__(name="counting")
        self.block = Block()
        self.calls = self.add_weight(name="calls", shape=(), initializer="zeros", trainable=False)

    def call(self, x: Any) -> Any:
        self.calls.assign_add(1)
        return {"sum": self.block(self.block(x)), "mean": keras.ops.mean(x)}


def test_a_subclassed_model_is_drawn_with_the_layers_inside_and_the_operations_between() -> None:
    model = Counting()
    model(np.ones((2, 4), np.float32))
    graph = capture(model)
    assert graph.partial is None
    assert edges(graph) == {
        ("input", "block/dense"),
        ("block/dense", "block/relu"),
        ("block/relu", "block/add"),
        ("input", "block/add"),
        ("block/add", "block#2/dense"),
        ("block#2/dense", "block#2/relu"),
        ("block#2/relu", "block#2/add"),
        ("block/add", "block#2/add"),
        ("input", "mean"),
    }
    assert node(graph, "block/dense").shapes == [[None, 4]]
    assert [node(graph, f"{block}/dense").parameters for block in ("block", "block#2")] == [20, 0]


def test_drawing_a_subclassed_model_leaves_it_as_it_was() -> None:
    model = Counting()
    model(np.ones((2, 4), np.float32))
    before = float(keras.ops.convert_to_numpy(model.calls))
    assert capture(model) == capture(model)
    assert float(keras.ops.convert_to_numpy(model.calls)) == before
    assert model.block.dense._inbound_nodes == []


def test_inputs_build_a_model_that_is_not_built() -> None:
    graph = capture(Subclassed(), np.ones((1, 3), np.float32))
    assert graph.partial is None
    assert {("input", "first"), ("tower/a", "tower/b")} <= edges(graph)


def test_a_model_that_uses_tensorflow_itself_is_drawn_as_tensorflow_traces_it() -> None:
    import tensorflow as tf

    class Raw(keras.Model):
        def __init__(self) -> None:
            super().__init__(name="raw")
            self.dense = layers.Dense(4, name="dense")

        def call(self, x: Any) -> Any:
            return tf.nn.relu(self.dense(x))

    model = Raw()
    model(np.ones((2, 3), np.float32))
    graph = capture(model)
    assert (graph.partial, graph.name, graph.framework) == (None, "raw", "keras")
    assert "Relu" in {n.op for n in graph.nodes}
    assert sum(n.parameters for n in graph.nodes) == model.count_params()


def test_a_layer_of_layers_inside_a_functional_model_is_a_scope() -> None:
    x = keras.Input((4,), name="x")
    graph = capture(keras.Model(x, layers.Dense(1, name="end")(Block()(x))))
    assert {("x", "block/dense"), ("x", "block/add"), ("block/add", "end")} <= edges(graph)


def test_a_call_that_fails_lists_the_layers_and_says_why() -> None:
    class Failing(Counting):
        def call(self, x: Any) -> Any:
            raise RuntimeError("no")

    model = Failing()
    model.build((None, 4))
    graph = capture(model)
    assert graph.partial is not None and graph.partial.startswith("RuntimeError in counting")
    assert "block/dense" in {n.id for n in graph.nodes}


def test_flops_are_those_that_tensorflow_counts_for_one_example() -> None:
    x = keras.Input((5,), name="x")
    graph = capture(
        keras.Model(x, layers.ReLU(name="relu")(layers.Dense(7, use_bias=False, name="dense")(x)))
    )
    assert node(graph, "dense").flops == 2 * 5 * 7
    assert node(graph, "relu").flops is None


def test_a_subclassed_model_that_is_built_counts_its_parameters() -> None:
    model = Subclassed()
    model(np.ones((1, 3), np.float32))
    assert node(capture(model), "first").parameters == 3 * 4 + 4


def test_a_layer_without_a_configuration_is_drawn_without_attributes() -> None:
    class Odd(layers.Layer):
        def __init__(self, factor: Any) -> None:
            super().__init__(name="odd")
            self.factor = factor

        def call(self, x: Any) -> Any:
            return x * self.factor

        def get_config(self) -> Any:
            raise NotImplementedError

    x = keras.Input((3,), name="x")
    graph = capture(keras.Model(x, Odd(2.0)(x)))
    assert node(graph, "odd").attributes == {}
    assert edges(graph) == {("x", "odd")}


def test_drawing_changes_nothing_in_the_model() -> None:
    model = residual()
    images = np.random.rand(2, 8, 8, 1).astype(np.float32)
    before = model(images).numpy()
    assert capture(model) == capture(model)
    assert np.array_equal(model(images).numpy(), before)
