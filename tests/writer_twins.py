"""PyTorch's SummaryWriter and ours, given the same calls."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import trainboard as tb
from trainboard import SummaryWriter
from trainboard.storage import Store

torch = pytest.importorskip("torch")
accumulators = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")


class Twice:
    """What one program leaves in a store and, through PyTorch's own writer, in event files."""

    def __init__(self, folder: Path, url: str, program: Callable[[Any], None]) -> None:
        with SummaryWriter(folder / "logs" / "net", store=url, tensorboard=True) as writer:
            program(writer)
        self.run = writer._run.id
        self.store: Store = tb.open_store(url)
        self.events = accumulators.EventAccumulator(str(folder / "logs" / "net"))
        self.events.Reload()

    def value(self, tag: str, kind: str) -> Any:
        return self.store.records(self.run, tag, kind)[-1].value

    def tensor(self, tag: str) -> Any:
        from tensorboard.util import tensor_util

        return tensor_util.make_ndarray(self.events.Tensors(tag)[-1].tensor_proto)


@pytest.fixture
def twice(tmp_path: Path, url: str) -> Callable[[Callable[[Any], None]], Twice]:
    return lambda program: Twice(tmp_path, url, program)
