"""Weights and gradients of a PyTorch model arrive as histograms, and watching never harms training."""

import copy
import pickle
import warnings
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.optim.optimizer import _global_optimizer_post_hooks

import trainboard as tb
from trainboard.loggers.warn import TrainboardWarning
from trainboard.storage.kinds.histogram import Histogram


@pytest.fixture
def run(tmp_path: Path) -> Iterator[tb.Run]:
    with tb.init("tests", store=tmp_path / "store.db") as run:
        yield run


def records(run: tb.Run, tag: str) -> dict[int, Histogram]:
    """What the store has under ``tag``, by step."""
    assert run.flush(timeout=10)
    store = tb.open_store(run.store)
    if tag not in tags(run):
        return {}
    return {record.step: record.value for record in store.records(run.id, tag, "histogram")}


def tags(run: tb.Run) -> set[str]:
    assert run.flush(timeout=10)
    return {series.tag for series in tb.open_store(run.store).series(run.id, "histogram")}


def same(histogram: Histogram, values: Any) -> bool:
    expected = Histogram.from_values(np.asarray(values))
    return (
        np.array_equal(histogram.buckets, expected.buckets)
        and np.array_equal(histogram.counts, expected.counts)
        and (histogram.zeros, histogram.nans) == (expected.zeros, expected.nans)
        and (histogram.minimum, histogram.maximum) == (expected.minimum, expected.maximum)
    )


def step(model: nn.Module, optimizer: torch.optim.Optimizer, inputs: Any) -> None:
    optimizer.zero_grad()
    model(inputs).abs().sum().backward()
    optimizer.step()


def network() -> nn.Module:
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(16, 2))


IMAGES = torch.rand(3, 1, 4, 4)


def test_the_first_step_and_every_hundredth_from_there_are_logged_by_default(run: tb.Run) -> None:
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    run.watch(model)
    for _ in range(205):
        step(model, optimizer, IMAGES)
    names = {"0.weight", "0.bias", "3.weight", "3.bias"}
    expected = {f"{what}/{name}" for what in ("weights", "gradients", "updates") for name in names}
    assert tags(run) == expected | {f"activations/{layer}" for layer in "0123"}
    for tag in tags(run):
        assert list(records(run, tag)) == [1, 101, 201]


def test_histograms_hold_the_weights_after_and_the_gradients_of_their_step(run: tb.Run) -> None:
    model = network()
    optimizer = torch.optim.Adam(model.parameters(), 0.1)
    run.watch(model, every=2)
    expected = {}
    for index in range(1, 4):
        step(model, optimizer, IMAGES)
        expected[index] = {
            name: (parameter.detach().clone(), parameter.grad.clone())
            for name, parameter in model.named_parameters()
            if parameter.grad is not None
        }
    for name, parameter in model.named_parameters():
        for when, weights in records(run, f"weights/{name}").items():
            assert weights.count == parameter.numel()
            assert same(weights, expected[when][name][0])
        gradients = records(run, f"gradients/{name}")
        assert list(gradients) == [1, 3]
        assert all(same(gradients[when], expected[when][name][1]) for when in (1, 3))


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


def test_weights_or_gradients_can_be_left_out(run: tb.Run) -> None:
    model, other = nn.Linear(2, 2), nn.Linear(2, 2)
    run.watch(model, gradients=False, activations=False, updates=False)
    step(model, torch.optim.SGD(model.parameters(), 0.1), torch.ones(1, 2))
    assert tags(run) == {"weights/weight", "weights/bias"}
    run.unwatch()
    run.watch(other, weights=False, activations=False, updates=False)
    step(other, torch.optim.SGD(other.parameters(), 0.1), torch.ones(1, 2))
    assert tags(run) == {"weights/weight", "weights/bias", "gradients/weight", "gradients/bias"}


def test_only_optimizers_of_the_watched_model_count(run: tb.Run) -> None:
    model, other = nn.Linear(2, 2), nn.Linear(2, 2)
    optimizer, unrelated = (torch.optim.SGD(m.parameters(), 0.1) for m in (model, other))
    run.watch(model, every=2)
    for _ in range(3):
        step(other, unrelated, torch.ones(1, 2))
        step(model, optimizer, torch.ones(1, 2))
    assert list(records(run, "weights/weight")) == [1, 3]


def test_two_optimizers_of_one_model_each_log_what_they_move(run: tb.Run) -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    first, second = (torch.optim.SGD(part.parameters(), 0.1) for part in model)
    run.watch(model, every=2)
    for _ in range(3):
        step(model, first, torch.ones(1, 2))
    step(model, second, torch.ones(1, 2))
    assert list(records(run, "weights/0.weight")) == [1, 3]
    assert list(records(run, "weights/1.weight")) == [1]


def test_accumulated_gradients_are_logged_once_a_step(run: tb.Run) -> None:
    model = nn.Linear(2, 2)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    run.watch(model, every=1)
    for _ in range(3):
        model(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    (gradient,) = records(run, "gradients/weight").values()
    assert same(gradient, np.full((2, 2), 3.0))


def test_clipped_gradients_are_logged_as_the_optimizer_used_them(run: tb.Run) -> None:
    model = nn.Linear(2, 2)
    run.watch(model)
    (model(torch.ones(1, 2)) * 1000).sum().backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    torch.optim.SGD(model.parameters(), 0.1).step()
    assert records(run, "gradients/weight")[1].maximum < 1


def test_a_closure_that_computes_the_gradients_in_the_step_is_seen(run: tb.Run) -> None:
    model = nn.Linear(2, 2)
    optimizer = torch.optim.LBFGS(model.parameters(), max_iter=1)
    run.watch(model)

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = model(torch.ones(1, 2)).pow(2).sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    assert 1 in records(run, "gradients/weight")


class Unusual(nn.Module):
    """Parameters of every sort that a step may meet."""

    def __init__(self) -> None:
        super().__init__()
        self.dense = nn.Parameter(torch.randn(2, 3))
        self.shared = self.dense
        self.frozen = nn.Parameter(torch.ones(2), requires_grad=False)
        self.unused = nn.Parameter(torch.ones(2))
        self.empty = nn.Parameter(torch.empty(0, 3))
        self.number = nn.Parameter(torch.tensor(2.0))
        self.fp16 = nn.Parameter(torch.ones(2, dtype=torch.float16))
        self.bf16 = nn.Parameter(torch.ones(2, dtype=torch.bfloat16))
        self.complex = nn.Parameter(torch.tensor([1 + 2j, 3 - 4j]))
        self.transposed = nn.Parameter(torch.randn(2, 3).t())
        self.table = nn.Embedding(5, 2, sparse=True)
        self.lazy = nn.LazyLinear(2)

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        used = [self.dense, self.empty, self.number, self.fp16, self.bf16, self.complex.abs()]
        total = sum((parameter.float() ** 2).sum() for parameter in [*used, self.transposed])
        return total + self.table(rows).sum()


def test_unusual_parameters_are_counted_or_left_out(run: tb.Run) -> None:
    model = Unusual()
    optimizer = torch.optim.SGD([p for p in model.parameters() if not nn.parameter.is_lazy(p)], 0.1)
    run.watch(model, activations=False, updates=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error", TrainboardWarning)
        step(model, optimizer, torch.tensor([1, 1, 4]))
    counts = {tag: records(run, tag)[1].count for tag in tags(run)}
    assert counts == {
        "weights/dense": 6,
        "weights/frozen": 2,
        "weights/unused": 2,
        "weights/number": 1,
        "weights/fp16": 2,
        "weights/bf16": 2,
        "weights/complex": 4,
        "weights/transposed": 6,
        "weights/table.weight": 10,
        "gradients/dense": 6,
        "gradients/number": 1,
        "gradients/fp16": 2,
        "gradients/bf16": 2,
        "gradients/complex": 4,
        "gradients/transposed": 6,
        "gradients/table.weight": 4,
    }
    assert records(run, "gradients/table.weight")[1].maximum == 2


def test_gradients_that_are_not_finite_are_counted_as_such(run: tb.Run) -> None:
    model = nn.Linear(2, 2)
    run.watch(model)
    (model(torch.ones(1, 2)) * torch.nan).sum().backward()
    torch.optim.SGD(model.parameters(), 0.1).step()
    assert records(run, "gradients/weight")[1].nans == 4


def test_a_compiled_model_is_logged_under_its_own_names(run: tb.Run) -> None:
    model: Any = torch.compile(nn.Sequential(nn.Linear(2, 2)), backend="eager")
    run.watch(model)
    step(model, torch.optim.SGD(model.parameters(), 0.1), torch.ones(1, 2))
    assert "gradients/0.weight" in tags(run)


def test_parameters_added_later_are_logged_too(run: tb.Run) -> None:
    model = nn.Sequential(nn.Linear(2, 2))
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    run.watch(model, every=1)
    step(model, optimizer, torch.ones(1, 2))
    model.append(nn.Linear(2, 1))
    optimizer.add_param_group({"params": model[1].parameters()})
    step(model, optimizer, torch.ones(1, 2))
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


@pytest.mark.parametrize("every", [0, -1, 1.5, "often", True])
def test_an_interval_that_is_none_is_one_warning_that_says_so(run: tb.Run, every: Any) -> None:
    with pytest.warns(TrainboardWarning, match="every must be a whole number"):
        run.watch(nn.Linear(2, 2), every=every)


def test_what_is_no_model_is_one_warning_that_says_so(run: tb.Run) -> None:
    with pytest.warns(TrainboardWarning, match=r"expected a torch.nn.Module or a Keras model, not dict"):
        run.watch({})
    with pytest.warns(TrainboardWarning, match=r"expected a torch.nn.Module or a Keras model, not list"):
        run.log_graph([])
