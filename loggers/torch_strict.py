"""What PyTorch's own ``add_graph`` refuses, for programs that rely on it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from .torch_graph import inner


@contextmanager
def as_traced(model: torch.nn.Module, strict: bool) -> Iterator[None]:
    """Raises at its end what ``model``, which is called inside, raised.

    With ``strict`` also RuntimeError if it returned a list or a dict, in a tuple perhaps, as
    ``torch.jit.trace`` does. Of a model that was compiled in place nothing is seen.
    """
    before = sys.exc_info()[1]
    error: BaseException | None = None
    returned: Any = None

    def see(module: torch.nn.Module, args: Any, output: Any) -> None:
        nonlocal error, returned
        error, returned = sys.exc_info()[1], output

    hook = inner(model).register_forward_hook(see, always_call=True)
    try:
        yield
    finally:
        hook.remove()
    if error is not None and error is not before:
        raise error
    if strict and _can_change(returned):
        raise RuntimeError(
            f"{type(model).__name__} returns a list or dict, which a strict trace refuses, since what is in "
            f"it could depend on the input: use_strict_trace=False says that it does not"
        )


def _can_change(output: Any) -> bool:
    if isinstance(output, tuple):
        return any(_can_change(part) for part in output)
    return isinstance(output, list | dict)
