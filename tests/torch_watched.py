"""A small PyTorch model that is watched, and what is logged of it."""

from typing import Any

import torch
from torch import nn

import trainboard as tb
from trainboard.storage.kinds.histogram import Histogram
from trainboard.storage.kinds.layer_stats import LayerStats


def records(run: tb.Run, tag: str) -> dict[int, Histogram]:
    """What the store has under ``tag``, by step."""
    assert run.flush(60)
    store = tb.open_store(run.store)
    if tag not in tags(run):
        return {}
    return {record.step: record.value for record in store.records(run.id, tag, "histogram")}


def tags(run: tb.Run) -> set[str]:
    assert run.flush(60)
    return {series.tag for series in tb.open_store(run.store).series(run.id, "histogram")}


def step(model: nn.Module, optimizer: torch.optim.Optimizer, inputs: Any) -> None:
    optimizer.zero_grad()
    model(inputs).abs().sum().backward()
    optimizer.step()


def network() -> nn.Module:
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(16, 2))


IMAGES = torch.rand(3, 1, 4, 4)


def statistics(run: tb.Run, source: str) -> dict[int, LayerStats]:
    assert run.flush(60)
    store = tb.open_store(run.store)
    if not any(series.tag == f"layers/{source}" for series in store.series(run.id, "layer_stats")):
        return {}
    return {one.step: one.value for one in store.records(run.id, f"layers/{source}", "layer_stats")}
