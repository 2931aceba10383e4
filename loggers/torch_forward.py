"""What happens between a model's inputs and its gradients: calls in their order, and what is not finite.

As little as can be is computed in a forward pass before its end: on the CPU, where looking waits for
nothing, outputs are kept until the outermost call returns, and looked at only if what it returns is not
finite. Of what autograd has no use for, as of frozen layers, only the extremes are kept. Elsewhere the sum
of each output is left on the device.
"""

from __future__ import annotations

import functools
import sys
import weakref
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch.utils.hooks import RemovableHandle

from .guard import Guard
from .torch_backward import is_finite
from .torch_calls import calls_others, tensors_in
from .torch_layers import Models

_REAL = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


class Suspect(NamedTuple):
    """A module whose output is not finite; in anomaly mode with the traceback of what made that."""

    layer: str
    batch: int
    trace: str


class _Output(NamedTuple):
    """What a module returned, or ReLU of that; autograd's ``node`` is then what had made the former.

    In place of a tensor that only this would hold there are its extremes.
    """

    name: str
    tensors: list[torch.Tensor]
    node: Any = None


class Forward:
    """Hooks on every module of the models.

    ``batch`` counts outermost calls with gradients. ``order`` has the names of modules in the order in
    which they first returned since ``forget``. ``gradients`` has sums of what came back to outputs, of
    models (``roots``) and of modules without parameters that PyTorch does not know; ``sums`` those of
    outputs on a device. ``suspect`` is the first module whose output held nothing worse than -Inf, which
    masks are made of, when that reached the model's output. ``on_bad_output`` is told the first with worse.
    ``on_output`` gets the output of each module that calls no other while it is set, the first of several,
    behind which come states and the like; ``on_backward`` is called when a gradient comes back to a model's
    output.
    """

    def __init__(self, models: Models, on_bad_output: Callable[[Suspect], None] | None) -> None:
        self._models = models
        self._on_bad_output = on_bad_output
        self._handles: list[RemovableHandle] = []
        self._hooked: dict[str, weakref.ref[torch.nn.Module]] = {}
        self._kept: list[_Output] = []
        self._depth = 0
        self._active = False
        self.guard = Guard()
        self.on_output: Callable[[str, torch.Tensor], None] | None = None
        self.on_backward: Callable[[], None] | None = None
        self.batch = 0
        self.forget()

    def forget(self) -> None:
        """Begin a new step."""
        self.order: dict[str, None] = {}
        self.roots: set[str] = set()
        self.gradients: dict[str, torch.Tensor] = {}
        self.sums: dict[str, torch.Tensor] = {}
        self.suspect: Suspect | None = None
        self._depth = 0
        self._kept.clear()

    def install(self) -> None:
        """Hook the modules as they are named now, unless that is done."""
        modules = dict(self._models.modules())
        hooked = {name: module for name, held in self._hooked.items() if (module := held()) is not None}
        if hooked == modules:
            return
        self._unhook()
        for name, module in modules.items():
            self._hooked[name] = weakref.ref(module)
            self._handles.append(module.register_forward_pre_hook(_Entry(self)))
            self._handles.append(module.register_forward_hook(_Hook(self, name, module), always_call=True))

    def remove(self) -> None:
        self._unhook()
        self.forget()

    def _unhook(self) -> None:
        for handle in self._handles:
            handle.remove()
        self._handles.clear()
        self._hooked.clear()

    def enter(self, inputs: tuple[Any, ...]) -> None:
        self._depth += 1
        if self._depth == 1:
            self._active = torch.is_grad_enabled()
            self.batch += self._active
            self._kept.clear()
        elif self._kept and inputs:
            self._stands_for_last(inputs[0])

    def leave(self, name: str, output: Any, *, leaf: bool, opaque: bool) -> None:
        self._depth = max(self._depth - 1, 0)
        if output is None or not self._active:
            return
        tensors = [output] if isinstance(output, torch.Tensor) else tensors_in(output)
        self.order.setdefault(name)
        if self._on_bad_output is not None:
            self._keep(name, tensors)
        outermost = self._depth == 0
        if not (outermost or opaque or (leaf and self.on_output is not None)):
            return
        tensors = _floats(tensors)
        if leaf and self.on_output is not None and tensors:
            self.on_output(name, tensors[0])
        if self._on_bad_output is None:
            return
        if outermost or opaque:
            self._listen(name, tensors, self.on_backward if outermost else None)
        if outermost:
            self.roots.add(name)
            self._look(tensors)

    def _listen(
        self, name: str, tensors: Sequence[torch.Tensor], on_backward: Callable[[], None] | None
    ) -> None:
        def add(gradient: torch.Tensor) -> None:
            if on_backward is not None:
                on_backward()
            total = _total(gradient)
            self.gradients[name] = self.gradients[name] + total if name in self.gradients else total

        for tensor in tensors:
            if tensor.requires_grad:
                tensor.register_hook(add)

    def _keep(self, name: str, tensors: list[torch.Tensor]) -> None:
        if tensors and tensors[0].is_cuda:
            for tensor in _floats(tensors):
                total = _total(tensor)
                self.sums[name] = self.sums[name] + total if name in self.sums else total
        elif not (self._kept and len(tensors) == 1 and self._stands_for_last(tensors[0])):
            self._kept.append(_Output(name, [_or_extremes(tensor) for tensor in tensors]))

    def _stands_for_last(self, result: Any) -> bool:
        """Whether ``result`` is ReLU of the last output: it is kept in place of that, and tells the same.

        Autograd has no use for what ReLU was given, so that to keep that, too, would take memory that the
        program uses again otherwise. NaN and +Inf pass through ReLU, and nothing becomes one of them.
        """
        node = result.grad_fn if isinstance(result, torch.Tensor) else None
        if node is None or node.name() != "ReluBackward0":
            return False
        last = self._kept[-1]
        made_by = last.tensors[0].grad_fn if len(last.tensors) == 1 else None
        if made_by is None or node.next_functions[0][0] is not made_by:
            return False
        self._kept[-1] = _Output(last.name, [result], last.node or made_by)
        return True

    def _look(self, outputs: Sequence[torch.Tensor]) -> None:
        kept, self._kept = self._kept, []
        if all(is_finite(output) for output in outputs if output.device.type == "cpu"):
            return
        for worse_only in (True, False):
            for output in kept:
                for tensor in _floats(output.tensors):
                    if _has_worse(tensor) if worse_only else not is_finite(tensor):
                        trace = trace_of(output.node or tensor.grad_fn)
                        self._judge(Suspect(output.name, self.batch, trace), outputs)
                        return

    def _judge(self, suspect: Suspect, outputs: Sequence[torch.Tensor]) -> None:
        if any(_has_worse(output) for output in outputs):
            assert self._on_bad_output is not None
            self._on_bad_output(suspect)
        elif self.suspect is None:
            self.suspect = suspect


class _Entry:
    """A hook before a module's call. Copied or pickled with the module it does nothing."""

    def __init__(self, forward: Forward) -> None:
        self._forward = forward

    def __call__(self, module: torch.nn.Module, args: Any) -> None:
        if not torch.compiler.is_compiling():
            with self._forward.guard("following the model's modules"):
                self._forward.enter(args)

    def __reduce__(self) -> tuple[Any, ...]:
        # Known wherever Python is, so that a pickled model can be loaded without this package.
        return functools.partial, (sys.audit, "trainboard.not_watched")


class _Hook:
    """A hook after a module's call, or after its failure. Copied or pickled it does nothing."""

    def __init__(self, forward: Forward, name: str, module: torch.nn.Module) -> None:
        self._forward = forward
        self._name = name
        self._following = f"following the module {name}"
        self._leaf = not calls_others(module)
        has_parameters = next(module.parameters(recurse=False), None) is not None
        self._opaque = not has_parameters and not type(module).__module__.startswith("torch.nn.")

    def __call__(self, module: torch.nn.Module, args: Any, output: Any) -> None:
        if not torch.compiler.is_compiling():
            with self._forward.guard(self._following):
                self._forward.leave(self._name, output, leaf=self._leaf, opaque=self._opaque)

    __reduce__ = _Entry.__reduce__


def _or_extremes(tensor: torch.Tensor) -> torch.Tensor:
    """A tensor; or, if autograd does not hold it, its least and greatest value: NaN and infinities are told
    by these as well, and the program can use the memory again.
    """
    if tensor.requires_grad or tensor.dtype not in _REAL or not tensor.numel():
        return tensor
    return torch.stack(tensor.aminmax()) if tensor.layout is torch.strided else tensor


def _floats(tensors: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    return [tensor for tensor in tensors if tensor.is_floating_point() or tensor.is_complex()]


def _total(tensor: torch.Tensor) -> torch.Tensor:
    """The sum of a tensor, which is finite only if all values are; a real number, of complex ones too."""
    total = tensor.detach().sum()
    return total.abs() if total.is_complex() else total


def _has_worse(tensor: torch.Tensor) -> bool:
    """Whether a tensor holds NaN or +Inf; of complex numbers any infinity."""
    tensor = tensor.detach()
    if tensor.is_complex():
        return not is_finite(tensor)
    return bool((tensor.isnan() | tensor.isposinf()).any())


def trace_of(node: Any) -> str:
    """Where the program ran what autograd calls ``node``, which it notes in anomaly mode."""
    noted: Any = node.metadata if node is not None else {}
    return "".join(noted.get("traceback_", ()))
