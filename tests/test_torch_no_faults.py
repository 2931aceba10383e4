"""Training that is well, or that recovers by itself: the flight recorder raises no alarm."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from logged import faults
from torch import nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint
from torch_faults import half, mlp, square_loss, train, with_planted

import trainboard as tb
from trainboard.loggers.flight_recorder import Fault
from trainboard.loggers.warn import TrainboardWarning


@pytest.fixture
def run(tmp_path: Path) -> Iterator[tb.Run]:
    torch.manual_seed(0)
    with tb.init("tests", store=tmp_path / "store.db") as run:
        yield run


def test_a_step_that_a_loss_scaler_skips_is_no_fault(run: tb.Run) -> None:
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
    for fused in (False, True):
        optimizer = torch.optim.SGD(model.parameters(), 0.01, fused=fused)
        scaler = torch.amp.GradScaler("cpu", init_scale=2.0**127)
        found: list[Fault] = []
        run.watch(model, on_nonfinite=found.append)
        skipped = 0
        for _ in range(8):
            optimizer.zero_grad()
            with torch.autocast("cpu", torch.float16):
                loss = model(torch.randn(6, 4) * 100).float().square().mean()
            scaler.scale(loss).backward()
            scale = scaler.get_scale()
            scaler.step(optimizer)
            scaler.update()
            skipped += scaler.get_scale() < scale
        assert skipped and found == []
        run.unwatch()


class Policy(nn.Module):
    """A model whose output is masked with -Inf on purpose."""

    def __init__(self) -> None:
        super().__init__()
        self.body = mlp()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.body(x).masked_fill(torch.tensor([False, True]), -math.inf)


CLEAN: dict[str, Callable[[], tuple[nn.Module, Callable[[torch.Tensor], torch.Tensor]]]] = {
    "mlp": lambda: (mlp(), square_loss),
    "batch norm": lambda: (
        nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 2)),
        square_loss,
    ),
    "layer norm": lambda: (nn.Sequential(nn.Linear(4, 8), nn.LayerNorm(8), nn.Linear(8, 2)), square_loss),
    "dropout": lambda: (nn.Sequential(nn.Linear(4, 8), nn.Dropout(), nn.Linear(8, 2)), square_loss),
    "masked output": lambda: (Policy(), lambda output: -output.log_softmax(1)[:, 0].mean()),
    "masked by where": lambda: (
        with_planted(lambda x: torch.where(x > 0, x, -math.inf).softmax(1)),
        square_loss,
    ),
    "infinity absorbed": lambda: (
        with_planted(lambda x: x + (x.detach() * math.inf).tanh().nan_to_num()),
        square_loss,
    ),
    "transformer": lambda: (
        nn.Sequential(nn.Linear(4, 8), Causal(), nn.Linear(8, 2)),
        square_loss,
    ),
    "checkpointed": lambda: (Checkpointed(), square_loss),
    "rnn": lambda: (nn.Sequential(nn.RNN(4, 8), First(), nn.Linear(8, 2)), square_loss),
    "lstm": lambda: (nn.Sequential(nn.LSTM(4, 8), First(), nn.Linear(8, 2)), square_loss),
    "half": lambda: (half(), square_loss),
    "bfloat16": lambda: (mlp().bfloat16(), square_loss),
    "double": lambda: (mlp().double(), square_loss),
    "huge but finite": lambda: (mlp(), lambda output: output.mean() * 1e25),
    "cross entropy": lambda: (
        mlp(),
        lambda output: F.cross_entropy(output, torch.zeros(6, dtype=torch.long)),
    ),
    "no bias": lambda: (nn.Sequential(nn.Linear(4, 8, bias=False), nn.Linear(8, 2, bias=False)), square_loss),
    "inplace": lambda: (nn.Sequential(nn.Linear(4, 8), nn.ReLU(inplace=True), nn.Linear(8, 2)), square_loss),
    "embedding bag": lambda: (nn.Sequential(Ranks(), nn.EmbeddingBag(9, 2)), square_loss),
    "convolution": lambda: (
        nn.Sequential(nn.Unflatten(1, (1, 2, 2)), nn.Conv2d(1, 2, 2), nn.Flatten()),
        square_loss,
    ),
}


class Causal(nn.Module):
    """A transformer's layer whose mask is -Inf above the diagonal."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(x.unsqueeze(0), nn.Transformer.generate_square_subsequent_mask(len(x)))[0]


class Checkpointed(nn.Module):
    """Its forward pass is made again in the backward pass."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = mlp()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return checkpoint(self.inner, x, use_reentrant=False)


class First(nn.Module):
    def forward(self, both: Any) -> torch.Tensor:
        return both[0]


class Ranks(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.argsort(1)


@pytest.mark.parametrize("case", CLEAN)
def test_clean_training_raises_no_alarm(run: tb.Run, case: str) -> None:
    model, loss = CLEAN[case]()
    found: list[Fault] = []
    with warnings.catch_warnings():
        warnings.simplefilter("error", TrainboardWarning)
        # Adam's usual epsilon is 0 in half precision, which is a fault indeed.
        optimizer = torch.optim.Adam(model.parameters(), 1e-3, eps=1e-3)
        train(run, model, loss=loss, optimizer=optimizer, on_nonfinite=found.append)
    assert found == [] and faults(run) == []
