"""What a program is told of a fault, and what it can do about it."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch_faults import (
    BadGradient,
    mlp,
    set_nan,
    train,
    with_planted,
)

import trainboard as tb
from trainboard.loggers.flight_recorder import Fault
from trainboard.loggers.warn import TrainboardWarning


@pytest.fixture
def run(tmp_path: Path) -> Iterator[tb.Run]:
    torch.manual_seed(0)
    with tb.init("tests", store=tmp_path / "store.db") as run:
        yield run


def test_a_callback_can_stop_training_before_the_weights_are_spoiled(run: tb.Run) -> None:
    def stop(fault: Fault) -> None:
        raise tb.StopTraining(str(fault))

    model = with_planted(BadGradient.apply)
    with pytest.raises(tb.StopTraining, match="step 4, batch 4"):
        train(run, model, on_nonfinite=stop)
    assert all(parameter.isfinite().all() for parameter in model.parameters())


def test_a_callback_that_fails_is_one_warning_and_training_goes_on(run: tb.Run) -> None:
    def fail(fault: Fault) -> None:
        raise OSError("no space left for a checkpoint")

    with pytest.warns(TrainboardWarning, match="no space left for a checkpoint"):
        train(run, with_planted(BadGradient.apply), on_nonfinite=fail)


def test_training_that_recovers_is_told_of_its_next_fault_too(run: tb.Run) -> None:
    model = mlp()
    found: list[Fault] = []
    optimizer = torch.optim.SGD(model.parameters(), 0.0)
    run.watch(model, on_nonfinite=found.append)
    for step in range(1, 8):
        optimizer.zero_grad()
        model(torch.randn(6, 4) * (math.nan if step in (2, 3, 6) else 1)).mean().backward()
        if step not in (2, 3, 6):
            optimizer.step()
    assert [(fault.step, fault.batch) for fault in found] == [(2, 2), (4, 6)]


def test_anomaly_mode_tells_the_line_that_made_the_fault(run: tb.Run) -> None:
    found: list[Fault] = []
    with warnings.catch_warnings(), torch.autograd.set_detect_anomaly(True, check_nan=False):
        warnings.simplefilter("ignore")
        train(run, with_planted(set_nan), on_nonfinite=found.append)
    assert "set_nan" in found[0].trace
