"""Heat maps of layers by steps: what each shows, and its numbers for the rows of a page."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..health.history import MEASURES, History
from ..health.rows import Row, between, fold, matching

Scale = Literal["log", "share", "count"]


@dataclass(frozen=True)
class Quantity:
    """One heat map: the greatest value of ``measure`` in ``source``, or the values that are not finite.

    ``scale`` is how numbers become colours: by their logarithm, from 0 to 1, or counted.
    """

    title: str
    about: str
    scale: Scale
    source: str = ""
    measure: str = ""


QUANTITIES: Mapping[str, Quantity] = {
    "gradients": Quantity(
        "Gradient norm",
        "Length of each parameter's gradient, as the optimizer got it",
        "log",
        "gradients",
        "norm",
    ),
    "updates": Quantity(
        "Update to weight", "What a step changed, over the weights it changed", "log", "updates", "ratio"
    ),
    "dead": Quantity(
        "Zeros in outputs",
        "Share of each layer's outputs that are 0",
        "share",
        "activations",
        "zero_fraction",
    ),
    "nonfinite": Quantity(
        "Not finite", "NaN and infinities in weights, gradients, updates and outputs together", "count"
    ),
}


@dataclass(frozen=True)
class Wanted:
    """Which rows: a regular expression, the scopes that a person opened or closed, and two ends, if any."""

    pattern: str = ""
    opened: frozenset[str] = frozenset()
    closed: frozenset[str] = frozenset()
    ends: tuple[str, ...] = ()


def draw(history: History, quantity: str, wanted: Wanted) -> dict[str, Any]:
    """A heat map as JSON: ``rows`` with ``columns`` values each in ``values``, base64 of float32.

    A closed scope's row has the worst of its layers. Raises ``BadPattern``.
    """
    asked = QUANTITIES[quantity]
    names, table = _table(history, asked)
    chosen = matching(names, wanted.pattern)
    if len(wanted.ends) == 2:
        chosen = between(names, chosen, *wanted.ends)
    rows, left_out = fold(names, chosen, wanted.opened, wanted.closed)
    values = np.stack([_worst(table, row, asked) for row in rows]) if rows else table[:0]
    return {
        "quantity": quantity,
        "title": asked.title,
        "about": asked.about,
        "scale": asked.scale,
        "rows": [_row(row, names) for row in rows],
        "layers": len(names),
        "left_out": left_out,
        "values": base64.b64encode(values.astype("<f4").tobytes()).decode(),
    }


def _table(history: History, asked: Quantity) -> tuple[list[str], NDArray[np.float32]]:
    if asked.scale != "count":
        return list(history.layers.get(asked.source, ())), history.measure(asked.source, asked.measure)
    names = list(dict.fromkeys(name for layers in history.layers.values() for name in layers))
    place = {name: row for row, name in enumerate(names)}
    table = np.zeros((len(names), len(history.steps)), np.float32)
    for source, layers in history.layers.items():
        rows = [place[name] for name in layers]
        table[rows] += history.not_finite(source)
    return names, table


def _worst(table: NDArray[np.float32], row: Row, asked: Quantity) -> NDArray[np.float32]:
    if not row.members:
        return np.full(table.shape[1], np.nan, np.float32)
    if asked.scale == "count":
        return table[row.members].sum(0)
    return np.fmax.reduce(table[row.members], axis=0)


def _row(row: Row, names: Sequence[str]) -> dict[str, Any]:
    told: dict[str, Any] = {"path": row.path, "label": row.label, "depth": row.depth}
    if row.is_open is not None:
        return told | {"open": row.is_open, "layers": len(row.members)}
    return told | {"layer": names[row.members[0]]}


def curves(history: History, layer: str) -> list[dict[str, Any]]:
    """All statistics of one layer over the columns, by source: the least and the greatest of each.

    For a parameter also those of the outputs of the layer that owns it.
    """
    told = []
    for source, layers in history.layers.items():
        name = _owner(layer) if source == "activations" and layer not in layers else layer
        if name in layers:
            told += _curves_of(history, source, layers[name])
    return told


def _curves_of(history: History, source: str, row: int) -> list[dict[str, Any]]:
    ends = {name: (history.measure(source, name, "low"), history.measure(source, name)) for name in MEASURES}
    counts = history.not_finite(source)
    ends["not finite"] = counts, counts
    found = [(name, low[row], high[row]) for name, (low, high) in ends.items()]
    return [
        {"source": source, "measure": name, "low": _plain(low), "high": _plain(high)}
        for name, low, high in found
        if not np.isnan(high).all()
    ]


def _owner(name: str) -> str:
    """The layer that a parameter belongs to."""
    return name[: max(name.rfind("."), name.rfind("/"), 0)]


def _plain(values: Any) -> list[float | None]:
    return [None if np.isnan(value) else float(f"{value:.5g}") for value in values.tolist()]
