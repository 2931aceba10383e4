"""The parts of watched PyTorch models by name, whatever wraps, shares or replaces them."""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch.nn.parameter import is_lazy
from torch.optim import Optimizer

_COMPILED = "_orig_mod."


class Models:
    """Watched models, held weakly. Of several the names begin with the position in the list."""

    def __init__(self, models: Sequence[torch.nn.Module]) -> None:
        self._models = [weakref.ref(model) for model in models]

    def __iter__(self) -> Iterator[tuple[str, torch.nn.Module]]:
        """The prefix of each model's names, and the model, as long as it lives."""
        for position, reference in enumerate(self._models):
            model = reference()
            if model is not None:
                yield (f"{position}." if len(self._models) > 1 else ""), model

    def parameters(self) -> Iterator[tuple[str, torch.nn.Parameter]]:
        """Each parameter once, under its first name."""
        seen: set[int] = set()
        for prefix, model in self:
            for name, parameter in model.named_parameters():
                if id(parameter) not in seen:
                    seen.add(id(parameter))
                    yield prefix + name.replace(_COMPILED, ""), parameter

    def parameters_of(self, optimizer: Optimizer) -> list[tuple[str, torch.nn.Parameter]]:
        """Those that ``optimizer`` holds."""
        held = {id(parameter) for group in optimizer.param_groups for parameter in group["params"]}
        return [(name, parameter) for name, parameter in self.parameters() if id(parameter) in held]

    def modules(self) -> Iterator[tuple[str, torch.nn.Module]]:
        """Each module once, under its first name; a model itself under that of its class."""
        seen: set[int] = set()
        for prefix, model in self:
            for name, module in model.named_modules():
                if id(module) not in seen:
                    seen.add(id(module))
                    name = f"{name}.".replace(_COMPILED, "")[:-1]
                    yield (prefix + name if name else f"{prefix}{type(module).__name__}"), module


def values_of(tensor: torch.Tensor) -> torch.Tensor | None:
    """The real numbers in ``tensor`` as one dimension; None if it has none to tell.

    Sparse tensors give the values they store, complex ones their real and imaginary parts; one whose memory
    a wrapper has freed for a while, as FSDP does, has none.
    """
    tensor = tensor.detach()
    if is_lazy(tensor) or tensor.is_meta or not tensor.numel():
        return None
    if tensor.layout == torch.sparse_coo:
        tensor = tensor.coalesce()
    if tensor.layout != torch.strided:
        tensor = tensor.values()
    if _is_freed(tensor):
        return None
    if tensor.is_complex():
        tensor = torch.view_as_real(tensor.resolve_conj())
    return tensor.reshape(-1) if tensor.numel() else None


def norms(tensors: Sequence[torch.Tensor | None]) -> torch.Tensor:
    """The Euclidean norm of each, in float32 on the first one's device; 0 for None. Never waits for one.

    It is infinite, too, for finite values beyond about 1e19: look closer before giving an alarm.
    """
    values = [
        tensor if tensor is None or _is_plain(tensor) else _widened(values_of(tensor)) for tensor in tensors
    ]
    held = [value for value in values if value is not None]
    if not held:
        return torch.zeros(len(values))
    device = held[0].device
    foreach_norm: Any = torch._foreach_norm  # pyright: ignore[reportPrivateImportUsage]
    with torch.no_grad():
        found = iter(foreach_norm(held))
    zero = torch.zeros((), device=device)
    each = [zero if value is None else next(found) for value in values]
    return torch.stack([norm.to(device, torch.float32, non_blocking=True) for norm in each])


def _is_plain(tensor: torch.Tensor) -> bool:
    """Whether PyTorch takes the norm of a tensor as it is: nearly always, and worth no further look."""
    return (
        type(tensor) in (torch.Tensor, torch.nn.Parameter)
        and tensor.dtype in (torch.float32, torch.float64)
        and tensor.layout == torch.strided
        and not tensor.is_meta
        and tensor.numel() > 0
        and not _is_freed(tensor)
    )


def _is_freed(tensor: torch.Tensor) -> bool:
    """Whether a tensor that has elements has no memory: to read it would end the process."""
    return tensor.untyped_storage().nbytes() == 0


def _widened(values: torch.Tensor | None) -> torch.Tensor | None:
    """Half precision would overflow at 65,504; integers have no norm."""
    if values is None or values.dtype in (torch.float32, torch.float64):
        return values
    return values.float()


def by_owner(fine: Mapping[str, bool]) -> Mapping[str, dict[str, bool]]:
    """Which parameters of each module are fine; one that the model itself holds stands for itself."""
    owners: dict[str, dict[str, bool]] = {}
    for name, is_fine in fine.items():
        owner, _, own_name = name.rpartition(".")
        owners.setdefault(owner or name, {})[own_name] = is_fine
    return owners
