"""PyTorch's profiler, from when it is made until it is stopped."""

from __future__ import annotations

from pathlib import Path
from threading import get_ident
from typing import Any

import torch
from torch import nn
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook
from torch.profiler import profile, record_function

LAYER = "layer: "
"""What the trace calls the forward pass of a module, before its path in the model and its class."""


class TorchProfile:
    """Profiles every device that PyTorch sees work on: shapes of inputs, memory, and which module it was."""

    def __init__(self) -> None:
        if torch.autograd._profiler_enabled():  # pyright: ignore[reportPrivateImportUsage]
            raise RuntimeError("a profiler of PyTorch is on already")  # a second one would end the process
        self._profile = profile(record_shapes=True, profile_memory=True)
        self._profile.start()
        self._modules = _Modules()

    def stop(self, folder: Path) -> Path:
        self._modules.close()
        self._profile.stop()
        path = folder / "trace.json"
        self._profile.export_chrome_trace(str(path))
        return path


class _Modules:
    """Marks the forward pass of every module, by its path below the module that was called first.

    Only in the thread that began: one mark is within another, and threads would mix them up.
    """

    def __init__(self) -> None:
        self._open: list[tuple[nn.Module, record_function]] = []
        self._paths: dict[int, str] = {}
        self._thread = get_ident()
        self._hooks = [
            register_module_forward_pre_hook(self._enter),
            register_module_forward_hook(self._leave, always_call=True),
        ]

    def close(self) -> None:
        for hook in self._hooks:
            hook.remove()
        while self._open:
            self._open.pop()[1].__exit__(None, None, None)

    def _enter(self, module: nn.Module, _: Any) -> None:
        if get_ident() != self._thread or torch.compiler.is_compiling():
            return
        if not self._open:
            self._paths |= {id(one): path for path, one in module.named_modules()}
        path = self._paths.get(id(module), "")
        mark = record_function(f"{LAYER}{path or 'model'} ({type(module).__name__})")
        mark.__enter__()
        self._open.append((module, mark))

    def _leave(self, module: nn.Module, *_: Any) -> None:
        if get_ident() == self._thread and self._open and self._open[-1][0] is module:
            self._open.pop()[1].__exit__(None, None, None)
