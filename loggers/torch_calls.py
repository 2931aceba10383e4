"""How PyTorch calls and modules are named and described in a graph."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import torch
from torch.utils._pytree import tree_leaves

_LONGEST_ATTRIBUTE = 200
_WORDS = (bool, int, float, str, torch.dtype, torch.device)


def tensors_in(value: Any) -> list[torch.Tensor]:
    """The tensors in nested tuples, lists, mappings, dataclasses and whatever else PyTorch's pytrees know."""
    return [leaf for leaf in _leaves(value) if isinstance(leaf, torch.Tensor)]


def _leaves(value: Any) -> Iterator[Any]:
    for leaf in tree_leaves(value):
        if isinstance(leaf, Mapping):
            yield from _leaves(list(leaf.values()))
        elif is_dataclass(leaf) and not isinstance(leaf, type):
            yield from _leaves([getattr(leaf, one.name, None) for one in fields(leaf)])
        else:
            yield leaf


def calls_others(module: torch.nn.Module) -> bool:
    """Whether ``module`` calls the modules in it. Attention only uses the weights of its last layer."""
    return not isinstance(module, torch.nn.MultiheadAttention) and next(module.children(), None) is not None


def is_leaf(module: torch.nn.Module) -> bool:
    """Whether ``module`` is drawn as one node: PyTorch's own layers."""
    return type(module).__module__.startswith("torch.nn.") and not calls_others(module)


def op_name(func: Callable[..., Any]) -> str:
    """What a call is named in the graph: ``x + 1`` is ``add``, ``x[0]`` ``getitem``, ``x.T`` ``T``."""
    name = getattr(func, "__name__", type(func).__name__)
    if name == "__get__":
        name = getattr(getattr(func, "__self__", None), "__name__", name)
    return name.partition(".")[0].strip("_")


def shape_label(tensor: torch.Tensor) -> str:
    """``1x64x8x8``, or ``scalar``."""
    return "x".join(map(str, tensor.shape)) or "scalar"


def call_attributes(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, str]:
    """The arguments of a call that are not tensors: those without a name joined as ``arguments``."""
    named = {name: _short(value) for name, value in kwargs.items() if _is_plain(value)}
    unnamed = ", ".join(_short(value) for value in args if _is_plain(value))
    return {"arguments": unnamed, **named} if unnamed else named


def module_attributes(module: torch.nn.Module) -> dict[str, str]:
    """What a layer was made with (``kernel_size``, ``stride`` …), as PyTorch's own layers list it."""
    values = {name: getattr(module, name, None) for name in getattr(module, "__constants__", ())}
    return {name: _short(value) for name, value in values.items() if value is not None and _is_plain(value)}


def _is_plain(value: Any) -> bool:
    if isinstance(value, tuple | list):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, _WORDS)


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= _LONGEST_ATTRIBUTE else text[: _LONGEST_ATTRIBUTE - 1] + "…"
