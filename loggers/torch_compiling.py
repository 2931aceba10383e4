"""What runs inside a function that ``torch.compile`` compiles."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch


def is_compiled() -> bool:
    """Whether the calling code is traced to be compiled."""
    return torch.compiler.is_compiling()


def never_compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """``function`` run as Python everywhere: what calls it is compiled in two parts, before and after."""
    wrapped: Callable[..., Any] = torch.compiler.disable(function)
    return wrapped
