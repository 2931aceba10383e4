"""The flight recorder: planted faults are found where they begin, and clean training raises no alarm."""

from __future__ import annotations

import math
import warnings
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

import trainboard as tb
from trainboard.loggers.flight_recorder import Fault
from trainboard.loggers.warn import TrainboardWarning
from trainboard.storage.kinds.event import Event

PLANTED = 4


@pytest.fixture
def run(tmp_path: Path) -> Iterator[tb.Run]:
    torch.manual_seed(0)
    with tb.init("tests", store=tmp_path / "store.db") as run:
        yield run


def faults(run: tb.Run) -> list[Event]:
    """The faults that the store knows."""
    assert run.flush(timeout=10)
    store = tb.open_store(run.store)
    if not any(series.kind == "event" for series in store.series(run.id)):
        return []
    return [record.value for record in store.records(run.id, "flight_recorder", "event")]


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
