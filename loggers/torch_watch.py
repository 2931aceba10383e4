"""Statistics and histograms of a PyTorch model, taken as its optimizers step."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch.nn.parameter import is_lazy
from torch.optim.optimizer import (
    Optimizer,
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
)

from .deferred import Deferred
from .flight_recorder import FlightRecorder
from .guard import Guard
from .layers import Due, Measure, Source, WatchOptions, log_layers, update_ratios
from .torch_device import Pending
from .torch_flight import TorchFlight
from .torch_forward import Forward
from .torch_layers import Models, values_of
from .torch_measure import Measures
from .torch_scaler import loss_scale

if TYPE_CHECKING:
    from .run import Run


def watch(run: Run, model: torch.nn.Module | Sequence[torch.nn.Module], **options: Any) -> TorchWatch:
    """Log statistics and histograms of a model, or of several, to ``run``; see ``WatchOptions``.

    They are taken at an optimizer's first step and every ``every``-th step from there, and carry the
    number of steps which that optimizer has made since ``watch`` as their step. Weights are those that
    the step made, updates what it added to them, and gradients those that it used (clipped, where a program
    does so); ``layers/raw_gradients`` are those before that. A ``GradScaler``'s scale is in neither.
    Activations are the outputs of modules without children, in the step's last forward pass. A parameter
    that no optimizer holds does not change and is not logged.

    A shared parameter is logged once, under its first name. Sparse gradients count the values they
    store, complex tensors their real and imaginary parts; empty, lazy and meta tensors are left out.
    Of a model that ``torch.compile`` compiled, only what enters and leaves it can be seen, besides
    weights, gradients and updates; steps inside a compiled optimizer cannot be seen at all.
    """
    models = [model] if isinstance(model, torch.nn.Module) else list(model)
    return TorchWatch(run, Models(models), WatchOptions(**options))


@dataclass
class _Progress:
    """How far one optimizer has come, and what its next step, if due, is compared with."""

    steps: int = 0
    held: int = -1
    parameters: list[tuple[str, torch.nn.Parameter]] = field(default_factory=list)
    weights: dict[str, torch.Tensor] = field(default_factory=dict)


class TorchWatch:
    """Watched models. Holds them weakly."""

    def __init__(self, run: Run, models: Models, options: WatchOptions) -> None:
        self._run = run
        self._models = models
        self._options = options
        self._due = Due(options)
        self._guard = Guard()
        self._deferred = Deferred()
        self._progress: weakref.WeakKeyDictionary[Optimizer, _Progress] = weakref.WeakKeyDictionary()
        self._activations: dict[str, Measures] = {}
        self._raw: dict[str, Measures] = {}
        self._raw_hooks: list[Any] = []
        self._flight: TorchFlight | None = None
        if options.flight_recorder:
            self._flight = TorchFlight(FlightRecorder(run, options.on_nonfinite), models)
        self._forward = self._flight.forward if self._flight else Forward(models, None)
        self._hooks = [
            register_optimizer_step_pre_hook(self._hook(self._before_step)),
            register_optimizer_step_post_hook(self._hook(self._after_step)),
        ]
        with self._guard("hooking the model's modules"):
            self._prepare(0)
        run.watches.append(self)

    def look_now(self) -> None:
        """Look at the next step, whatever it is."""
        with self._guard("looking at a step that was asked for"):
            self._due.ask()
            self._prepare(0)

    def close(self) -> None:
        if self in self._run.watches:
            self._run.watches.remove(self)
        for hook in (*self._hooks, *self._raw_hooks):
            hook.remove()
        self._raw_hooks.clear()
        with self._guard("ending the watch"):
            self._deferred.settle()
            if self._flight is not None:
                self._flight.close()
            self._forward.remove()

    def _hook(self, act: Callable[[Optimizer, _Progress, bool], None]) -> Callable[..., None]:
        def hook(optimizer: Optimizer, args: Any, kwargs: Any) -> None:
            if torch.compiler.is_compiling():
                return
            with self._guard("watching a step"):
                progress = self._progress_of(optimizer)
                if progress.parameters:
                    closure = kwargs.get("closure", args[1] if len(args) > 1 else None)
                    act(optimizer, progress, closure is not None)

        return hook

    def _progress_of(self, optimizer: Optimizer) -> _Progress:
        progress = self._progress.setdefault(optimizer, _Progress())
        held = sum(len(group["params"]) for group in optimizer.param_groups)
        if held != progress.held or self._due(progress.steps):
            progress.held = held
            progress.parameters = self._models.parameters_of(optimizer)
        return progress

    def _before_step(self, optimizer: Optimizer, progress: _Progress, closure: bool) -> None:
        self._deferred.poll()
        if self._options.updates and self._due(progress.steps):
            progress.weights = {
                name: values.clone()
                for name, parameter in progress.parameters
                if (values := values_of(parameter)) is not None and _may_move(values)
            }
        if self._flight is not None and not closure:
            self._flight.before_step(optimizer, progress.steps + 1, progress.parameters)

    def _after_step(self, optimizer: Optimizer, progress: _Progress, closure: bool) -> None:
        if self._due(progress.steps):
            self._record(progress)
        progress.weights = {}
        progress.steps += 1
        self._prepare(progress.steps)
        if self._flight is None:
            self._forward.forget()
            return
        if closure:
            self._flight.before_step(optimizer, progress.steps, progress.parameters)
        self._flight.after_step(optimizer, progress.steps, progress.parameters)

    def _prepare(self, steps: int) -> None:
        """Look at the next step's activations and raw gradients if it is due, and only then."""
        for hook in self._raw_hooks:
            hook.remove()
        self._raw_hooks.clear()
        self._raw.clear()
        self._activations.clear()
        due = self._due(steps)
        self._forward.on_output = self._keep_activation if due and self._options.activations else None
        if due:
            if self._options.flight_recorder or self._options.activations:
                self._forward.install()
            if self._options.gradients:
                self._listen_to_gradients()

    def _listen_to_gradients(self) -> None:
        def keep(parameter: torch.Tensor, *, name: str) -> None:
            with self._guard(f"measuring the gradient of {name}"):
                if parameter.grad is not None and (values := values_of(parameter.grad)) is not None:
                    self._raw[name] = Measures({name: values}, False)

        for name, parameter in self._models.parameters():
            if parameter.requires_grad and parameter.is_leaf and not is_lazy(parameter):
                hook = parameter.register_post_accumulate_grad_hook(partial(keep, name=name))
                self._raw_hooks.append(hook)

    def _keep_activation(self, name: str, output: torch.Tensor) -> None:
        with self._guard(f"measuring the output of {name}"):
            values = values_of(output)
            if values is not None:
                steps = max((one.steps for one in self._progress.values()), default=0)
                self._activations[name] = Measures({name: values}, self._due.histograms(steps))

    def _record(self, progress: _Progress) -> None:
        options, step = self._options, progress.steps + 1
        statistics = self._due.statistics(progress.steps)
        log = partial(self._log, step=step, statistics=statistics)
        measure = partial(Measures, histograms=self._due.histograms(progress.steps))
        self._due.taken()
        weights = _values({name: parameter for name, parameter in progress.parameters})
        if options.weights:
            log("weights", [measure(weights)])
        if options.gradients:
            gradients = _values({name: p.grad for name, p in progress.parameters})
            log("gradients", [measure(gradients)])
            raw = [self._raw[name] for name, _ in progress.parameters if name in self._raw]
            if statistics and raw:
                scale = loss_scale()
                log("raw_gradients", raw, scale=Pending([scale]) if scale is not None else None)
        if options.updates:
            before = progress.weights
            updates = {n: weights[n] - values for n, values in before.items() if n in weights}
            log("updates", [measure(updates)], before=Measures(before, False))
        if self._activations:
            log("activations", list(self._activations.values()))

    def _log(
        self,
        source: Source,
        found: Sequence[Measures],
        *,
        step: int,
        statistics: bool,
        before: Measures | None = None,
        scale: Pending | None = None,
    ) -> None:
        """Log what was measured as soon as it is here, which on the CPU is now; divided by ``scale``."""

        def log() -> None:
            measures = {name: one for part in found for name, one in part.values().items()}
            if scale is not None:
                factor = 1 / scale.values()[0].item()
                measures = {name: Measure(one.moments.times(factor)) for name, one in measures.items()}
            ratios = None
            if before is not None:
                norms = {name: one.moments.norm for name, one in before.values().items()}
                ratios = update_ratios(measures, norms)
            log_layers(self._run, step, source, measures, statistics=statistics, ratios=ratios)

        for part in (*found, before, scale):
            if part is not None:
                self._deferred.add(part, _nothing)
        self._deferred.add(found[-1], log)
        self._deferred.poll()


def _nothing() -> None:
    """Only the order of arrival counts."""


def _may_move(values: torch.Tensor) -> bool:
    """Whether an optimizer can change them: of booleans and floats of eight bits there are no differences."""
    return values.is_floating_point() and values.itemsize > 1


def _values(tensors: Mapping[str, torch.Tensor | None]) -> dict[str, torch.Tensor]:
    found = {name: values_of(tensor) for name, tensor in tensors.items() if tensor is not None}
    return {name: values for name, values in found.items() if values is not None}
