"""Floating-point operations of a PyTorch forward pass, by PyTorch's own formulas."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from .guard import Guard


class FlopCount(TorchDispatchMode):
    """Counts while it is entered; ``take`` says how many there were since it was last asked.

    ``torch.utils.flop_counter.FlopCounterMode`` has the formulas, but adds up by module class path and
    leaves hooks on tensors until the backward pass: here each node of a graph asks for its own.
    A multiplication and an addition are two operations; operations without a formula (those that work
    element by element) count nothing.
    """

    supports_higher_order_operators = True  # as torch.cond, which raises in any other mode

    def __init__(self) -> None:
        super().__init__()
        self._count: int | None = None
        self._guard = Guard()

    def take(self) -> int | None:
        """Operations since the last call, None if there was none with a formula."""
        count, self._count = self._count, None
        return count

    def __torch_dispatch__(
        self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        formula = flop_registry.get(getattr(func, "_overloadpacket", None))
        if formula is None and isinstance(func, torch._ops.OpOverload):
            with self:
                result = func.decompose(*args, **kwargs)
            if result is not NotImplemented:
                return result
        result = func(*args, **kwargs)
        if formula is not None:
            with self._guard("counting FLOPs"):
                self._count = (self._count or 0) + int(formula(*args, **kwargs, out_val=result))
        return result
