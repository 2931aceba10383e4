"""One statistic of every layer over the steps, as a heat map."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .figure import figure, nothing

if TYPE_CHECKING:
    from ...storage import Record, Store

LIMIT = 120
MAX_LAYERS = 400
_SIGNED = ("mean", "min", "max")


def read(store: Store, run_id: str, tag: str, rank: int = 0, limit: int = LIMIT) -> list[Record]:
    """At most ``limit`` records, evenly spread, in the order of steps."""
    records = store.records(run_id, tag, "layer_stats", rank=rank, limit=limit)
    return sorted(records, key=lambda record: record.step)


def draw(
    records: Sequence[Record], statistic: str = "norm", theme: str = "light", revision: str = ""
) -> dict[str, Any]:
    """Layers from top to bottom in their order, steps from left to right; a gap where there is no number.

    Colours are of the logarithm where a statistic has no sign. Of more than ``MAX_LAYERS`` layers the
    first are drawn.
    """
    names = list(dict.fromkeys(name for record in records for name in record.value.names))[:MAX_LAYERS]
    if not names:
        return nothing("No statistics of layers yet", theme)
    place = {name: row for row, name in enumerate(names)}
    values = np.full((len(names), len(records)), np.nan)
    for column, record in enumerate(records):
        for name, value in zip(record.value.names, record.value.column(statistic), strict=True):
            if name in place:
                values[place[name], column] = value
    heat = {
        "type": "heatmap",
        "x": [record.step for record in records],
        "y": names,
        "z": _cells(values if statistic in _SIGNED else _log10(values)),
        "text": [[f"{value:.4g}" for value in row] for row in values],
        "hovertemplate": f"%{{y}}<br>step %{{x:,}}<br>{statistic} %{{text}}<extra></extra>",
        "colorscale": "RdBu" if statistic in _SIGNED else "Viridis",
        "showscale": False,
        "hoverongaps": False,
    }
    if statistic in _SIGNED:
        heat["zmid"] = 0
    rows = {"autorange": "reversed", "type": "category", "showgrid": False}
    return figure([heat], theme, {"showgrid": False}, rows, revision)


def _log10(values: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.log10(values)


def _cells(values: np.ndarray) -> list[list[float | None]]:
    return [[round(float(value), 4) if np.isfinite(value) else None for value in row] for row in values]
