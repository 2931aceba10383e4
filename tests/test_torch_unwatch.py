"""A watched PyTorch model stays as it is: copied, moved, freed, and left again without a trace."""

import copy
import pickle
import warnings
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.optim.optimizer import _global_optimizer_post_hooks
from torch_watched import IMAGES, network, records, statistics, step, tags

import trainboard as tb
from trainboard.loggers.warn import TrainboardWarning


@pytest.fixture
def run(tmp_path: Path) -> Iterator[tb.Run]:
    with tb.init("tests", store=tmp_path / "store.db") as run:
        yield run


def train_and_add_a_layer(run: tb.Run, steps_after: int) -> None:
    """One step of a watched layer, then more of it with another one behind."""
    model = nn.Sequential(nn.Linear(2, 2))
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    run.watch(model, every=1)
    step(model, optimizer, torch.ones(1, 2))
    model.append(nn.Linear(2, 1))
    optimizer.add_param_group({"params": model[1].parameters()})
    for _ in range(steps_after):
        step(model, optimizer, torch.ones(1, 2))


def test_watching_leaves_training_exactly_as_it_is(run: tb.Run) -> None:
    watched, alone = network(), network()
    alone.load_state_dict(watched.state_dict())
    run.watch(watched, every=1)
    for model in (watched, alone):
        optimizer = torch.optim.Adam(model.parameters(), 0.1)
        for _ in range(5):
            step(model, optimizer, IMAGES)
    for ours, theirs in zip(watched.parameters(), alone.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_parameters_added_later_are_logged_too(run: tb.Run) -> None:
    train_and_add_a_layer(run, steps_after=1)
    assert list(records(run, "weights/1.weight")) == [2]


def test_a_watched_model_can_be_copied_and_pickled(run: tb.Run) -> None:
    model = nn.Linear(2, 2)
    run.watch(model)
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert torch.equal(twin.weight, model.weight)


def test_unwatch_leaves_no_hook_and_logs_no_more(run: tb.Run) -> None:
    before = dict(_global_optimizer_post_hooks)
    model = nn.Linear(2, 2)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    run.watch(model, every=1)
    step(model, optimizer, torch.ones(1, 2))
    run.unwatch()
    run.unwatch()
    step(model, optimizer, torch.ones(1, 2))
    assert list(records(run, "weights/weight")) == [1]
    assert dict(_global_optimizer_post_hooks) == before
    assert not optimizer._optimizer_step_post_hooks and not model._forward_hooks


def test_finishing_the_run_ends_the_watch(tmp_path: Path) -> None:
    before = dict(_global_optimizer_post_hooks)
    model = nn.Linear(2, 2)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with tb.init("tests", store=tmp_path / "store.db") as run:
        run.watch(model)
        waiting = network()
        run.log_graph(waiting)
    step(model, optimizer, torch.ones(1, 2))
    assert dict(_global_optimizer_post_hooks) == before
    assert not waiting._forward_hooks and not waiting._forward_pre_hooks


def test_a_watched_model_can_be_freed(run: tb.Run) -> None:
    model = nn.Linear(2, 2)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    run.watch(model)
    step(model, optimizer, torch.ones(1, 2))
    gone = weakref.ref(model)
    del model, optimizer
    assert gone() is None


class Lying(nn.Module):
    """A model whose parameters cannot be listed."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(2, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.inner(x)

    def named_parameters(self, *args: Any, **kwargs: Any) -> Any:
        raise OSError("no such parameters")


def test_a_failure_while_watching_is_one_warning_and_training_goes_on(run: tb.Run) -> None:
    model = Lying()
    optimizer = torch.optim.SGD(model.inner.parameters(), 0.1)
    with pytest.warns(TrainboardWarning, match="OSError: no such parameters") as caught:
        run.watch(model, every=1)
        for _ in range(5):
            step(model, optimizer, torch.ones(1, 2))
    assert len([warning for warning in caught if warning.category is TrainboardWarning]) == 1


def hooks(model: nn.Module) -> list[Any]:
    """Every hook on a model's modules and parameters."""
    names = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    more = ("_forward_hooks_with_kwargs", "_forward_pre_hooks_with_kwargs", "_forward_hooks_always_called")
    found = [dict(getattr(module, name)) for module in model.modules() for name in (*names, *more)]
    for parameter in model.parameters():
        found += [dict(parameter._backward_hooks or {}), dict(parameter._post_accumulate_grad_hooks or {})]
    return found


@pytest.mark.parametrize("steps", [0, 1, 3])
def test_unwatch_leaves_every_hook_of_the_model_as_it_was(run: tb.Run, steps: int) -> None:
    model = network()
    model[0].register_forward_hook(lambda module, args, output: None)  # type: ignore[index]
    before = hooks(model)
    run.watch(model, every=2)
    assert hooks(model) != before
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    for _ in range(steps):
        step(model, optimizer, IMAGES)
    run.unwatch()
    assert hooks(model) == before


def test_hooks_that_the_program_removes_are_not_missed(run: tb.Run) -> None:
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    run.watch(model, every=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error", TrainboardWarning)
        for module in model.modules():
            module._forward_hooks.clear()
        for _ in range(3):
            step(model, optimizer, IMAGES)
    assert list(statistics(run, "weights")) == [1, 2, 3]


def test_copies_of_a_watched_model_are_not_watched_and_work_alike(run: tb.Run) -> None:
    model = network()
    run.watch(model, every=1)
    twins = [copy.deepcopy(model), pickle.loads(pickle.dumps(model))]
    for twin in twins:
        assert torch.equal(twin(IMAGES), model(IMAGES))
        step(twin, torch.optim.SGD(twin.parameters(), 0.1), IMAGES)
    assert tags(run) == set()
    assert b"trainboard.loggers" not in pickle.dumps(model)


def test_a_module_that_raises_raises_what_it_did_and_the_next_step_is_watched(run: tb.Run) -> None:
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    run.watch(model, every=1)
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        model(torch.rand(3, 1, 7, 7))
    step(model, optimizer, IMAGES)
    assert statistics(run, "activations")[1].names == ("0", "1", "2", "3")


def test_a_model_that_is_moved_to_another_precision_is_watched_on(run: tb.Run) -> None:
    model = nn.Linear(2, 2)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    run.watch(model, every=1)
    step(model, optimizer, torch.ones(1, 2))
    model.double()
    step(model, optimizer, torch.ones(1, 2, dtype=torch.float64))
    assert list(records(run, "weights/weight")) == [1, 2]


def test_layers_added_later_are_seen_inside_too(run: tb.Run) -> None:
    train_and_add_a_layer(run, steps_after=2)
    assert statistics(run, "activations")[3].names == ("0", "1")
