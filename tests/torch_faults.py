"""Models to plant faults in, and a training of them."""

from __future__ import annotations

import math
import weakref
from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

import trainboard as tb

PLANTED = 4


class Planted(nn.Module):
    """Passes its input on, until in batch ``PLANTED`` it does what it was given."""

    def __init__(self, fault: Callable[[torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.fault = fault
        self.batch = 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.batch += 1
        return self.fault(x) if self.batch == PLANTED else x * 1.0


class BadGradient(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        return x.clone()

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> torch.Tensor:
        return gradients[0] * math.nan


def with_planted(fault: Callable[[torch.Tensor], torch.Tensor]) -> nn.Sequential:
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), Planted(fault), nn.Linear(8, 8), nn.Linear(8, 2))


class Attention(nn.Module):
    """Attention over six positions; in batch ``PLANTED`` a row has nothing that it may look at."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(4, 8)
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.last = nn.Linear(8, 2)
        self.batch = 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.batch += 1
        mask = torch.ones(6, 6).tril().log()  # -Inf above the diagonal, as it should be
        if self.batch == PLANTED:
            mask[2] = -math.inf
        y = self.first(x).unsqueeze(0).expand(3, -1, -1)
        y, _ = self.attention(y, y, y, attn_mask=mask, need_weights=True)
        return self.last(y).mean(0)


class Recurrent(nn.Module):
    """The same cell at each of five positions; in batch ``PLANTED`` the third state overflows."""

    def __init__(self) -> None:
        super().__init__()
        self.cell = nn.RNNCell(4, 8)
        self.last = nn.Linear(8, 2)
        self.batch = 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.batch += 1
        state = torch.zeros(len(x), 8)
        for position in range(5):
            factor = math.inf if self.batch == PLANTED and position == 2 else 1.0
            state = self.cell(x, state * factor)
        return self.last(state)


class Rectified(nn.Module):
    """ReLU of what ``inner`` returns, by a call of a function."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner
        self.last = nn.Linear(8, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(F.relu(self.inner(x)))


class Remembered(nn.Linear):
    """Knows whether anything still holds what it returned last."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        output = super().forward(input)
        self.returned = weakref.ref(output)
        return output


class Normalized(nn.Module):
    """A norm of one's own, which divides 0 by 0 when its input is constant."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(8))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x - x.mean(1, keepdim=True)
        return self.scale * x / x.abs().amax(1, keepdim=True)


def mlp() -> nn.Sequential:
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))


def half() -> nn.Sequential:
    return nn.Sequential(nn.Linear(4, 8), nn.Linear(8, 8), nn.Linear(8, 2)).to(torch.float16)


def square_loss(output: torch.Tensor) -> torch.Tensor:
    return output.float().square().mean()


def batches(model: nn.Module, bad: Callable[[torch.Tensor], torch.Tensor] | None = None) -> Any:
    """Six batches of six; ``bad`` is done to the one that is planted."""
    dtype = next(model.parameters()).dtype
    for number in range(1, 7):
        batch = torch.randn(6, 4, dtype=dtype)
        yield bad(batch) if bad and number == PLANTED else batch


def train(
    run: tb.Run,
    model: nn.Module,
    *,
    loss: Callable[[torch.Tensor], torch.Tensor] = square_loss,
    bad: Callable[[torch.Tensor], torch.Tensor] | None = None,
    optimizer: torch.optim.Optimizer | None = None,
    before_step: Callable[[int], None] = lambda step: None,
    **options: Any,
) -> None:
    optimizer = optimizer or torch.optim.SGD(model.parameters(), 0.01)
    run.watch(model, **options)
    for step, batch in enumerate(batches(model, bad), 1):
        optimizer.zero_grad()
        loss(model(batch)).backward()
        before_step(step)
        optimizer.step()


def at_planted(change: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[torch.Tensor], torch.Tensor]:
    """A loss that ``change`` spoils in batch ``PLANTED``."""
    calls = iter(range(1, 100))
    return lambda output: change(output) if next(calls) == PLANTED else square_loss(output)


def set_nan(x: torch.Tensor) -> torch.Tensor:
    return x.index_fill(0, torch.tensor([2]), math.nan)


def logarithm(x: torch.Tensor) -> torch.Tensor:
    return torch.log(x.relu() * 0)
