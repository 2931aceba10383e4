"""Rows and columns that join a heatmap."""

from __future__ import annotations

import logging
from typing import Any

_log = logging.getLogger("trainboard.dashboard")
_LABELS = {"appendRow": "y", "prependRow": "y", "appendColumn": "x", "prependColumn": "x"}


def update_heatmap(old: dict[str, Any], new: dict[str, Any], direction: Any, append: bool) -> dict[str, Any]:
    """The trace after an update. It stays as it was if the sizes or the labels do not fit."""
    added = dict(new)
    joined: dict[str, Any] = {}
    if direction != "replace":
        problem = _problem(old, new, direction)
        if problem:
            _log.warning("A heatmap was not updated: %s", problem)
            return old
        del added["z"]
        joined = _joined(old, new, direction)
    if append:
        added.pop("x", None)
        added.pop("y", None)
    changed = {key: value for key, value in added.items() if value is not None or not append}
    return {**old, **joined, **changed}


def _problem(old: dict[str, Any], new: dict[str, Any], direction: Any) -> str | None:
    if direction not in _LABELS:
        return f"updateDir {direction!r} is unknown"
    axis = _LABELS[direction]
    sizes = [len(z[0]) if axis == "y" else len(z) for z in (old["z"], new["z"])]
    if sizes[0] != sizes[1]:
        return f"it has {sizes[0]} {'columns' if axis == 'y' else 'rows'}, the new data {sizes[1]}"
    labels, more = old.get(axis), new.get(axis)
    if (labels is None) != (more is None):
        return "either both or none may have labels"
    if labels and set(labels) & set(more or []):
        return "some of the new labels are there already"
    return None


def _joined(old: dict[str, Any], new: dict[str, Any], direction: str) -> dict[str, Any]:
    axis, before = _LABELS[direction], direction.startswith("prepend")

    def join(mine: list[Any], more: list[Any]) -> list[Any]:
        return [*more, *mine] if before else [*mine, *more]

    if axis == "y":
        z = join(old["z"], new["z"])
    else:
        z = [join(row, more) for row, more in zip(old["z"], new["z"], strict=True)]
    labels = old.get(axis)
    return {"z": z} if labels is None else {"z": z, axis: join(labels, new[axis])}
