"""Which layer a value that is not finite is put down to, whatever framework found it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

Owners = Mapping[str, Mapping[str, bool]]
"""By layer, in the order of the model: which of its parameters are fine, by their names in the layer."""


def first_bad_gradient(
    order: Sequence[str], roots: set[str], returned: Mapping[str, bool], owners: Owners
) -> tuple[str, Literal["loss", "backward"]]:
    """The layer, and "loss" or "backward": where gradients first were bad, against the order of calls.

    ``returned`` says of some layers whether the gradient of their output was fine, ``owners`` of parameters
    whether theirs is. Where a layer without parameters got a fine gradient, and the next one below a bad
    one, the former made it so.
    """
    if any(not returned.get(root, True) for root in roots):
        return "loss", "loss"
    suspect: str | None = None
    for name in reversed(order):
        own = owners.get(name, {})
        if not returned.get(name, True):
            return suspect or name, "backward"
        if not all(own.values()):
            # A bias gets the sum of its output's gradients: where that is fine, the layer is at fault.
            return (name if own.get("bias", False) or suspect is None else suspect), "backward"
        if name in returned and name not in roots:
            suspect = name
        elif own:
            suspect = None
    return [layer for layer, own in owners.items() if not all(own.values())][-1], "backward"


def first_bad_owner(order: Sequence[str], owners: Owners) -> str:
    """The layer that was called first of those with a parameter that is not fine."""
    bad = [layer for layer, own in owners.items() if not all(own.values())]
    return next((name for name in order if name in bad), bad[0])
