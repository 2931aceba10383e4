"""Where the time of training steps goes: ``run.steps(loader)``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from slowness import LEAST_SECONDS, Slowness

import trainboard as tb
from trainboard.storage import Store


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.db"


def batches(count: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    for _ in range(count):
        yield torch.randn(8, 4), torch.randn(8, 1)


def slow_batches(count: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    pause = Slowness(2)
    for batch in batches(count):
        pause()
        yield batch


class Pausing(torch.autograd.Function):
    """Takes its time on its way back."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, pause: Slowness) -> torch.Tensor:
        ctx.pause = pause
        return x.clone()

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None]:
        ctx.pause()
        return gradients[0], None


class SlowCompute:
    """With ten times the rest, logging does not take the tenth that is too much, nor data a quarter."""

    def __init__(self, *given: Any, **options: Any) -> None:
        super().__init__(*given, **options)
        self.pause = Slowness(10)


class SlowForward(SlowCompute, torch.nn.Linear):
    def forward(self, input: torch.Tensor) -> torch.Tensor:
        self.pause()
        return super().forward(input)


class SlowBackward(SlowCompute, torch.nn.Linear):
    def forward(self, input: torch.Tensor) -> torch.Tensor:
        return Pausing.apply(super().forward(input), self.pause)  # type: ignore[no-any-return]


class SlowOptimizer(SlowCompute, torch.optim.SGD):
    def step(self, closure: Any = None) -> None:
        self.pause()
        super().step()


def train(
    path: Path,
    loader: Iterator[Any],
    model: torch.nn.Module,
    optimizer: torch.optim.Optimizer,
) -> dict[str, float]:
    """Mean seconds by phase of the last steps, and whatever else ``steps/`` has."""
    with tb.init(store=path) as run:
        assert run.flush(60)  # making the store takes time from the first steps
        for x, y in run.steps(loader, every=5):
            loss = (model(x) - y).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    store = tb.open_store(path)
    series = [series for series in store.series(run.id) if series.tag.startswith("steps/")]
    return {series.tag.removeprefix("steps/"): float(series.last or 0) for series in series}


def bottleneck(path: Path) -> str:
    return tb.open_store(path).runs()[0].summary["bottleneck"]


def sgd(model: torch.nn.Module) -> torch.optim.Optimizer:
    return torch.optim.SGD(model.parameters(), lr=0.01)


def test_waiting_for_data_is_told_and_named_as_the_bottleneck(path: Path) -> None:
    model = torch.nn.Linear(4, 1)
    told = train(path, slow_batches(11), model, sgd(model))
    assert told["data"] >= LEAST_SECONDS and told["data"] > told["total"] / 2
    assert bottleneck(path) == "input-bound"


@pytest.mark.parametrize(
    ("phase", "make_model", "make_optimizer"),
    [
        ("forward", SlowForward, torch.optim.SGD),
        ("backward", SlowBackward, torch.optim.SGD),
        ("optimizer", torch.nn.Linear, SlowOptimizer),
    ],
)
def test_each_phase_of_a_step_gets_its_own_time(
    path: Path, phase: str, make_model: Any, make_optimizer: Any
) -> None:
    model = make_model(4, 1)
    told = train(path, batches(11), model, make_optimizer(model.parameters(), lr=0.01))
    phases = {"data", "forward", "backward", "optimizer", "logging", "other"} & told.keys()
    assert max(phases, key=lambda name: told[name]) == phase
    assert told[phase] >= LEAST_SECONDS
    assert sum(told[name] for name in phases) == pytest.approx(told["total"])
    assert bottleneck(path) == "compute-bound"


def test_a_compiled_model_is_timed_like_any_other(path: Path) -> None:
    model = SlowForward(4, 1)
    compiled: Any = torch.compile(model, backend="eager")
    assert train(path, batches(11), compiled, sgd(model))["forward"] >= LEAST_SECONDS


def test_logging_that_takes_long_is_named_as_the_bottleneck(path: Path) -> None:
    values = {f"tag/{number}": 1.0 for number in range(1_000)}
    with tb.init(store=path) as run:
        for _ in run.steps(batches(11)):
            for _ in range(20):
                run.log(values, commit=False)
            run.log({"loss": 1.0})
    assert bottleneck(path) == "logging-bound"


def test_throughput_counts_samples_and_steps(path: Path) -> None:
    model = torch.nn.Linear(4, 1)
    told = train(path, slow_batches(11), model, sgd(model))
    assert told["per_second"] == pytest.approx(1 / told["total"])
    assert told["samples_per_second"] == pytest.approx(8 / told["total"])


def test_the_times_stand_at_the_step_that_was_logged_last(path: Path) -> None:
    with tb.init(store=path) as run:
        for number, _ in enumerate(run.steps(batches(7), every=3)):
            run.log({"loss": 1.0}, step=100 + number)
    store: Store = tb.open_store(path)
    assert store.points(run.id, "steps/total").step.tolist() == [103, 106]


def test_a_loader_keeps_its_length_and_its_batches(path: Path) -> None:
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.arange(10.0)), batch_size=3)
    with tb.init(store=path) as run:
        steps = run.steps(loader)
        assert len(steps) == 4
        for _ in range(2):
            assert torch.cat([batch[0] for batch in steps]).tolist() == list(range(10))


class Batch(NamedTuple):
    x: torch.Tensor
    names: list[str]


def test_batches_are_moved_to_the_device_with_their_structure(path: Path) -> None:
    given = [{"pair": (torch.ones(2), Batch(torch.ones(3), ["a"])), "size": 2}]
    with tb.init(store=path) as run:
        batch, _ = run.steps(2 * given, device="meta", every=1)
    assert batch["pair"][0].is_meta and batch["size"] == 2
    assert isinstance(batch["pair"][1], Batch)
    assert batch["pair"][1].x.is_meta and batch["pair"][1].names == ["a"]
    assert tb.open_store(path).points(run.id, "steps/copy").total == 1


def test_nothing_is_left_in_the_model_after_the_loop_even_if_it_ends_early(path: Path) -> None:
    model = torch.nn.Linear(4, 1)
    optimizer = sgd(model)
    with tb.init(store=path) as run:
        log = run.log
        with pytest.raises(ZeroDivisionError):
            for x, _ in run.steps(batches(5)):
                model(x).sum().backward()
                optimizer.step()
                _ = 1 / 0
        assert not model._forward_hooks and not model._forward_pre_hooks
        assert run.log == log


def test_a_bad_interval_is_refused_at_once(path: Path) -> None:
    with tb.init(store=path) as run, pytest.raises(ValueError, match="every"):
        run.steps([], every=0)
