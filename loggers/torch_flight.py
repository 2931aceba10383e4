"""The flight recorder of a PyTorch model: norms of all gradients each step, of weights where it matters."""

from __future__ import annotations

import weakref
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch.optim import Optimizer

from .blame import first_bad_gradient, first_bad_owner
from .deferred import Deferred
from .flight_recorder import KEPT_STEPS, FlightRecorder, Norms
from .guard import StopTraining
from .torch_backward import Backward, Named, is_fine
from .torch_device import Pending
from .torch_forward import Forward, Suspect
from .torch_layers import Models, by_owner, norms


@dataclass
class _Made:
    """A step on the CPU whose weights have yet to be looked at."""

    step: int
    batch: int
    order: Mapping[str, None]
    optimizer: weakref.ref[Optimizer]
    norms: dict[str, tuple[list[str], list[float]]]


@dataclass
class _Seen:
    """What a step on a device left to be read: names, by what was seen, of the numbers in ``pending``."""

    step: int
    batch: int
    order: Sequence[str]
    roots: set[str]
    names: Mapping[str, Sequence[str]]


class TorchFlight:
    """Looks before and after every step of an optimizer, and reports to ``recorder``.

    On the CPU a fault is known at once: in the forward pass at its end, of the gradients before the
    optimizer uses them. Weights are as much to read as gradients, so that what a step made of them is looked
    at in every 16th step, at the end, and as soon as a forward pass or gradients are not finite: before
    these are blamed. On CUDA all is read at every step, and nothing is waited for; a fault is reported
    when the step's numbers are here, usually one step later.
    """

    def __init__(self, recorder: FlightRecorder, models: Models) -> None:
        self._recorder = recorder
        self._models = models
        self._deferred = Deferred()
        self._steps: weakref.WeakKeyDictionary[Optimizer, int] = weakref.WeakKeyDictionary()
        self._parameters: weakref.WeakKeyDictionary[Optimizer, Named] = weakref.WeakKeyDictionary()
        self._last_step = 0
        self._failed = False
        self._norms: dict[str, tuple[list[str], list[float]]] = {}
        self._made: _Made | None = None
        self.forward = Forward(models, self._bad_output)
        self._backward = Backward(self._all_parameters, lambda: self.forward.batch)
        self.forward.on_backward = self._backward.begin

    def before_step(self, optimizer: Optimizer, step: int, parameters: Named) -> None:
        """Look at the gradients that ``optimizer`` is about to use for its step number ``step``."""
        self._deferred.poll()
        if _on_device(parameters) or _is_skipped(optimizer):
            return
        self._parameters[optimizer] = parameters
        self._backward.before_step(parameters)
        names = [name for name, parameter in parameters if parameter.grad is not None]
        gradients = [p.grad for _, p in parameters if p.grad is not None]
        found = norms(gradients).tolist()
        fine = [is_fine(norm, g) for norm, g in zip(found, gradients, strict=True)]
        self._end_last_step(look=not all(fine))
        self._norms = {"gradients": (names, found)}
        if not all(fine):
            self._report_gradients(step, dict(zip(names, fine, strict=True)))

    def after_step(self, optimizer: Optimizer, step: int, parameters: Named) -> None:
        """A step is made; begin the next."""
        if _on_device(parameters):
            self._defer(optimizer, step, parameters)
        elif not _is_skipped(optimizer) and not self._failed:
            forward = self.forward
            self._made = _Made(step, forward.batch, forward.order, weakref.ref(optimizer), self._norms)
            if step % KEPT_STEPS == 0:
                self._end_last_step(look=True)
        self._steps[optimizer] = self._last_step = step
        self._failed, self._norms = False, {}
        self._backward.after_step()
        self.forward.forget()

    def close(self) -> None:
        with suppress(StopTraining):
            self._end_last_step(look=True)
            self._deferred.settle()
        self.forward.remove()

    def _end_last_step(self, *, look: bool) -> None:
        """The last step was good, unless its weights, if they are looked at, tell otherwise."""
        made, self._made = self._made, None
        if made is None:
            return
        optimizer = made.optimizer()
        if look and optimizer is not None:
            parameters = self._models.parameters_of(optimizer)
            names, found = [name for name, _ in parameters], norms([p for _, p in parameters]).tolist()
            made.norms["weights"] = names, found
            fine = [is_fine(norm, p) for norm, (_, p) in zip(found, parameters, strict=True)]
            if not all(fine):
                layer = first_bad_owner(list(made.order), by_owner(dict(zip(names, fine, strict=True))))
                self._recorder.report(layer, "update", made.step, made.batch, norms=made.norms)
                return
        self._recorder.good(made.step, made.norms)

    def _bad_output(self, suspect: Suspect) -> None:
        self._end_last_step(look=True)
        self._report_output(suspect, self._next_step())

    def _next_step(self) -> int:
        """The step that a forward pass is made for. Of optimizers that take turns the one behind is next."""
        steps = list(self._steps.values())
        return min(steps) + 1 if steps and max(steps) - min(steps) == 1 else self._last_step + 1

    def _all_parameters(self) -> Named:
        """Those on the CPU that optimizers were seen to hold; before any was seen, all of the models'."""
        if not self._steps:
            return [(name, p) for name, p in self._models.parameters() if p.device.type == "cpu"]
        return [named for parameters in self._parameters.values() for named in parameters]

    def _report(
        self, layer: str, phase: Any, step: int, *, batch: int | None = None, trace: str = ""
    ) -> None:
        self._failed = True
        batch = self.forward.batch if batch is None else batch
        self._recorder.report(layer, phase, step, batch, norms=self._norms, trace=trace)

    def _report_output(self, suspect: Suspect, step: int) -> None:
        self._report(suspect.layer, "forward", step, batch=suspect.batch, trace=suspect.trace)

    def _report_gradients(self, step: int, fine: Mapping[str, bool]) -> None:
        forward = self.forward
        if forward.suspect is not None:
            self._report_output(forward.suspect, step)
            return
        spoiled, batch = self._backward.spoiled, None
        if spoiled is not None:
            fine, batch = spoiled.fine, spoiled.batch
        sums = {name: bool(total.isfinite()) for name, total in forward.gradients.items()}
        layer, phase = first_bad_gradient(list(forward.order), forward.roots, sums, by_owner(fine))
        self._report(layer, phase, step, batch=batch)

    def _defer(self, optimizer: Optimizer, step: int, parameters: Named) -> None:
        forward = self.forward
        gradients = {name: p.grad for name, p in parameters if p.grad is not None}
        found_inf = getattr(optimizer, "found_inf", None)
        parts = {
            "skipped": [] if found_inf is None else [found_inf],
            "sums": list(forward.sums.values()),
            "returned": list(forward.gradients.values()),
            "gradients": [norms(list(gradients.values()))],
            "weights": [norms([parameter for _, parameter in parameters])],
        }
        device = parts["weights"][0].device
        numbers = [
            torch.cat([n.detach().reshape(-1).to(device, torch.float32, non_blocking=True) for n in part])
            if part
            else torch.zeros(0, device=device)
            for part in parts.values()
        ]
        names = {
            "skipped": ["skipped"] * len(parts["skipped"]),
            "sums": list(forward.sums),
            "returned": list(forward.gradients),
            "gradients": list(gradients),
            "weights": [name for name, _ in parameters],
        }
        seen = _Seen(step, forward.batch, list(forward.order), set(forward.roots), names)
        pending = Pending([torch.cat(numbers)])
        self._deferred.add(pending, partial(self._judge, seen, pending))

    def _judge(self, seen: _Seen, pending: Pending) -> None:
        numbers = iter(pending.values()[0].tolist())
        read = {what: {name: next(numbers) for name in names} for what, names in seen.names.items()}
        if any(read["skipped"].values()):
            return
        kept: Norms = {w: (list(read[w]), list(read[w].values())) for w in ("gradients", "weights")}
        fine = {what: {n: _finite(number) for n, number in found.items()} for what, found in read.items()}
        report = partial(self._recorder.report, step=seen.step, batch=seen.batch, norms=kept)
        if not all(fine["gradients"].values()):
            bad_output = next((name for name, is_fine in fine["sums"].items() if not is_fine), None)
            if bad_output is not None:
                report(bad_output, "forward")
            else:
                owners = by_owner(fine["gradients"])
                report(*first_bad_gradient(seen.order, seen.roots, fine["returned"], owners))
        elif not all(fine["weights"].values()):
            report(first_bad_owner(seen.order, by_owner(fine["weights"])), "update")
        else:
            self._recorder.good(seen.step, kept)


def _on_device(parameters: Named) -> bool:
    return any(parameter.is_cuda for _, parameter in parameters)


def _is_skipped(optimizer: Optimizer) -> bool:
    """Whether a loss scaler has told an optimizer that unscales by itself to leave the step out."""
    found_inf = getattr(optimizer, "found_inf", None)
    return found_inf is not None and not found_inf.is_cuda and bool(found_inf.item())


def _finite(number: float) -> bool:
    return abs(number) < float("inf")
