"""The flight recorder: planted faults are found where they begin, and clean training raises no alarm."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from logged import faults
from torch import nn
from torch_faults import (
    PLANTED,
    Attention,
    BadGradient,
    Normalized,
    Planted,
    Rectified,
    Recurrent,
    Remembered,
    at_planted,
    half,
    logarithm,
    mlp,
    set_nan,
    train,
    with_planted,
)

import trainboard as tb
from trainboard.loggers.flight_recorder import Fault


@pytest.fixture
def run(tmp_path: Path) -> Iterator[tb.Run]:
    torch.manual_seed(0)
    with tb.init("tests", store=tmp_path / "store.db") as run:
        yield run


FORWARD = {
    "BatchNorm of a batch without variance": (
        lambda: nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8, eps=1e-300), nn.Linear(8, 2)),
        {"bad": lambda x: x[:1].expand(6, 4)},
        "1",
    ),
    "attention to nothing": (Attention, {}, "attention"),
    "the logarithm of zero": (lambda: with_planted(lambda x: logarithm(x) * 0), {}, "2"),
    "0/0 in a norm": (
        lambda: nn.Sequential(nn.Linear(4, 8), Normalized(), nn.Linear(8, 2)),
        {"bad": lambda x: x, "zeroed": True},
        "1",
    ),
    "0/0 in a norm before ReLU": (
        lambda: nn.Sequential(nn.Linear(4, 8), Normalized(), nn.ReLU(), nn.Linear(8, 2)),
        {"zeroed": True},
        "1",
    ),
    "a bad batch before a function": (lambda: Rectified(nn.Linear(4, 8)), {"bad": set_nan}, "inner"),
    "the state of an RNN": (Recurrent, {}, "cell"),
    "a bad batch": (mlp, {"bad": set_nan}, "0"),
    "fp16 overflow": (half, {"bad": lambda x: x * 1e9}, "0"),
    "a layer deep inside": (
        lambda: nn.Sequential(nn.Sequential(mlp(), nn.Sequential(nn.Linear(2, 4), Planted(set_nan))), mlp()),
        {},
        "0.1.1",
    ),
    "the square root of a negative": (lambda: with_planted(lambda x: (x - 100).sqrt()), {}, "2"),
}


def zero_first_layer(model: nn.Module) -> Callable[[int], None]:
    def zero(step: int) -> None:
        if step == PLANTED - 1:
            first = model.get_submodule("0")
            with torch.no_grad():
                for parameter in first.parameters():
                    parameter.zero_()
                    parameter.grad = None

    return zero


def check(run: tb.Run, found: list[Fault], layer: str, phase: str) -> None:
    (fault,) = found
    assert (fault.layer, fault.phase) == (layer, phase)
    assert (fault.step, fault.batch, fault.last_good_step) == (PLANTED, PLANTED, PLANTED - 1)
    (event,) = faults(run)
    assert event.level == "error" and event.text == str(fault)
    assert [step["step"] for step in event.data["ring"]][: PLANTED - 1] == [1, 2, 3]


@pytest.mark.parametrize("case", FORWARD)
def test_a_fault_of_the_forward_pass_is_found_in_its_layer(run: tb.Run, case: str) -> None:
    make, options, layer = FORWARD[case]
    model, options, found = make(), dict(options), []
    if options.pop("zeroed", False):
        options["before_step"] = zero_first_layer(model)
    train(run, model, on_nonfinite=found.append, **options)
    check(run, found, layer, "forward")


@pytest.mark.parametrize(
    "rectified", [Rectified, lambda inner: nn.Sequential(inner, nn.ReLU(), nn.Linear(8, 2))]
)
def test_what_relu_was_given_is_let_go_before_the_next_layer_is_done(run: tb.Run, rectified: Any) -> None:
    inner = Remembered(4, 8)
    model = rectified(inner)
    run.watch(model, activations=False)
    held: list[Any] = []
    *_, last = model.children()
    last.register_forward_hook(lambda *_: held.append(inner.returned()))
    model(torch.randn(6, 4)).sum().backward()
    assert held == [None]


def frozen(fault: Callable[[torch.Tensor], torch.Tensor]) -> nn.Sequential:
    """Two frozen layers with a fault between them, and one that learns."""
    model = nn.Sequential(Remembered(4, 8), Planted(fault), Remembered(8, 8), nn.ReLU(), nn.Linear(8, 2))
    model[0].requires_grad_(False)
    model[2].requires_grad_(False)
    return model


def test_what_frozen_layers_return_is_let_go_before_the_next_layer_is_done(run: tb.Run) -> None:
    model = frozen(lambda x: x * 1.0)
    run.watch(model, activations=False)
    held: list[Any] = []
    for layer, after in (model[0], model[2]), (model[2], model[4]):
        assert isinstance(layer, Remembered)
        after.register_forward_hook(lambda *_, layer=layer: held.append(layer.returned()))
    model(torch.randn(6, 4)).sum().backward()
    assert held == [None, None]


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_fault_among_frozen_layers_is_found_where_it_begins(run: tb.Run, bad: float) -> None:
    found: list[Fault] = []
    train(run, frozen(lambda x: x.where(x != x.max(), bad)), on_nonfinite=found.append)
    check(run, found, "1", "forward")


LOSSES: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "a division by zero": lambda output: output.mean() / (output * 0).sum(),
    "the logarithm of zero": lambda output: (output * 0).log().mean(),
    "a square root at zero": lambda output: (output * 0).sqrt().sum(),
    "a masked NaN": lambda output: torch.where(output > 1e9, (output * 0).sqrt(), output).mean(),
}


@pytest.mark.parametrize("case", LOSSES)
def test_a_fault_of_the_loss_is_told_from_one_of_the_model(run: tb.Run, case: str) -> None:
    found: list[Fault] = []
    train(run, mlp(), loss=at_planted(LOSSES[case]), on_nonfinite=found.append)
    check(run, found, "loss", "loss")


BACKWARD = {
    "a function of one's own": (lambda: with_planted(BadGradient.apply), "2"),
    "a square root at zero": (lambda: with_planted(lambda x: (x * 0).sqrt() + x), "2"),
    "a norm at zero": (lambda: with_planted(lambda x: x + (x * 0).norm(dim=1, keepdim=True).pow(0.5)), "2"),
}


@pytest.mark.parametrize("case", BACKWARD)
def test_a_fault_of_the_backward_pass_is_found_in_its_layer(run: tb.Run, case: str) -> None:
    make, layer = BACKWARD[case]
    found: list[Fault] = []
    train(run, make(), on_nonfinite=found.append)
    check(run, found, layer, "backward")


def test_gradients_that_a_program_spoils_are_found_before_the_step_that_uses_them(run: tb.Run) -> None:
    class Words(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table = nn.Embedding(5, 4)
            self.last = nn.Linear(4, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.last(self.table((x > 0).long()).mean(1))

    model = Words()
    found: list[Fault] = []

    def spoil(step: int) -> None:
        if step == PLANTED:
            gradient = model.table.weight.grad
            assert gradient is not None
            gradient[1, 0] = math.inf

    train(run, model, before_step=spoil, on_nonfinite=found.append)
    check(run, found, "table", "backward")


UPDATES: dict[str, Callable[[nn.Module], torch.optim.Optimizer]] = {
    "an exploding learning rate": lambda model: torch.optim.SGD(model.parameters(), 0.01),
    "weight decay that blows up": lambda model: torch.optim.SGD(model.parameters(), 0.01, weight_decay=1e-6),
}


@pytest.mark.parametrize("case", UPDATES)
def test_a_fault_of_the_update_is_found_in_the_first_layer_that_it_spoils(run: tb.Run, case: str) -> None:
    model = mlp()
    optimizer = UPDATES[case](model)
    found: list[Fault] = []

    def explode(step: int) -> None:
        if step == PLANTED:
            group = optimizer.param_groups[0]
            group["lr"] = 3e38
            group["weight_decay"] *= 1e6
            for parameter in model.parameters():
                assert parameter.grad is not None
                parameter.grad *= 1e4

    train(run, model, optimizer=optimizer, before_step=explode, on_nonfinite=found.append)
    check(run, found, "0", "update")


@pytest.mark.parametrize(("step", "part"), [(1, 2), (2, 3), (PLANTED, 1)])
def test_clipping_does_not_hide_the_layer_that_spoiled_the_gradients(
    run: tb.Run, step: int, part: int
) -> None:
    model = with_planted(BadGradient.apply)
    planted = model.get_submodule("2")
    assert isinstance(planted, Planted)
    planted.batch = PLANTED - 3 * (step - 1) - part  # its fault comes in this part of the step
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    found: list[Fault] = []
    run.watch(model, on_nonfinite=found.append)
    for _ in range(PLANTED):
        optimizer.zero_grad()
        for _ in range(3):
            model(torch.randn(6, 4)).square().mean().backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    (fault,) = found
    assert (fault.layer, fault.phase, fault.step) == ("2", "backward", step)
    assert fault.batch == 3 * (step - 1) + part


def test_of_several_batches_of_a_step_the_one_that_spoiled_it_is_named(run: tb.Run) -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))
    for parameter in model.parameters():
        nn.init.ones_(parameter)
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    found: list[Fault] = []
    run.watch(model, on_nonfinite=found.append)
    for value in (1.0, -math.inf, 1.0):  # what comes out is -Inf, as of a mask, until there is a gradient
        model(torch.full((1, 2), value)).square().mean().backward()
    optimizer.step()
    assert [(one.layer, one.phase, one.step, one.batch) for one in found] == [("0", "forward", 1, 2)]


def test_of_optimizers_that_take_turns_the_step_is_that_of_the_one_whose_turn_it_is(run: tb.Run) -> None:
    made, judged = mlp(), nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 1))
    optimizers = [torch.optim.SGD(judged.parameters(), 0.01), torch.optim.SGD(made.parameters(), 0.01)]
    found: list[Fault] = []
    run.watch([made, judged], on_nonfinite=found.append)
    for step in range(1, 7):
        for turn, optimizer in enumerate(optimizers):
            optimizer.zero_grad()
            batch = torch.randn(6, 4) * (math.nan if (step, turn) == (PLANTED, 1) else 1.0)
            judged(made(batch)).square().mean().backward()
            if (step, turn) < (PLANTED, 1):
                optimizer.step()
    assert [(fault.layer, fault.step, fault.last_good_step) for fault in found] == [
        ("0.0", PLANTED, PLANTED - 1)
    ]


def test_a_good_step_of_another_optimizer_does_not_end_a_fault(run: tb.Run) -> None:
    words, last = nn.Embedding(5, 4, sparse=True), nn.Linear(4, 2)
    optimizers = [torch.optim.SparseAdam(words.parameters()), torch.optim.SGD(last.parameters(), 0.01)]
    found: list[Fault] = []
    model = nn.Sequential(words, last)
    run.watch(model, on_nonfinite=found.append)
    for step in range(1, 7):
        model(torch.arange(5)).square().mean().backward()
        gradient = words.weight.grad
        assert gradient is not None
        if step == PLANTED:
            words.weight.grad = gradient * math.nan
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad()
    assert [(fault.layer, fault.phase, fault.step) for fault in found] == [("0", "backward", PLANTED)]


def test_a_fault_among_complex_numbers_is_found_in_its_layer(run: tb.Run) -> None:
    model = nn.Sequential(nn.Linear(4, 8, dtype=torch.complex64), nn.Linear(8, 2, dtype=torch.complex64))
    found: list[Fault] = []
    train(
        run, model, loss=lambda output: output.abs().square().mean(), bad=set_nan, on_nonfinite=found.append
    )
    check(run, found, "0", "forward")
