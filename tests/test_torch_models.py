"""Models, loops and objects of every sort: what is logged of them is right, and they train on."""

from __future__ import annotations

import copy
import os
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch_watched import records, tags

import trainboard as tb
from trainboard.loggers.warn import TrainboardWarning
from trainboard.storage.kinds.layer_stats import LayerStats


@pytest.fixture
def run(tmp_path: Path) -> Iterator[tb.Run]:
    torch.manual_seed(0)
    with tb.init("tests", store=tmp_path / "store.db") as run:
        yield run


def statistics(run: tb.Run, source: str) -> dict[int, LayerStats]:
    assert run.flush(60)
    records = tb.open_store(run.store).records(run.id, f"layers/{source}", "layer_stats")
    return {record.step: record.value for record in records}


def of(stats: LayerStats, column: str) -> dict[str, float]:
    return dict(zip(stats.names, stats.column(column).tolist(), strict=True))


def step(model: nn.Module, optimizer: torch.optim.Optimizer, inputs: Any) -> None:
    optimizer.zero_grad()
    model(inputs).abs().sum().backward()
    optimizer.step()


DISTRIBUTED = """
import torch, torch.distributed as dist
import trainboard as tb
from torch.nn.parallel import DistributedDataParallel

dist.init_process_group("gloo")
torch.manual_seed(0)
layers = torch.nn.Linear(2, 2), torch.nn.ReLU(), torch.nn.Linear(2, 1)
model = DistributedDataParallel(torch.nn.Sequential(*layers))
optimizer = torch.optim.SGD(model.parameters(), 0.1)
with tb.init("p", ranks="all") as run:
    run.watch(model, every=2)
    for _ in range(4):
        optimizer.zero_grad()
        model(torch.ones(1, 2) * (1 + 2 * run.rank)).sum().backward()
        optimizer.step()
        run.log({"norm": sum(p.grad.square().sum() for p in model.parameters()).sqrt()})
dist.destroy_process_group()
"""


def test_every_rank_of_a_distributed_model_logs_the_gradients_that_all_agreed_on(tmp_path: Path) -> None:
    program = tmp_path / "train.py"
    program.write_text(DISTRIBUTED)
    words = [
        sys.executable,
        "-W",
        "error::UserWarning",
        "-m",
        "torch.distributed.run",
        "--nproc-per-node",
        "2",
    ]
    environment = {**os.environ, "TRAINBOARD_STORE": str(tmp_path / "s.db"), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [*words, str(program)], env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0 and "TrainboardWarning" not in done.stderr, done.stderr
    store = tb.open_store(tmp_path / "s.db")
    (run,) = store.runs()
    assert run.status == "finished"
    for rank in (0, 1):
        gradients = {
            r.step: r.value for r in store.records(run.id, "layers/gradients", "layer_stats", rank=rank)
        }
        assert list(gradients) == [1, 3]
        assert "module.0.weight" in gradients[1].names
        norm = sum(value**2 for value in of(gradients[1], "norm").values()) ** 0.5
        assert norm == pytest.approx(store.points(run.id, "norm", rank=rank).value[0], rel=1e-4)


def test_adapters_that_are_put_into_a_watched_model_are_watched_too(run: tb.Run) -> None:
    class Adapted(nn.Module):
        down: nn.Parameter
        up: nn.Parameter

        def __init__(self, inner: Any) -> None:
            super().__init__()
            self.inner = inner.requires_grad_(False)
            self.register_parameter("down", nn.Parameter(torch.ones(inner.in_features, 1)))
            self.register_parameter("up", nn.Parameter(torch.zeros(1, inner.out_features)))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.inner(x) + x @ self.down @ self.up

    model = nn.Sequential(nn.Linear(2, 2))
    run.watch(model, every=1)
    step(model, torch.optim.SGD(model.parameters(), 0.1), torch.ones(1, 2))
    model[0] = Adapted(model[0])
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], 0.1)
    for _ in range(2):
        step(model, optimizer, torch.ones(1, 2))
    assert statistics(run, "gradients")[2].names == ("0.down", "0.up")
    assert statistics(run, "activations")[2].names == ("0.inner",)
    assert of(statistics(run, "updates")[1], "ratio")["0.up"] == float("inf")


def test_the_scale_of_a_loss_scaler_is_divided_out_of_raw_gradients(run: tb.Run) -> None:
    model = nn.Linear(2, 2)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    run.watch(model, every=1)
    for clips in (True, False):
        optimizer.zero_grad()
        scaler.scale(model(torch.ones(1, 2) * 10).sum()).backward()
        if clips:
            scaler.unscale_(optimizer)
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        scaler.step(optimizer)
        scaler.update()
    raw, used = statistics(run, "raw_gradients"), statistics(run, "gradients")
    assert of(raw[1], "norm") == pytest.approx({"weight": 20.0, "bias": 2**0.5}, rel=1e-5)
    assert of(raw[1], "max") == {"weight": 10.0, "bias": 1.0}
    assert sum(norm**2 for norm in of(used[1], "norm").values()) == pytest.approx(1, rel=1e-4)
    assert of(used[2], "norm") == pytest.approx(of(raw[2], "norm"))


def test_a_recurrent_model_tells_of_its_last_call_and_of_all_its_weights(run: tb.Run) -> None:
    class Recurrent(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.rnn, self.head = nn.LSTM(3, 4), nn.Linear(4, 1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            states, _ = self.rnn(x)
            return torch.stack([self.head(state) for state in states])

    model = Recurrent()
    run.watch(model)
    step(model, torch.optim.SGD(model.parameters(), 0.1), torch.ones(5, 2, 3))
    names = tuple(name for name, _ in model.named_parameters())
    assert statistics(run, "gradients")[1].names == names
    assert statistics(run, "activations")[1].names == ("rnn", "head")


def test_a_compiled_model_trains_as_without_and_its_inside_is_not_seen(run: tb.Run) -> None:
    torch._dynamo.utils.counters.clear()  # other tests of this process count too
    model: Any = nn.Sequential(nn.Linear(2, 2), nn.Tanh())
    twin = copy.deepcopy(model)
    compiled: Any = torch.compile(model, backend="aot_eager")
    run.watch(compiled, every=1)
    for one in (compiled, twin):
        optimizer = torch.optim.SGD(one.parameters(), 0.1)
        for _ in range(3):
            step(one, optimizer, torch.ones(1, 2))
    assert torch.equal(model[0].weight, twin[0].weight)
    assert statistics(run, "updates")[3].names == ("0.weight", "0.bias")
    assert len(torch._dynamo.utils.counters["graph_break"]) == 0


def test_frozen_parameters_that_nothing_can_be_taken_from_spoil_no_other(run: tb.Run) -> None:
    model = nn.Linear(2, 2)
    for dtype in (torch.bool, torch.uint16, torch.float8_e4m3fn):
        model.register_parameter(f"{dtype}"[6:], nn.Parameter(torch.ones(3).to(dtype), requires_grad=False))
    run.watch(model)
    with warnings.catch_warnings():
        warnings.simplefilter("error", TrainboardWarning)
        step(model, torch.optim.SGD(model.parameters(), 0.1), torch.ones(1, 2))
    sources = {
        source: {tag for tag in tags(run) if tag.startswith(source)} for source in ("weights", "updates")
    }
    assert sources["weights"] == {f"weights/{name}" for name, _ in model.named_parameters()}
    assert sources["updates"] == {"updates/weight", "updates/bias"}


def test_parameters_whose_memory_a_wrapper_has_freed_are_left_out(run: tb.Run) -> None:
    first = nn.Linear(2, 2)
    model = nn.Sequential(first, nn.Linear(2, 1))
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    run.watch(model, every=1)
    for _ in range(2):
        model(torch.ones(1, 2)).sum().backward()
        kept, first.weight.grad = first.weight.detach().clone(), None
        first.weight.untyped_storage().resize_(0)  # as FSDP does between uses
        optimizer.step()
        first.weight.untyped_storage().resize_(16)
        first.weight.data.copy_(kept)
    assert "weights/0.weight" not in tags(run)
    assert list(records(run, "weights/1.weight")) == [1, 2]


class Liar(torch.Tensor):
    """A tensor that does not tell its shape."""

    @property
    def shape(self) -> Any:  # type: ignore[override]
        raise RuntimeError("no shape for you")


@dataclass
class Shy:
    """An output whose fields cannot be read."""

    value: Any

    def __getattribute__(self, name: str) -> Any:
        if name == "value":
            raise RuntimeError("not now")
        return object.__getattribute__(self, name)


class Strange(nn.Module):
    def __init__(self, change: Callable[[torch.Tensor], Any]) -> None:
        super().__init__()
        self.change = change

    def forward(self, x: torch.Tensor) -> Any:
        return self.change(x)


def test_objects_that_lie_stop_neither_training_nor_logging(run: tb.Run) -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.last = nn.Linear(2, 2), nn.Linear(2, 2)
            self.shy, self.liar = Strange(Shy), Strange(lambda x: x.as_subclass(Liar))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self.shy(x)
            self.liar(x)
            return self.last(self.first(x))

    model = Net()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with pytest.warns(TrainboardWarning) as warned:
        run.watch(model, every=1)
        run.log_graph(model)
        for _ in range(3):
            step(model, optimizer, torch.ones(1, 2))
            run.log({"loss": 1.0, "liar": torch.ones(2).as_subclass(Liar)})
    assert list(statistics(run, "weights")) == [1, 2, 3]
    assert {"first", "last"} <= set(statistics(run, "activations")[3].names)
    assert len(tb.open_store(run.store).points(run.id, "loss").step) == 3
    causes = [str(warning.message) for warning in warned]
    assert len(causes) == len(set(causes))
    assert all(any(words in cause for words in ("not now", "no shape", "'liar'")) for cause in causes)


class Attending(nn.Module):
    """Keeps what its attention and its LSTM put out."""

    def __init__(self) -> None:
        super().__init__()
        self.attention, self.rnn = nn.MultiheadAttention(4, 2, batch_first=True), nn.LSTM(4, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.attended, _ = self.attention(x, x, x)
        self.told, _ = self.rnn(self.attended)
        return self.told


def test_attention_and_recurrent_layers_tell_of_their_outputs_not_of_weights_or_states(run: tb.Run) -> None:
    model = Attending()
    run.watch(model, every=1)
    step(model, torch.optim.SGD(model.parameters(), 0.1), torch.rand(2, 5, 4))
    for layer, put_out in (("attention", model.attended), ("rnn", model.told)):
        logged = records(run, f"activations/{layer}")[1]
        assert logged.count == put_out.numel()
        assert logged.sum == pytest.approx(float(put_out.sum()), abs=1e-5)
