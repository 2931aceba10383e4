"""The graph of a PyTorch model, recorded from one real forward pass."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch.utils._pytree import tree_map_only

from ..storage.kinds.graph import Graph
from .guard import Guard
from .torch_hook import OwnHook
from .torch_recorder import Recorder

_DRAWING = "drawing the graph"


def capture(model: torch.nn.Module, inputs: Any) -> Graph:
    """Run ``model`` once on ``inputs`` and return what it did.

    A tuple is the positional arguments, a dict whose keys ``forward`` knows its named ones, anything
    else its one argument; tensors in it are copied first. The pass runs without gradients in
    evaluation mode, and leaves modes, buffers and PyTorch's random state as they were. Of a compiled
    or data-parallel model the module inside is run. An error in the pass makes the graph partial.

    The graph has a node for each tensor given to and returned by the model, for each call of one of
    PyTorch's own layers, and for each other call that makes or changes a tensor; modules made of
    those are scopes. A layer called again is a node of its own, ``fc#2``, which counts no parameters.
    """
    model = inner(model)
    args, kwargs = _arguments(model, tree_map_only(torch.Tensor, _copied, inputs))
    recorder = Recorder(model, part_identities=True)
    recorder.begin(args, kwargs)
    try:
        with _undisturbed(model), torch.no_grad(), recorder:
            output = model(*args, **kwargs)
        recorder.end(output)
    except Exception as error:
        recorder.fail(error)
    return recorder.graph()


def capture_next(model: torch.nn.Module, report: Callable[[Graph], None]) -> NextPass:
    """Record the next forward pass of ``model`` as it is, and call ``report`` with its graph once.

    A compiled model runs that pass as it was written. Raises ValueError for one that was compiled in
    place, ``model.compile()``, whose hooks are compiled as well.
    """
    return NextPass(hooked(model), report)


def can_be_hooked(model: torch.nn.Module) -> bool:
    """Whether hooks see ``model`` called: those of one compiled in place are compiled as well."""
    return inner(model)._compiled_call_impl is None


def hooked(model: torch.nn.Module) -> torch.nn.Module:
    """The module whose hooks see ``model`` called. Raises ValueError if there is none."""
    if not can_be_hooked(model):
        raise ValueError("the graph of a model compiled in place needs inputs: run.log_graph(model, inputs)")
    return model if hasattr(model, "_orig_mod") else inner(model)


class NextPass:
    """Hooks that record one forward pass, then remove themselves."""

    def __init__(self, model: torch.nn.Module, report: Callable[[Graph], None]) -> None:
        self._report = report
        self._guard = Guard()
        self._recorder: Recorder | None = None
        self._error_before: BaseException | None = None
        self._is_over = False
        self._hooks = [
            model.register_forward_pre_hook(OwnHook(self._start), with_kwargs=True),
            model.register_forward_hook(OwnHook(self._finish), with_kwargs=True, always_call=True),
        ]

    def close(self) -> None:
        for hook in self._hooks:
            hook.remove()

    def _start(self, model: torch.nn.Module, args: Any, kwargs: Any) -> None:
        if self._is_over:
            self.close()
        if self._recorder is not None or self._is_over or torch.compiler.is_compiling():
            return
        with self._guard(_DRAWING):
            recorder = Recorder(inner(model), part_identities=False)
            recorder.begin(args, kwargs)
            self._error_before = sys.exc_info()[1]
            self._recorder = recorder.__enter__()

    def _finish(self, model: torch.nn.Module, args: Any, kwargs: Any, output: Any) -> None:
        recorder, error = self._recorder, sys.exc_info()[1]
        if recorder is None:
            return
        recorder.__exit__(None, None, None)
        self._recorder, self._is_over = None, True
        with self._guard(_DRAWING):
            if error is None or error is self._error_before:
                self.close()
                recorder.end(output)
            else:  # PyTorch is going through the hooks right now: these leave with the next pass
                recorder.fail(error)
            self._report(recorder.graph())


def inner(model: torch.nn.Module) -> torch.nn.Module:
    """The module that ``torch.compile`` or data parallelism wraps."""
    model = getattr(model, "_orig_mod", model)
    if isinstance(model, torch.nn.parallel.DistributedDataParallel | torch.nn.DataParallel):
        return model.module
    return model


def _copied(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.detach().clone()


def _arguments(model: torch.nn.Module, inputs: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    if isinstance(inputs, tuple):
        return inputs, {}
    if isinstance(inputs, Mapping) and _are_names(model, inputs):
        return (), dict(inputs)
    return (inputs,), {}


def _are_names(model: torch.nn.Module, inputs: Mapping[Any, Any]) -> bool:
    try:
        inspect.signature(model.forward).bind(**inputs)
    except (TypeError, ValueError):
        return False
    return True


@contextmanager
def _undisturbed(model: torch.nn.Module) -> Iterator[None]:
    """Evaluation mode inside; modes, buffers and random state as before afterwards."""
    modes = {module: module.training for module in model.modules()}
    written = [module for module in modes if not isinstance(module, torch.jit.ScriptModule)]
    buffers = {module: dict(module._buffers) for module in written}
    versions = {
        tensor: (tensor._version, tensor.clone())
        for tensors in buffers.values()
        for tensor in tensors.values()
        if tensor is not None
    }
    devices = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else []
    with torch.random.fork_rng(devices):
        try:
            model.eval()
            yield
        finally:
            for module, training in modes.items():
                module.training = training
            for module in written:
                module._buffers.update(buffers[module])
            for tensor, (version, copy) in versions.items():
                if tensor._version != version:
                    tensor.detach().copy_(copy)
