"""Hooks on modules that stay behind when the module is copied or pickled."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any


class OwnHook:
    """Calls ``hook``. Where a module is copied or saved with it, the copy has a hook that does nothing.

    What a hook of ours belongs to (a run, its files and threads) can be neither copied nor pickled,
    and programs copy models while they train: for averages of weights, as checkpoints.
    """

    __slots__ = ("_hook",)

    def __init__(self, hook: Callable[..., Any]) -> None:
        self._hook = hook

    def __call__(self, *arguments: Any) -> Any:
        return self._hook(*arguments)

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        # A function of the standard library: whoever loads the model need not have trainboard.
        return getattr, (nullcontext(), "__exit__")
