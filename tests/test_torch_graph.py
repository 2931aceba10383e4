"""What a PyTorch model did in one forward pass is drawn as it happened, and nothing is left behind."""

import random
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, NamedTuple

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode
from torch_networks import IMAGES, Free, Network, Residual, edges, node, ops

from trainboard.loggers.torch_graph import capture


def test_layers_are_nodes_in_the_scopes_of_their_modules() -> None:
    graph = capture(Network(), IMAGES)
    conv = node(graph, "blocks/1/conv")
    assert (conv.name, conv.op, conv.scope) == ("conv", "Conv2d", "blocks/1")
    assert (conv.shapes, conv.dtypes, conv.parameters) == ([[2, 4, 6, 6]], ["float32"], 4 * 4 * 9 + 4)
    assert conv.attributes["kernel_size"] == "(3, 3)"
    assert conv.attributes["stride"] == "(1, 1)"
    assert (graph.framework, graph.name, graph.partial) == ("torch", "Network", None)


def test_nodes_count_all_parameters_of_the_model() -> None:
    model = Network()
    counted = sum(node.parameters for node in capture(model, IMAGES).nodes)
    assert counted == sum(parameter.numel() for parameter in model.parameters())


def test_a_residual_connection_has_both_its_edges() -> None:
    graph = capture(Network(), IMAGES)
    assert {source for source, target in edges(graph) if target == "blocks/0/add"} == {
        "blocks/0/relu",
        "blocks/0/shortcut",
    }
    assert {target for source, target in edges(graph) if source == "stem"} == {
        "blocks/0/conv",
        "blocks/0/shortcut",
    }
    assert ("image", "stem") in edges(graph)
    assert ("head", "output") in edges(graph)


def test_edges_are_labelled_with_the_shape_that_flows() -> None:
    graph = capture(Network(), IMAGES)
    labels = {edge.target: edge.label for edge in graph.edges}
    assert labels["blocks/0/conv"] == "2x4x6x6"
    assert labels["head"] == "2x4"


def test_branches_taken_at_run_time_are_those_drawn() -> None:
    class Branching(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.small, self.large = nn.Linear(3, 3), nn.Linear(3, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.large(x) if x.sum() > 0 else self.small(x)

    model = Branching()
    assert ("x", "large") in edges(capture(model, torch.ones(1, 3)))
    assert ("x", "small") in edges(capture(model, -torch.ones(1, 3)))
    assert "small" not in {node.id for node in capture(model, torch.ones(1, 3)).nodes}


def test_a_module_called_again_is_a_node_of_its_own_and_counts_once() -> None:
    class Shared(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(3, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.fc(torch.tanh(self.fc(x)))

    graph = capture(Shared(), torch.ones(1, 3))
    assert edges(graph) == {("x", "fc"), ("fc", "tanh"), ("tanh", "fc#2"), ("fc#2", "output")}
    assert [node(graph, "fc").parameters, node(graph, "fc#2").parameters] == [12, 0]


def test_a_scope_entered_again_is_a_scope_of_its_own() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.block = Residual(4)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.block(self.block(x))

    graph = capture(Twice(), torch.rand(1, 4, 3, 3))
    assert node(graph, "block#2/conv").scope == "block#2"
    assert ("block/add", "block#2/conv") in edges(graph)


def test_a_module_shared_between_branches_is_drawn_where_it_is_at_home() -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encoder = nn.ModuleDict({"embed": nn.Linear(3, 3)})
            self.decoder = Decoder(self.encoder["embed"])

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.decoder(self.encoder["embed"](x))

    class Decoder(nn.Module):
        def __init__(self, embed: nn.Module) -> None:
            super().__init__()
            self.embed = embed

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.embed(x) * 2

    graph = capture(Tied(), torch.ones(1, 3))
    assert ("encoder/embed", "encoder/embed#2") in edges(graph)
    assert ("encoder/embed#2", "decoder/mul") in edges(graph)


def test_operations_in_place_are_drawn_in_their_order() -> None:
    def forward(self: Free, x: torch.Tensor) -> torch.Tensor:
        y = x * 2
        y += 1
        y[0] = 0
        F.relu(y, inplace=True)
        return y

    graph = capture(Free(forward), torch.ones(2, 3))
    assert ops(graph) == ["Input", "mul", "add", "setitem", "relu", "Output"]
    order = [node.id for node in graph.nodes]
    assert edges(graph) == set(zip(order[:-1], order[1:], strict=True))


def test_writing_through_a_view_reaches_what_it_is_a_view_of() -> None:
    def forward(self: Free, x: torch.Tensor) -> torch.Tensor:
        y = x + 1
        y[:, 0].mul_(3)
        return y

    graph = capture(Free(forward), torch.ones(2, 3))
    assert ("mul", "output") in edges(graph)


def test_a_parameter_used_by_itself_counts_where_it_is_used() -> None:
    graph = capture(Free(lambda self, x: x * self.scale), torch.ones(2, 3))
    assert node(graph, "mul").parameters == 3


def test_inputs_may_be_nested_and_named_and_need_not_be_tensors() -> None:
    class Batch(NamedTuple):
        ids: torch.Tensor
        mask: torch.Tensor

    class Nested(nn.Module):
        def forward(self, batch: Batch, *, temperature: float, extra: dict[str, Any]) -> dict[str, Any]:
            scores = batch.ids * batch.mask / temperature + extra["bias"][0]
            return {"scores": scores, "length": 3, "best": scores.max(dim=1)}

    one = torch.ones(2, 3)
    inputs = {"batch": Batch(one, one), "temperature": 0.5, "extra": {"bias": [one], "mode": "x"}}
    graph = capture(Nested(), inputs)
    assert [node.id for node in graph.nodes if node.op == "Input"] == ["batch.0", "batch.1", "extra"]
    assert len([node for node in graph.nodes if node.op == "Output"]) == 3
    assert ("extra", "add") in edges(graph)
    assert graph.partial is None


def test_a_dict_that_forward_takes_whole_stays_whole() -> None:
    class OfDict(nn.Module):
        def forward(self, batch: dict[str, torch.Tensor]) -> torch.Tensor:
            return batch["a"] + batch["b"]

    graph = capture(OfDict(), {"a": torch.ones(1), "b": torch.ones(1)})
    assert graph.partial is None
    assert edges(graph) == {("batch.0", "add"), ("batch.1", "add"), ("add", "output")}


def test_loops_are_unrolled() -> None:
    cell = nn.GRUCell(3, 4)

    def forward(self: Free, steps: torch.Tensor) -> torch.Tensor:
        hidden = torch.zeros(1, 4)
        for step in steps:
            hidden = cell(step, hidden)
        return hidden

    model = Free(forward)
    model.cell = cell
    graph = capture(model, torch.ones(3, 1, 3))
    assert ops(graph).count("GRUCell") == 3
    assert {("cell", "cell#2"), ("cell#2", "cell#3"), ("zeros", "cell"), ("unbind", "cell#3")} <= edges(graph)


@pytest.mark.parametrize(
    ("model", "inputs"),
    [
        (nn.LSTM(3, 4), torch.ones(5, 1, 3)),
        (nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), torch.ones(1, 5, 8)),
        (nn.MultiheadAttention(8, 2), (torch.ones(5, 1, 8),) * 3),
        (nn.EmbeddingBag(10, 3), torch.zeros(2, 4, dtype=torch.long)),
        (nn.Linear(3, 3, dtype=torch.bfloat16), torch.ones(1, 3, dtype=torch.bfloat16)),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, nn.Module) else "",
)
def test_layers_of_every_sort_leave_a_whole_and_connected_graph(model: nn.Module, inputs: Any) -> None:
    graph = capture(model, inputs)
    assert graph.partial is None
    reached = {node.id for node in graph.nodes if node.op == "Input"}
    for edge in graph.edges:
        if edge.source in reached:
            reached.add(edge.target)
    assert "output" in reached
    assert sum(node.parameters for node in graph.nodes) == sum(p.numel() for p in model.parameters())


def test_flops_are_pytorchs_own_count() -> None:
    graph = capture(Network(), IMAGES)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        Network()(IMAGES)
    assert sum(node.flops or 0 for node in graph.nodes) == counter.get_total_flops()
    assert node(graph, "head").flops == 2 * 2 * 4 * 2
    assert node(graph, "blocks/0/relu").flops is None


def test_outputs_may_be_in_mappings_and_dataclasses_that_pytorch_does_not_know() -> None:
    class Output(OrderedDict[str, Any]):
        pass

    @dataclass
    class Pair:
        scores: torch.Tensor
        length: int

    for made in (lambda y: Output(logits=y, loss=None), lambda y: Pair(y, 3)):
        graph = capture(Free(lambda self, x, made=made: made(x * self.scale)), torch.ones(2, 3))
        assert ("mul", "output") in edges(graph)


def test_a_thousand_layers_are_drawn_in_a_chain() -> None:
    model = nn.Sequential(*(nn.Linear(8, 8) for _ in range(1000)))
    graph = capture(model, torch.ones(1, 8))
    assert len(graph.nodes) == 1002
    order = [node.id for node in graph.nodes]
    assert edges(graph) == set(zip(order[:-1], order[1:], strict=True))


def test_random_programs_keep_every_edge_between_their_operations() -> None:
    for seed in range(20):
        choices = random.Random(seed)
        wanted: set[tuple[int, int]] = set()

        def forward(self: Free, x: torch.Tensor, choices=choices, wanted=wanted) -> torch.Tensor:
            made = [torch.sin(x)]
            for index in range(1, 12):
                left, right = choices.randrange(len(made)), choices.randrange(len(made))
                made.append(torch.maximum(made[left], made[right]))
                wanted |= {(left, index), (right, index)}
            return made[-1]

        graph = capture(Free(forward), torch.ones(2))
        order = {
            node.id: index
            for index, node in enumerate(n for n in graph.nodes if n.op not in ("Input", "Output"))
        }
        drawn = {(order[a], order[b]) for a, b in edges(graph) if a in order and b in order}
        assert drawn == wanted
