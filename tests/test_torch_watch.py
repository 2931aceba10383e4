"""Weights and gradients of a PyTorch model arrive as histograms, and watching never harms training."""

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch_watched import IMAGES, network, records, statistics, step, tags

import trainboard as tb
from trainboard.loggers.warn import TrainboardWarning
from trainboard.storage.kinds.histogram import Histogram


@pytest.fixture
def run(tmp_path: Path) -> Iterator[tb.Run]:
    with tb.init("tests", store=tmp_path / "store.db") as run:
        yield run


def same(histogram: Histogram, values: Any) -> bool:
    expected = Histogram.from_values(np.asarray(values))
    return (
        np.array_equal(histogram.buckets, expected.buckets)
        and np.array_equal(histogram.counts, expected.counts)
        and (histogram.zeros, histogram.nans) == (expected.zeros, expected.nans)
        and (histogram.minimum, histogram.maximum) == (expected.minimum, expected.maximum)
    )


def test_the_first_step_and_every_thousandth_from_there_are_logged_by_default(run: tb.Run) -> None:
    model = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    run.watch(model)
    for _ in range(1005):
        step(model, optimizer, torch.ones(2, 4))
    names = {"0.weight", "0.bias", "2.weight", "2.bias"}
    expected = {f"{what}/{name}" for what in ("weights", "gradients", "updates") for name in names}
    assert tags(run) == expected | {f"activations/{layer}" for layer in "012"}
    for tag in tags(run):
        assert list(records(run, tag)) == [1, 1001]


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


@pytest.mark.parametrize("every", [0, -1, 1.5, "often", True])
def test_an_interval_that_is_none_is_one_warning_that_says_so(run: tb.Run, every: Any) -> None:
    with pytest.warns(TrainboardWarning, match="every must be a whole number"):
        run.watch(nn.Linear(2, 2), every=every)


def test_what_is_no_model_is_one_warning_that_says_so(run: tb.Run) -> None:
    with pytest.warns(TrainboardWarning, match=r"expected a torch.nn.Module or a Keras model, not dict"):
        run.watch({})
    with pytest.warns(TrainboardWarning, match=r"expected a PyTorch or Keras model, .*, not list"):
        run.log_graph([])


def test_statistics_of_every_layer_are_those_of_the_tensors_themselves(run: tb.Run) -> None:
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    run.watch(model, every=2, histograms=False)
    step(model, optimizer, IMAGES)
    before = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    step(model, optimizer, IMAGES)
    before = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    step(model, optimizer, IMAGES)
    assert tags(run) == set()
    for source in ("weights", "gradients", "updates"):
        found = statistics(run, source)
        assert list(found) == [1, 3] and found[3].names == tuple(before)
    for row, (name, parameter) in enumerate(model.named_parameters()):
        now, gradient = parameter.detach(), parameter.grad
        assert gradient is not None
        update = now - before[name]
        for source, tensor in (("weights", now), ("gradients", gradient), ("updates", update)):
            stats = statistics(run, source)[3]
            assert stats.column("norm")[row] == pytest.approx(tensor.norm().item(), rel=1e-5)
            assert stats.column("max")[row] == tensor.max().item()
            assert stats.column("zero_fraction")[row] == (tensor == 0).float().mean().item()
        ratio = (update.norm() / before[name].norm()).item()
        assert statistics(run, "updates")[3].column("ratio")[row] == pytest.approx(ratio, rel=1e-4)
    assert statistics(run, "activations")[3].names == ("0", "1", "2", "3")


def test_histograms_can_be_rarer_than_statistics(run: tb.Run) -> None:
    model = nn.Linear(2, 2)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    run.watch(model, every=2, histograms=4)
    for _ in range(6):
        step(model, optimizer, torch.ones(1, 2))
    assert list(statistics(run, "weights")) == [1, 3, 5]
    assert list(records(run, "weights/weight")) == [1, 5]


def test_gradients_are_seen_before_and_after_they_are_clipped(run: tb.Run) -> None:
    model = nn.Linear(2, 2)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    run.watch(model)
    for _ in range(2):  # accumulated
        (model(torch.ones(1, 2)) * 1000).sum().backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    raw, used = (statistics(run, source)[1].column("norm") for source in ("raw_gradients", "gradients"))
    assert raw.tolist() == pytest.approx([4000, 2000 * 2**0.5])
    assert np.linalg.norm(used) == pytest.approx(1, rel=1e-4)


def test_the_next_step_is_looked_at_when_asked(run: tb.Run) -> None:
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    run.watch(model)
    for index in range(1, 7):
        step(model, optimizer, IMAGES)
        if index == 3:
            run.watch_now()
    for source in ("weights", "gradients", "updates", "activations"):
        assert list(records(run, f"{source}/3" + ".weight" * (source != "activations"))) == [1, 4]
    run.unwatch()
    run.watch_now()


def test_several_models_are_watched_under_their_positions(run: tb.Run) -> None:
    models = [nn.Linear(2, 2), nn.Linear(2, 2)]
    run.watch(models, activations=False, updates=False, gradients=False)
    for model in models:
        step(model, torch.optim.SGD(model.parameters(), 0.1), torch.ones(1, 2))
    assert tags(run) == {f"weights/{at}.{name}" for at in (0, 1) for name in ("weight", "bias")}
