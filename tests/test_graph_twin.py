"""Two models of different frameworks are paired layer by layer, and the first that differs is named."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pytest
from dashboard_fixtures import Dashboard, log_run
from playwright.sync_api import Page, expect

from trainboard.dashboard.twin import compare
from trainboard.dashboard.twin_alignment import align
from trainboard.dashboard.twin_layers import layers_of, parameters_agree, shapes_agree
from trainboard.storage import Store
from trainboard.storage.errors import BadChange, RunNotFound
from trainboard.storage.kinds.graph import Graph, Node
from trainboard.storage.kinds.layer_stats import STATISTICS, LayerStats

TORCH = Graph(
    [
        Node("x", "x", "Input", shapes=[[1, 1, 12, 12]]),
        Node("0", "0", "Conv2d", "", [[1, 8, 10, 10]], parameters=80),
        Node("1", "1", "ReLU", "", [[1, 8, 10, 10]]),
        Node("2", "2", "BatchNorm2d", "", [[1, 8, 10, 10]], parameters=16, attributes={"eps": "1e-05"}),
        Node("3", "3", "Flatten", "", [[1, 800]]),
        Node("4", "4", "Linear", "", [[1, 4]], parameters=3204),
        Node("output", "output", "Output", shapes=[[1, 4]]),
    ],
    [],
    "torch",
)
KERAS = Graph(
    [
        Node("in", "in", "InputLayer", shapes=[[None, 12, 12, 1]]),
        Node("conv", "conv", "Conv2D", "", [[None, 10, 10, 8]], [], 80, {"activation": "relu"}),
        Node("norm", "norm", "BatchNormalization", "", [[None, 10, 10, 8]], [], 32, {"epsilon": "0.001"}),
        Node("flat", "flat", "Flatten", "", [[None, 800]]),
        Node("dense", "dense", "Dense", "", [[None, 4]], [], 3204, {"activation": "linear"}),
    ],
    [],
    "keras",
)
PAIRS = [("0", "conv"), ("1", "conv → relu"), ("2", "norm"), ("3", "flat"), ("4", "dense")]


def paired(one: Graph, other: Graph, said: Mapping[str, str | None] | None = None) -> list[tuple[str, str]]:
    left, right = layers_of(one), layers_of(other)
    return [
        ("" if a is None else left[a].id, "" if b is None else right[b].id)
        for a, b in align(left, right, said or {})
    ]


def test_layers_are_paired_whatever_their_names_layouts_and_built_in_activations() -> None:
    assert paired(TORCH, KERAS) == PAIRS
    assert paired(KERAS, TORCH) == [(right, left) for left, right in PAIRS]


def test_of_a_layer_that_is_called_twice_only_the_last_call_has_the_statistics(store: Store) -> None:
    twice = Graph(
        [Node("act", "act", "ReLU"), Node("fc", "fc", "Linear"), Node("act#2", "act#2", "ReLU")], []
    )
    other = Graph([Node("a", "a", "ReLU"), Node("b", "b", "Dense"), Node("c", "c", "ReLU")], [])
    outputs = statistics(act=2.0, fc=3.0), statistics(a=1.0, b=3.0, c=2.0)
    graphs = (twice, other)
    runs = [
        log_run(store, f"net {number}", [{"graph": graph, "layers/activations": logged}])
        for number, (graph, logged) in enumerate(zip(graphs, outputs, strict=True))
    ]
    told = compare(store, (runs[0], runs[1]), graphs, 1e-3)
    assert [row["difference"] for row in told["rows"]] == [None, 0.0, 0.0] and told["first"] is None


def test_outputs_of_all_steps_are_not_compared_with_those_of_the_last(store: Store) -> None:
    whole = Graph([Node("rnn", "rnn", "LSTM", shapes=[[1, 12, 24]])], [], "torch")
    last = Graph(
        [Node("r", "r", "LSTM", shapes=[[None, 24]], attributes={"activation": "tanh"})], [], "keras"
    )
    runs = [
        log_run(store, "net", [{"graph": graph, "layers/activations": statistics(**{name: std})}])
        for graph, name, std in ((whole, "rnn", 1.0), (last, "r", 2.0))
    ]
    (row,) = compare(store, (runs[0], runs[1]), (whole, last), 1e-3)["rows"]
    assert (row["left"]["id"], row["right"]["id"], row["difference"]) == ("rnn", "r", None)
    assert row["right"]["statistics"]["std"] == 2.0


@pytest.mark.parametrize(
    ("stride", "padding", "said"),
    [(2, "same", ["padding 1 and same"]), (1, "same", []), (1, "valid", ["padding 1 and 0"])],
)
def test_padding_that_differs_is_told_in_the_words_of_both(
    store: Store, stride: int, padding: str, said: list[str]
) -> None:
    ours = {"stride": f"({stride}, {stride})", "padding": "(1, 1)"}
    theirs = {"strides": f"({stride}, {stride})", "padding": padding}
    one, other = (
        Graph([Node("c", "c", op, attributes=settings)], [])
        for op, settings in (("Conv2d", ours), ("Conv2D", theirs))
    )
    runs = log_run(store, "one", [{"loss": 1.0}]), log_run(store, "other", [{"loss": 1.0}])
    (row,) = compare(store, runs, (one, other), 1e-3)["rows"]
    assert row["settings"] == said


def test_a_mean_that_a_program_takes_is_a_layer_that_pools() -> None:
    ours = Graph([Node("fc", "fc", "Linear"), Node("mean", "mean", "mean", shapes=[[1, 8]])], [], "torch")
    pooling = Node("pool", "pool", "GlobalAveragePooling1D", shapes=[[None, 8]])
    assert paired(ours, Graph([Node("d", "d", "Dense"), pooling], [], "keras"))[1] == ("mean", "pool")


def test_a_layer_that_one_model_lacks_stands_alone() -> None:
    without = Graph([node for node in KERAS.nodes if node.id != "norm"], [], "keras")
    assert paired(TORCH, without) == [pair if pair[0] != "2" else ("2", "") for pair in PAIRS]
    assert paired(without, TORCH) == [
        (right, left) if right != "norm" else ("", "2") for left, right in PAIRS
    ]


def test_what_a_person_says_counts_and_the_rest_is_paired_around_it() -> None:
    assert paired(TORCH, KERAS, {"3": None, "gone": "dense"})[3:] == [("3", ""), ("", "flat"), ("4", "dense")]
    assert ("0", "dense") in paired(TORCH, KERAS, {"0": "dense"})


def test_layouts_and_moving_averages_are_understood() -> None:
    assert shapes_agree((1, 8, 10, 12), (None, 10, 12, 8)) == "transposed"
    assert shapes_agree((1, 8, 10, 12), (32, 8, 10, 12)) == "same"
    assert shapes_agree((1, 8, 10, 12), (1, 12, 10, 8)) == "different"
    norms = [layer for graph in (TORCH, KERAS) for layer in layers_of(graph) if layer.role == "normalization"]
    assert parameters_agree(*norms)


def statistics(**stds: float) -> LayerStats:
    """Statistics of layers whose standard deviations are these, written ``_0`` for ``0``."""
    rows = [[std if one == "std" else 1.0 for one in STATISTICS] for std in stds.values()]
    return LayerStats(tuple(name.lstrip("_") for name in stds), np.array(rows, np.float32))


@pytest.fixture
def twins(store: Store) -> tuple[str, str]:
    """Two runs whose outputs part at the normalization in the second of their common steps."""
    agreed = {"_0": 7.0, "_1": 2.0, "_2": 3.0, "_4": 5.0}
    ours = [{"graph": TORCH, "layers/activations": statistics(**agreed)}] * 3
    theirs = [
        {"graph": KERAS, "layers/activations": statistics(conv=2.0, norm=3.0, dense=5.0)},
        {"layers/activations": statistics(conv=2.0, norm=3.5, dense=math.inf)},
    ]
    return log_run(store, "torch", ours), log_run(store, "keras", theirs)


def test_the_first_layer_whose_outputs_differ_is_found_at_the_first_step_at_which_they_do(
    store: Store, twins: tuple[str, str]
) -> None:
    told = compare(store, twins, (TORCH, KERAS), 1e-3)
    assert (told["steps"], told["step"], told["first"]) == ([0, 1], 1, 2)
    row = told["rows"][2]
    assert (row["left"]["id"], row["right"]["id"], row["shapes"]) == ("2", "norm", "transposed")
    assert row["difference"] == pytest.approx(0.5 / 3.5)
    assert row["settings"] == ["eps 1e-05 and 0.001"]
    assert [one["difference"] for one in told["rows"]] == [None, 0.0, row["difference"], None, 1.0]
    assert compare(store, twins, (TORCH, KERAS), 1e-3, step=0)["first"] is None
    assert compare(store, twins, (TORCH, KERAS), 2.0)["first"] is None


def test_corrections_are_kept_for_both_orders_and_leave_with_their_run(
    store: Store, twins: tuple[str, str]
) -> None:
    ours, theirs = twins
    store.save_layer_map(ours, theirs, {"3": None, "0": "dense"})
    assert store.layer_map(ours, theirs) == {"3": None, "0": "dense"}
    assert store.layer_map(theirs, ours) == {"dense": "0"}
    store.save_layer_map(theirs, ours, {"norm": "2"})
    assert store.layer_map(ours, theirs) == {"2": "norm"}
    with pytest.raises(RunNotFound):
        store.save_layer_map(ours, "nowhere", {})
    with pytest.raises(BadChange, match="corrected layers"):
        store.save_layer_map(ours, theirs, {str(number): None for number in range(3_000)})


def test_the_page_names_the_layer_and_keeps_what_a_person_corrects(
    board: Page, dashboard: Dashboard, twins: tuple[str, str]
) -> None:
    address = f"{dashboard.url}/graph?graph_run={twins[0]}&graph_twin={twins[1]}&graph_view=layers"
    board.goto(address)
    verdict = board.locator(".twin-verdict [role=status]")
    expect(verdict).to_contain_text("First to differ at step 1: 2 and norm, by 0.143 of the largest value.")
    expect(verdict).to_contain_text("eps 1e-05 and 0.001")
    board.locator(".twin-first .twin-open").click()
    expect(board.locator(".twin-both .graph-facts")).to_have_count(2)
    expect(board.locator(".twin-both")).to_contain_text("BatchNormalization")
    board.get_by_label("Partner of 2").select_option("")
    expect(board.locator(".twin-verdict")).to_contain_text("2 without a partner")
    board.goto(address)
    expect(board.locator(".twin-scroll")).to_contain_text("corrected")
    board.get_by_role("button", name="Forget all corrections").click()
    expect(board.locator(".twin-verdict")).not_to_contain_text("without a partner")
    board.get_by_label("Tolerance").fill("2")
    board.get_by_label("Tolerance").press("Enter")
    expect(verdict).to_have_text("All outputs agree within 2 at step 1.")
