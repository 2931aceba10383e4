"""Histograms of a PyTorch model's weights and gradients, taken as its optimizers step."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.nn.parameter import is_lazy
from torch.optim.optimizer import Optimizer, register_optimizer_step_post_hook

from ..storage.kinds.histogram import Histogram
from .guard import Guard
from .interval import checked_interval

if TYPE_CHECKING:
    from .run import Run

_COUNTED_AS_THEY_ARE = {torch.float16, torch.float32, torch.float64}


def watch(
    run: Run, model: torch.nn.Module, *, every: int = 100, weights: bool = True, gradients: bool = True
) -> TorchWatch:
    """Log ``weights/<parameter>`` and ``gradients/<parameter>`` to ``run`` as histograms.

    They are taken right after an optimizer's first step and every ``every``-th step from there, and
    carry the number of steps which that optimizer has made since ``watch`` as their step. So weights
    are those that the step made, and gradients those that it used (clipped and unscaled, where a
    program does so). A parameter that no optimizer holds does not change and is not logged.

    A shared parameter is logged once, under its first name. Sparse gradients count the values they
    store, complex tensors their real and imaginary parts; empty, lazy and meta tensors are left out.
    Steps inside a compiled optimizer (``torch.compile(optimizer.step)``) cannot be seen; compiled
    models can. Raises ValueError if ``every`` is not a positive whole number.
    """
    return TorchWatch(run, model, checked_interval(every), weights, gradients)


class TorchWatch:
    """One watched model. Holds it weakly, and leaves when it is gone."""

    def __init__(self, run: Run, model: torch.nn.Module, every: int, weights: bool, gradients: bool) -> None:
        self._run = run
        self._model = weakref.ref(model)
        self._every = every
        self._weights = weights
        self._gradients = gradients
        self._guard = Guard()
        self._steps: weakref.WeakKeyDictionary[Optimizer, int | None] = weakref.WeakKeyDictionary()
        self._hook = register_optimizer_step_post_hook(self._after_step)

    def close(self) -> None:
        self._hook.remove()

    def _after_step(self, optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        if torch.compiler.is_compiling():
            return
        try:
            steps = self._steps[optimizer]
        except KeyError:
            steps = self._steps[optimizer] = self._first_seen(optimizer)
        if steps is None:
            return
        self._steps[optimizer] = steps + 1
        if steps % self._every == 0:
            with self._guard("watching weights and gradients"):
                self._record(optimizer, steps + 1)

    def _first_seen(self, optimizer: Optimizer) -> int | None:
        """0 steps if ``optimizer`` moves this model, None if it does not."""
        with self._guard("reading the optimizer's parameters"):
            held = _held_by(optimizer)
            if any(id(parameter) in held for _, parameter in self._parameters()):
                return 0
        return None

    def _parameters(self) -> Iterator[tuple[str, torch.nn.Parameter]]:
        model = self._model()
        if model is None:
            self.close()
            return
        for name, parameter in model.named_parameters():
            yield name.replace("_orig_mod.", ""), parameter

    def _record(self, optimizer: Optimizer, step: int) -> None:
        held = _held_by(optimizer)
        histograms: dict[str, Histogram] = {}
        for name, parameter in self._parameters():
            if id(parameter) not in held:
                continue
            for tag, tensor in self._tensors_of(name, parameter):
                with self._guard(f"making the histogram {tag}"):
                    if _has_values(tensor):
                        histograms[tag] = Histogram.from_values(_values(tensor))
        if histograms:
            self._run.log(histograms, step, commit=False)

    def _tensors_of(self, name: str, parameter: torch.nn.Parameter) -> Iterator[tuple[str, torch.Tensor]]:
        if self._weights:
            yield f"weights/{name}", parameter
        if self._gradients and parameter.grad is not None:
            yield f"gradients/{name}", parameter.grad


def _held_by(optimizer: Optimizer) -> set[int]:
    return {id(parameter) for group in optimizer.param_groups for parameter in group["params"]}


def _has_values(tensor: torch.Tensor) -> bool:
    return not is_lazy(tensor) and not tensor.is_meta and tensor.numel() > 0


def _values(tensor: torch.Tensor) -> np.ndarray:
    """The numbers in ``tensor``: on the CPU a view of its memory, from elsewhere one copy."""
    tensor = tensor.detach()
    if tensor.layout == torch.sparse_coo:
        tensor = tensor.coalesce()
    if tensor.layout != torch.strided:
        tensor = tensor.values()
    if tensor.is_complex():
        tensor = torch.view_as_real(tensor.resolve_conj())
    if tensor.dtype not in _COUNTED_AS_THEY_ARE:
        tensor = tensor.float()
    return tensor.numpy(force=True)
