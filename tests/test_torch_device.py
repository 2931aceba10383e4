"""Numbers on a device are logged without waiting for it, in their order, and none is lost at the end."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import trainboard as tb
from trainboard.loggers import torch_device
from trainboard.loggers.deferred import Deferred
from trainboard.loggers.torch_layers import values_of
from trainboard.loggers.torch_measure import Measures, _from_device, _on_device, measure
from trainboard.loggers.warn import TrainboardWarning

needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


class Late:
    """Values that arrive when they are told to."""

    def __init__(self) -> None:
        self.here = threading.Event()

    def ready(self) -> bool:
        return self.here.is_set()

    def wait(self) -> None:
        assert self.here.wait(300)


@pytest.fixture
def run(tmp_path: Path) -> Iterator[tb.Run]:
    with tb.init("tests", store=tmp_path / "store.db") as run:
        yield run


def test_work_is_done_in_the_order_it_was_added_however_values_arrive() -> None:
    deferred, done, values = Deferred(), [], [Late() for _ in range(3)]
    for number, late in enumerate(values):
        deferred.add(late, lambda number=number: done.append(number))
    values[1].here.set()
    deferred.poll()
    assert done == []
    values[0].here.set()
    deferred.poll()
    assert done == [0, 1]
    threading.Timer(0.05, values[2].here.set).start()
    deferred.settle()
    assert done == [0, 1, 2]


def test_work_that_fails_is_one_warning_and_the_rest_is_done() -> None:
    deferred, done = Deferred(), []
    for number in range(3):
        late = Late()
        late.here.set()
        deferred.add(late, lambda number=number: done.append(1 / number))
    with pytest.warns(TrainboardWarning, match="ZeroDivisionError"):
        deferred.poll()
    assert done == [1, 0.5]


class OnDevice:
    """A number as a tensor on a CUDA device gives it: ``is_cuda``, and no value before it is copied."""

    is_cuda = True

    def numel(self) -> int:
        return 1

    def is_complex(self) -> bool:
        return False

    def item(self) -> float:
        raise AssertionError("the device was waited for")


class Arriving(Late):
    """A ``Pending`` of such numbers."""

    made: list[Arriving] = []

    def __init__(self, tensors: Any) -> None:
        super().__init__()
        self.numbers = [torch.tensor(float(len(self.made)))] * len(tensors)
        self.made.append(self)

    def values(self) -> list[torch.Tensor]:
        return self.numbers


@pytest.fixture
def arriving(monkeypatch: pytest.MonkeyPatch) -> list[Arriving]:
    monkeypatch.setattr(torch_device, "Pending", Arriving)
    monkeypatch.setattr(Arriving, "made", [])
    return Arriving.made


def test_a_number_on_a_device_keeps_the_step_and_time_at_which_it_was_logged(
    run: tb.Run, arriving: list[Arriving]
) -> None:
    run.log({"loss": OnDevice(), "rate": 0.5}, 7, wall_time=100.0)
    run.log({"loss": OnDevice()}, 8, wall_time=200.0)
    for late in reversed(arriving):
        late.here.set()
    assert run.flush(60)
    points = tb.open_store(run.store).points(run.id, "loss")
    assert (points.step.tolist(), points.wall_time.tolist()) == ([7, 8], [100.0, 200.0])
    assert points.value.tolist() == [0.0, 1.0]


def test_finish_waits_for_numbers_on_their_way(tmp_path: Path, arriving: list[Arriving]) -> None:
    run = tb.init("tests", store=tmp_path / "store.db")
    run.log({"loss": OnDevice()}, 7)
    threading.Timer(0.05, arriving[0].here.set).start()
    run.finish()
    assert tb.open_store(run.store).points(run.id, "loss").step.tolist() == [7]


SAMPLES = {
    "normal": torch.randn(5000, generator=torch.Generator().manual_seed(0)),
    "rectified": torch.randn(5000, generator=torch.Generator().manual_seed(1)).relu(),
    "awkward": torch.tensor([0.0, -0.0, torch.nan, torch.inf, -torch.inf, 1e-42, -3e38, 1.0]),
    "constant": torch.full((100,), 3.0),
    "not finite": torch.tensor([torch.nan, torch.inf]),
    "large": torch.randn(3_000_000, generator=torch.Generator().manual_seed(2)),
}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("case", SAMPLES)
def test_counting_on_a_device_and_in_chunks_is_numpys(case: str, dtype: torch.dtype) -> None:
    values = SAMPLES[case].to(dtype)
    array = values.float().numpy() if dtype == torch.bfloat16 else values.numpy()
    expected = tb.Histogram(array)
    for found in (measure(values, True), _from_device(len(values), _on_device(values, True))):
        histogram = type(expected).of_counts(found.counts, found.moments)  # type: ignore[arg-type]
        assert np.array_equal(histogram.buckets, expected.buckets)
        assert np.array_equal(histogram.counts, expected.counts)
        assert found.moments[:5] == expected.moments[:5]
        assert found.moments[5:] == pytest.approx(expected.moments[5:], rel=1e-3, nan_ok=True)
    assert measure(values, False).moments[:7] == pytest.approx(expected.moments[:7], nan_ok=True)


@needs_cuda
def test_no_call_of_ours_waits_for_the_device(run: tb.Run) -> None:
    model = nn.Sequential(nn.Linear(8, 8), nn.BatchNorm1d(8), nn.Linear(8, 2)).cuda()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    inputs = torch.randn(16, 8, device="cuda")
    model(inputs).sum().backward()
    run.watch(model, every=1)
    torch.cuda.set_sync_debug_mode("error")
    try:
        for step in range(5):
            optimizer.zero_grad()
            loss = model(inputs).square().mean()
            loss.backward()
            optimizer.step()
            run.log({"loss": loss}, step)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    run.unwatch()
    assert run.flush(60)
    store = tb.open_store(run.store)
    assert store.points(run.id, "loss").step.tolist() == [0, 1, 2, 3, 4]
    assert len(store.records(run.id, "layers/weights", "layer_stats")) == 5


@needs_cuda
def test_what_is_measured_on_cuda_is_what_the_cpu_measures() -> None:
    for values in SAMPLES.values():
        on_device = values_of(values.cuda())
        assert on_device is not None
        measures = Measures({"x": on_device}, True)
        measures.wait()
        here, there = measure(values, True), measures.values()["x"]
        assert np.array_equal(here.counts, there.counts)  # type: ignore[arg-type]
