"""The forward pass that a PyTorch graph is drawn from: it changes nothing, and its failures cost nothing."""

import copy
import pickle
from typing import Any

import pytest
import torch
from torch import nn
from torch_networks import IMAGES, Free, Network, edges, node, ops

from trainboard.loggers.torch_graph import capture, capture_next
from trainboard.storage.kinds.graph import Graph


def test_an_error_inside_keeps_what_was_seen_and_says_where() -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.Sequential(nn.ReLU(), nn.Linear(5, 2)))
    graph = capture(model, torch.ones(1, 3))
    assert graph.partial is not None
    assert graph.partial.startswith("RuntimeError in 1/1: ")
    assert [node.id for node in graph.nodes] == ["input", "0", "1/0", "1/1"]
    assert node(graph, "1/1").shapes == []
    assert ("1/0", "1/1") in edges(graph)
    assert [hooks for module in model.modules() for hooks in module._forward_hooks.values()] == []


def test_an_error_that_the_model_itself_handles_is_no_error() -> None:
    class Careful(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.wrong, self.right = nn.Linear(4, 2), nn.Linear(3, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            try:
                return self.wrong(x)
            except RuntimeError:
                return self.right(x).relu()

    graph = capture(Careful(), torch.ones(1, 3))
    assert graph.partial is None
    assert edges(graph) >= {("x", "right"), ("right", "relu"), ("relu", "output")}


def test_wrong_inputs_make_a_partial_graph() -> None:
    graph = capture(Network(), (IMAGES, IMAGES))
    assert graph.partial is not None and graph.partial.startswith("TypeError in Network")


def test_the_model_is_left_as_it_was() -> None:
    class Careless(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Dropout())
            self.register_buffer("calls", torch.zeros(()))
            self.register_buffer("mean", torch.zeros(()))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self.calls += 1
            self.mean = x.mean()
            x.add_(torch.rand(()))
            return self.body(x)

    model = Careless()
    model.body[1].eval()
    modes = [module.training for module in model.modules()]
    state = {name: value.clone() for name, value in model.state_dict().items()}
    images = IMAGES.clone()
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    graph = capture(model, images)
    assert graph.partial is None
    assert torch.equal(torch.rand(3), expected)
    assert [module.training for module in model.modules()] == modes
    assert torch.equal(images, IMAGES)
    for name, value in model.state_dict().items():
        assert torch.equal(value, state[name]), name
    assert all(parameter.grad is None for parameter in model.parameters())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())
    (IMAGES + 1).sum()
    assert "sum" not in ops(graph)


def test_the_pass_runs_in_evaluation_mode_without_gradients() -> None:
    seen: list[tuple[bool, bool]] = []

    def forward(self: Free, x: torch.Tensor) -> torch.Tensor:
        seen.append((self.training, torch.is_grad_enabled()))
        return x * self.scale

    capture(Free(forward), torch.ones(3))
    assert seen == [(False, False)]


def test_a_compiled_model_is_drawn_from_the_model_inside() -> None:
    model = Network()
    compiled: Any = torch.compile(model, backend="eager")
    assert [n.id for n in capture(compiled, IMAGES).nodes] == [n.id for n in capture(model, IMAGES).nodes]


def test_the_next_pass_of_a_compiled_model_runs_as_written_and_is_drawn() -> None:
    model = Network().eval()
    compiled: Any = torch.compile(model, backend="eager")
    graphs: list[Graph] = []
    capture_next(compiled, graphs.append)
    assert torch.equal(compiled(IMAGES), model(IMAGES))
    assert [n.id for n in graphs[0].nodes][1:] == [n.id for n in capture(model, IMAGES).nodes][1:]


def test_a_model_compiled_in_place_needs_inputs() -> None:
    model = Network()
    model.compile(backend="eager")
    with pytest.raises(ValueError, match="needs inputs"):
        capture_next(model, lambda graph: None)


def test_a_compiled_part_is_drawn_as_written() -> None:
    part: Any = torch.compile(nn.Sequential(nn.Linear(3, 3), nn.ReLU()), backend="eager")
    model = Free(lambda self, x: self.part(x) + 1)
    model.part = part
    graph = capture(model, torch.ones(2, 3))
    assert ops(graph) == ["Input", "Linear", "ReLU", "add", "Output"]


def test_a_scripted_part_is_drawn_by_its_operations() -> None:
    model = Free(lambda self, x: self.part(x) + 1)
    model.part = torch.jit.script(nn.Linear(3, 3))
    graph = capture(model, torch.ones(2, 3))
    assert graph.partial is None
    assert {"addmm", "add"} <= set(ops(graph))
    assert sum(node.parameters for node in graph.nodes) == 12


def test_a_condition_of_torch_cond_stops_nothing() -> None:
    def forward(self: Free, x: torch.Tensor) -> Any:
        return torch.cond(x.sum() > 0, lambda x: x * 2, lambda x: x - 1, (x,))

    graph = capture(Free(forward), torch.ones(2, 3))
    assert graph.partial is None
    assert ("cond", "output") in edges(graph)


def test_a_model_may_be_copied_and_pickled_while_its_next_pass_is_awaited() -> None:
    model = Network()
    graphs: list[Graph] = []
    capture_next(model, graphs.append)
    for copied in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        copied(IMAGES)
    assert graphs == []
    model(IMAGES)
    assert len(graphs) == 1


def test_the_next_training_pass_is_drawn_once_and_trains_as_without() -> None:
    model: Any = Network()
    alone: Any = Network()
    graphs: list[Graph] = []
    alone.load_state_dict(model.state_dict())
    capture_next(model, graphs.append)
    for _ in range(2):
        assert torch.equal(model(IMAGES), alone(IMAGES))
    assert torch.equal(model.blocks[0].norm.running_mean, alone.blocks[0].norm.running_mean)
    (graph,) = graphs
    assert graph.partial is None
    assert ("stem", "blocks/0/shortcut") in edges(graph)
    assert ("head", "output") in edges(graph)
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())


def test_a_training_pass_that_fails_raises_its_own_error_and_is_drawn_so_far() -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.Linear(5, 2))
    graphs: list[Graph] = []
    capture_next(model, graphs.append)
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        model(torch.ones(1, 3))
    assert str(graphs[0].partial).startswith("RuntimeError in 1: ")
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        model(torch.ones(1, 3))
    assert len(graphs) == 1
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())


def test_not_waiting_any_longer_leaves_no_hook() -> None:
    model = Network()
    waiting = capture_next(model, lambda graph: pytest.fail("recorded"))
    waiting.close()
    waiting.close()
    model(IMAGES)
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())
