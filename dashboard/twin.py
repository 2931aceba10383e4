"""Two models layer by layer: what agrees, what does not, and where their outputs first part."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..storage.errors import SeriesNotFound
from .cards import graph_statistics
from .cards.graph_scopes import format_shape
from .graphs import FILE
from .twin_alignment import align
from .twin_layers import layers_of, parameters_agree, same_size, shapes_agree

if TYPE_CHECKING:
    from ..storage import Store
    from ..storage.kinds.graph import Graph, Node
    from .cards.graph_statistics import Row, Statistics
    from .twin_layers import Layer

COMPARED = ("mean", "std", "min", "max")
MOST_STEPS = 50
_SETTINGS = {
    "epsilon": "eps",
    "strides": "stride",
    "pool_size": "kernel_size",
    "dilation_rate": "dilation",
    "rate": "p",
}
"""What Keras calls the settings of a layer, as PyTorch calls them, where both mean the same."""
_SAME_NAMES = ("kernel_size", "groups", "negative_slope", "eps", "stride", "dilation", "p")


def compare(
    store: Store,
    runs: tuple[str, str],
    graphs: tuple[Graph, Graph],
    tolerance: float,
    step: int | None = None,
) -> dict[str, Any]:
    """The layers of two models in pairs, at a step that both runs logged statistics of.

    Without ``step`` it is the first at which outputs differ, or the last. Outputs differ where one of
    ``COMPARED`` does by more than ``tolerance`` times the largest magnitude among them; none of these
    depends on the order of the values, so neither do layouts.
    """
    left, right = layers_of(graphs[0]), layers_of(graphs[1])
    said = {} if any(run.startswith(FILE) for run in runs) else store.layer_map(*runs)
    pairs = align(left, right, said)
    steps = _common_steps(store, runs)

    def rows_at(step: int | None) -> list[dict[str, Any]]:
        outputs = [_read(store, run, step) for run in runs]
        return [
            _row(left[a] if a is not None else None, right[b] if b is not None else None, outputs)
            for a, b in pairs
        ]

    chosen = step if step in steps else None
    for one in [] if chosen is not None else steps[:MOST_STEPS]:
        chosen = one
        if _first(rows_at(one), tolerance) is not None:
            break
    rows = rows_at(chosen)
    settings = [{node.id: _settings(node) for node in graph.nodes} for graph in graphs]
    for row in rows:
        row["corrected"] = bool(row["left"]) and row["left"]["id"] in said
        row["settings"] = _unequal(row["left"], row["right"], settings)
    return {
        "rows": rows,
        "step": chosen,
        "steps": steps[:MOST_STEPS],
        "first": _first(rows, tolerance),
        "left": [_named(layer) for layer in left],
        "right": [_named(layer) for layer in right],
    }


def _first(rows: list[dict[str, Any]], tolerance: float) -> int | None:
    """The place of the first pair whose outputs differ."""
    apart = (
        place
        for place, row in enumerate(rows)
        if row["difference"] is not None and not row["difference"] <= tolerance
    )
    return next(apart, None)


def _common_steps(store: Store, runs: tuple[str, str]) -> list[int]:
    known = [set(_steps(store, run)) for run in runs]
    return sorted(known[0] & known[1])


def _steps(store: Store, run: str) -> list[int]:
    try:
        return store.record_index(run, "layers/activations", "layer_stats")[0].tolist()
    except SeriesNotFound:
        return []


def _read(store: Store, run: str, step: int | None) -> Statistics:
    if step is None:
        return graph_statistics.Statistics()
    return graph_statistics.read(store, run, "activations", step)


def _row(left: Layer | None, right: Layer | None, outputs: Sequence[Statistics]) -> dict[str, Any]:
    seen = [
        known.layers.get(layer.statistics, {}).get("") if layer is not None and layer.statistics else None
        for layer, known in zip((left, right), outputs, strict=True)
    ]
    told: dict[str, Any] = {"left": _told(left, seen[0]), "right": _told(right, seen[1])}
    if left is None or right is None:
        return told | {"shapes": None, "parameters": None, "difference": None}
    return told | {
        "shapes": shapes_agree(left.shape, right.shape),
        "parameters": parameters_agree(left, right),
        "difference": _apart(seen[0], seen[1]) if same_size(left.shape, right.shape) else None,
    }


def _named(layer: Layer) -> dict[str, str]:
    return {"id": layer.id, "name": layer.name, "op": layer.op}


def _told(layer: Layer | None, row: Row | None) -> dict[str, Any] | None:
    if layer is None:
        return None
    statistics = None if row is None else {name: _plain(row[name]) for name in COMPARED}
    shape = "" if layer.shape is None else format_shape(layer.shape)
    about = {"node": layer.node, "shape": shape, "parameters": layer.parameters}
    return {**_named(layer), **about, "statistics": statistics}


def _settings(node: Node) -> dict[str, str]:
    """The settings of a node that mean the same in both frameworks, as PyTorch calls them."""
    names = {_SETTINGS.get(name, name): value for name, value in node.attributes.items()}
    told = {name: _numbers(value) for name, value in names.items() if name in _SAME_NAMES}
    return told | _padding(names.get("padding", ""), told.get("stride", ""))


def _padding(said: str, stride: str) -> dict[str, str]:
    """How much is added at each side. "same" adds as much as PyTorch's number, unless there is a stride:
    then it may add more at the end than at the beginning."""
    if said == "same":
        return {} if stride in ("", "1") else {"padding": "same"}
    return {"padding": _numbers("0" if said == "valid" else said)} if said else {}


def _numbers(text: str) -> str:
    """A setting as numbers: ``1e-05`` and ``0.00001``, ``2`` and ``(2, 2)`` are the same."""
    numbers = {f"{float(one):g}" for one in re.findall(r"-?\d+(?:\.\d*)?(?:[eE][+-]?\d+)?", text)}
    return ", ".join(sorted(numbers))


def _unequal(left: Any, right: Any, settings: Sequence[Mapping[str, Mapping[str, str]]]) -> list[str]:
    """The settings of two layers that differ, in words."""
    if left is None or right is None or left["id"] != left["node"] or right["id"] != right["node"]:
        return []
    one, other = settings[0][left["node"]], settings[1][right["node"]]
    return [
        f"{name} {one[name]} and {other[name]}" for name in one if one[name] != other.get(name, one[name])
    ]


def _apart(one: Row | None, other: Row | None) -> float | None:
    """The largest difference of ``COMPARED`` over the largest magnitude; 1 if only one of them is finite."""
    if one is None or other is None:
        return None
    first, second = (np.array([row[name] for name in COMPARED]) for row in (one, other))
    if not (np.isfinite(first).all() and np.isfinite(second).all()):
        return None if np.array_equal(first, second, equal_nan=True) else 1.0
    most = max(np.abs(first).max(), np.abs(second).max())
    return float(np.abs(first - second).max() / most) if most else 0.0


def _plain(value: float) -> float | None:
    return value if math.isfinite(value) else None


def as_pairs(asked: Any) -> Mapping[str, str | None]:
    """A person's pairs as a page sends them. Raises ``TypeError`` or ``ValueError``."""
    return {str(left): None if right is None else str(right) for left, right in asked}
