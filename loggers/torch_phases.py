"""Tells a step's clock when PyTorch goes forward, backward, and through an optimizer."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping
from typing import Any
from weakref import WeakSet

import torch
from torch.optim.optimizer import (
    Optimizer,
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
)
from torch.utils.hooks import RemovableHandle

from .guard import Guard
from .step_clock import StepClock


class TorchPhases:
    """Hooks on every optimizer, and from its first step on, on the models whose parameters it moves.

    Forward begins with a call of a model and lasts, the loss included, until a gradient reaches the
    model's output. Backward lasts until an optimizer steps. With ``device``, batches are moved there.
    """

    def __init__(self, clock: StepClock, device: Any) -> None:
        self._clock = clock
        self._device = device
        self._guard = Guard()
        self._known: WeakSet[Optimizer] = WeakSet()
        self._hooks: list[RemovableHandle] = [
            register_optimizer_step_pre_hook(self._before_optimizer),
            register_optimizer_step_post_hook(self._after_optimizer),
        ]

    def close(self) -> None:
        for hook in self._hooks:
            hook.remove()

    def to_device(self, batch: Any) -> Any:
        """``batch`` with every tensor in it on the device, in the background where its memory is pinned."""
        if callable(getattr(batch, "to", None)):
            return batch.to(self._device, non_blocking=True)
        if isinstance(batch, Mapping):
            return {name: self.to_device(value) for name, value in batch.items()}
        if isinstance(batch, tuple) and hasattr(batch, "_fields"):
            return type(batch)(*map(self.to_device, batch))
        if isinstance(batch, list | tuple):
            return type(batch)(map(self.to_device, batch))
        return batch

    def _before_optimizer(self, optimizer: Optimizer, *_: Any) -> None:
        if torch.compiler.is_compiling():
            return
        if optimizer not in self._known:
            self._known.add(optimizer)
            with self._guard("finding the model that the optimizer moves"), self._clock.during("logging"):
                for model in _models_of(optimizer):
                    self._watch(model)
        self._clock.enter("optimizer")

    def _after_optimizer(self, *_: Any) -> None:
        if not torch.compiler.is_compiling():
            self._clock.enter("other")

    def _watch(self, model: torch.nn.Module) -> None:
        self._hooks.append(model.register_forward_pre_hook(self._before_forward))
        self._hooks.append(model.register_forward_hook(self._after_forward, always_call=True))

    def _before_forward(self, *_: Any) -> None:
        self._clock.enter("forward")

    def _after_forward(self, model: torch.nn.Module, args: Any, output: Any) -> None:
        to_come = [tensor for tensor in _tensors(output) if tensor.requires_grad]
        for tensor in to_come:
            tensor.register_hook(self._before_backward)
        if not to_come:
            self._clock.enter("other")

    def _before_backward(self, gradient: torch.Tensor) -> None:
        self._clock.enter("backward")


def _models_of(optimizer: Optimizer) -> list[torch.nn.Module]:
    """The outermost modules that hold any of its parameters; wrappers, as of compiled models, count."""
    moved = {id(parameter) for group in optimizer.param_groups for parameter in group["params"]}
    modules = [thing for thing in gc.get_objects() if issubclass(type(thing), torch.nn.Module)]
    inner = {id(child) for module in modules for child in module._modules.values()}
    return [
        module
        for module in modules
        if id(module) not in inner and any(id(parameter) in moved for parameter in module.parameters())
    ]


def _tensors(output: Any) -> Iterator[torch.Tensor]:
    if isinstance(output, torch.Tensor):
        yield output
    elif isinstance(output, Mapping | list | tuple):
        for item in output.values() if isinstance(output, Mapping) else output:
            yield from _tensors(item)
