"""Gradients as a backward pass left them, for programs that change them before the optimizer's step."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import torch

from .guard import Guard
from .torch_layers import norms, values_of

Named = Sequence[tuple[str, torch.nn.Parameter]]


class Spoiled(NamedTuple):
    """Which gradients were finite after the first backward pass in which some were not."""

    batch: int
    fine: Mapping[str, bool]


class Backward:
    """Looks at gradients as soon as a backward pass ends.

    Clipping by a norm that is NaN makes every gradient NaN, so that those which the optimizer gets no longer
    tell where it began. Reading them takes time: it is done in the first step, and in others once the program
    was seen to change gradients after a backward pass. ``parameters`` says what there is to read, ``batch``
    in which batch.
    """

    def __init__(self, parameters: Callable[[], Named], batch: Callable[[], int]) -> None:
        self._parameters = parameters
        self._batch = batch
        self._guard = Guard()
        self._versions: dict[str, int] = {}
        self._changed: bool | None = None
        self._waiting = False
        self.spoiled: Spoiled | None = None

    def begin(self) -> None:
        """A backward pass has begun: called by a hook inside it, as often as there are hooks."""
        if not self._waiting:
            self._waiting = True
            with self._guard("following the backward pass"):
                engine: Any = torch.autograd.Variable._execution_engine
                engine.queue_callback(self._end)

    def before_step(self, parameters: Named) -> None:
        """The optimizer is about to use the gradients: see whether they are as they were."""
        self._waiting = False
        self._changed = bool(self._changed) or any(
            self._versions.get(name, parameter.grad._version) != parameter.grad._version
            for name, parameter in parameters
            if parameter.grad is not None
        )

    def after_step(self) -> None:
        self.spoiled = None

    def _end(self) -> None:
        self._waiting = False
        with self._guard("looking at gradients after the backward pass"):
            gradients = {name: p.grad for name, p in self._parameters() if p.grad is not None}
            self._versions = {name: gradient._version for name, gradient in gradients.items()}
            if self._changed is False or not gradients:
                return
            found = norms(list(gradients.values())).tolist()
            fine = {name: is_fine(norm, g) for norm, (name, g) in zip(found, gradients.items(), strict=True)}
            if all(fine.values()):
                self.spoiled = None
            elif self.spoiled is None:
                self.spoiled = Spoiled(self._batch(), fine)


def is_fine(norm: float, tensor: torch.Tensor) -> bool:
    """Whether all values of a CPU tensor are finite. Of huge ones the norm alone may not be."""
    if abs(norm) < float("inf"):
        return True
    values = values_of(tensor)
    return values is None or is_finite(values)


def is_finite(tensor: torch.Tensor) -> bool:
    """Whether all of a CPU tensor's values are; a sum is quick, and only if it is not, more is looked at."""
    tensor = tensor.detach()
    return bool(tensor.sum().isfinite()) or bool(tensor.isfinite().all())
