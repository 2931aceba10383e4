"""Histograms of one tag over steps, or of several runs at one step, as Plotly figures.

The same bins serve every step and run of a card, so that what differs in the picture differs in the
data. Figures are plain dicts.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from . import histogram_bins as bins
from .figure import INK, figure, mix, nothing

if TYPE_CHECKING:
    from ...storage import Record, Store
    from ...storage.kinds.histogram import Histogram

LIMITS: Mapping[str, int] = {"ridge": 26, "heat": 120, "bands": 120, "overlay": 1}
"""Views, and how many steps each one reads at most."""

QUANTILES = (0.0, 0.0668, 0.1587, 0.3085, 0.5, 0.6915, 0.8413, 0.9332, 1.0)
"""Those of the normal distribution at its mean and half, one, one and a half and more deviations."""

_RIDGE_HEIGHT = 3.2


@dataclass(frozen=True)
class Line:
    """What a card draws of one run: its records in the order of steps."""

    name: str
    color: str
    records: Sequence[Record]


@dataclass(frozen=True)
class Look:
    """How to draw: ``scale`` of the values "linear" or "symlog", ``step`` the one to mark, if any."""

    theme: str = "light"
    scale: str = "linear"
    log_counts: bool = False
    step: int | None = None
    revision: str = ""


def read(store: Store, run_id: str, tag: str, view: str, step: int | None = None) -> list[Record]:
    """The records that ``view`` needs: evenly spread steps, or for "overlay" the one at ``step``.

    The record at a step is the last at or before it, or else the first.
    """
    if view != "overlay":
        records = store.records(run_id, tag, "histogram", limit=LIMITS[view])
        return sorted(records, key=lambda record: record.step)
    steps, _, indices = store.record_index(run_id, tag, "histogram")
    if not len(steps):
        return []
    at = len(steps) if step is None else int(np.searchsorted(steps, step, side="right"))
    return [store.record_at(run_id, tag, "histogram", int(indices[max(at, 1) - 1]))]


def draw(lines: Sequence[Line], view: str, look: Look) -> dict[str, Any]:
    """The figure of one view. "ridge" and "heat" draw the first line only; the others draw all."""
    if not any(line.records for line in lines):
        return nothing("No histogram yet", look.theme)
    lines = [line for line in lines if any(record.value.finite_count for record in line.records)]
    if not lines:
        return nothing("No finite values in these histograms", look.theme)
    drawers: Mapping[str, Callable[..., dict[str, Any]]] = {
        "ridge": _ridge,
        "heat": _heat,
        "bands": _bands,
        "overlay": _overlay,
    }
    return drawers[view](lines, look)


def marked(records: Sequence[Record], step: int | None) -> Record:
    """The record at or last before ``step``, of none the first; without a step the newest."""
    if step is None:
        return records[-1]
    return records[max(bisect_right([record.step for record in records], step), 1) - 1]


def counters(histogram: Histogram) -> list[tuple[str, str]]:
    """What bins cannot show, where it occurs: ``("0", "12 %")``, ``("NaN", "3")``, ``("+Inf", "1")``."""
    occurring = [("NaN", histogram.nans), ("+Inf", histogram.pos_infs), ("−Inf", histogram.neg_infs)]
    shown = [(name, f"{count:,}") for name, count in occurring if count]
    if histogram.zeros:
        shown.insert(0, ("0", f"{100 * histogram.zeros / histogram.finite_count:.2g} %"))
    return shown


def _scale_of(lines: Sequence[Line], look: Look) -> bins.Scale:
    return bins.scale_of([record.value for line in lines for record in line.records], look.scale)


def _value_axis(scale: bins.Scale, **settings: Any) -> dict[str, Any]:
    if scale.ticks is None:
        return settings
    positions, labels = scale.ticks
    return {"tickvals": positions, "ticktext": labels, **settings}


def _ridge(lines: Sequence[Line], look: Look) -> dict[str, Any]:
    line, scale = lines[0], _scale_of(lines[:1], look)
    ink, records = INK[look.theme], line.records
    counts = [scale.counts(record.value) for record in records]
    highest = max(one.max() for one in counts) or 1.0
    chosen = marked(records, look.step)
    first, last = records[0].step, records[-1].step
    rise = _RIDGE_HEIGHT * max(last - first, 1) / max(len(records), 6)
    hover = "step %{text}<br>value %{customdata[0]:.4g}<br>count %{customdata[1]:.4s}<extra></extra>"
    faintest = 0.25 if look.theme == "light" else 0.45
    data = []
    for place, (record, count) in enumerate(zip(records, counts, strict=True)):
        age = faintest + (1 - faintest) * (place + 1) / len(records)
        is_chosen = record is chosen
        # The root lets a flat ridge be seen beside a sharp one, whose peak holds the same values in few bins.
        height = np.concatenate([[0.0], count / np.sqrt((count.max() or 1.0) * highest) * rise, [0.0]])
        data.append(
            {
                "type": "scatter",
                "mode": "lines",
                "x": scale.outline,
                "y": (height - record.step).tolist(),
                "text": f"{record.step:,}",
                "customdata": _customdata(scale, count),
                "hovertemplate": hover,
                "fill": "toself",
                "fillcolor": mix(line.color, ink["paper"], 0.1 + 0.5 * age),
                "line": {
                    "color": ink["strong"] if is_chosen else mix(line.color, ink["paper"], age),
                    "width": 1.6 if is_chosen else 0.8,
                },
            }
        )
    ticks = _step_ticks([record.step for record in records])
    y = {"tickvals": [-step for step in ticks], "ticktext": list(map(_step_text, ticks)), "side": "right"}
    y |= {"showgrid": False, "fixedrange": True, "range": [-last - 0.02 * rise, -first + 1.08 * rise]}
    return figure(data, look.theme, _value_axis(scale), y, look.revision)


def _customdata(scale: bins.Scale, count: np.ndarray) -> list[list[float]]:
    values = np.concatenate([scale.middles[:1], scale.middles, scale.middles[-1:]])
    numbers = np.concatenate([[0.0], count, [0.0]])
    return [[float(f"{value:.5g}"), round(float(n), 1)] for value, n in zip(values, numbers, strict=True)]


def _heat(lines: Sequence[Line], look: Look) -> dict[str, Any]:
    line, scale = lines[0], _scale_of(lines[:1], look)
    paper = INK[look.theme]["paper"]
    steps = [record.step for record in line.records]
    counts = np.array([scale.counts(record.value) for record in line.records]).T
    shown = np.log10(1 + counts) if look.log_counts else counts
    heat = {
        "type": "heatmap",
        "x": steps,
        "y": scale.positions.tolist(),
        "z": [[round(float(z), 3) if z > 0 else None for z in row] for row in shown],
        "customdata": np.round(counts, 1).tolist(),
        "text": [[f"{middle:.4g}"] * len(steps) for middle in scale.middles],
        "hovertemplate": "step %{x:,}<br>value %{text}<br>count %{customdata:.4s}<extra></extra>",
        "colorscale": [
            [0, mix(line.color, paper, 0.12)],
            [0.5, mix(line.color, paper, 0.6)],
            [1, line.color],
        ],
        "showscale": False,
        "hoverongaps": False,
    }
    made = figure([heat], look.theme, {"showgrid": False}, _value_axis(scale), look.revision)
    return _with_mark(made, lines, look)


def _bands(lines: Sequence[Line], look: Look) -> dict[str, Any]:
    scale, paper = _scale_of(lines, look), INK[look.theme]["paper"]
    alone = len(lines) == 1
    data: list[dict[str, Any]] = []
    for line in lines:
        records = [record for record in line.records if record.value.finite_count]
        found = [quantiles(record.value) for record in records]
        drawn = [_finite(scale.forward(level)) for level in zip(*found, strict=True)]
        common = {
            "type": "scatter",
            "x": [record.step for record in records],
            "mode": "lines" if len(records) > 1 else "lines+markers",
            "marker": {"size": 4, "color": line.color},
        }
        edge = {"line": {"color": mix(line.color, paper, 0.3), "width": 0.5}, "hoverinfo": "skip"}
        for low in range(4) if alone else (2,):
            data.append(common | edge | {"y": drawn[low]})
            fill = {"fill": "tonexty", "fillcolor": f"{line.color}{'1c' if alone else '30'}"}
            data.append(common | edge | fill | {"y": drawn[-1 - low]})
        median = {"y": drawn[4], "line": {"color": line.color, "width": 1.5}, "name": line.name}
        data.append(common | median | {"customdata": [_finite(row) for row in found], **_BANDS_HOVER})
    made = figure(data, look.theme, {"showgrid": False}, _value_axis(scale), look.revision)
    return _with_mark(made, lines, look)


_BANDS_HOVER = {
    "hovertemplate": "step %{x:,}<br>median %{customdata[4]:.4g}<br>"
    "16–84 %  %{customdata[2]:.4g} … %{customdata[6]:.4g}<br>"
    "min, max  %{customdata[0]:.4g} … %{customdata[8]:.4g}<extra></extra>"
}


def _finite(values: Iterable[float]) -> list[float | None]:
    """Seven significant digits, and None for what no axis can show."""
    return [float(f"{value:.7g}") if np.isfinite(value) else None for value in values]


def quantiles(histogram: Histogram) -> list[float]:
    """``histogram.quantile`` at each of ``QUANTILES``."""
    return [float(histogram.quantile(q)) for q in QUANTILES]


def _overlay(lines: Sequence[Line], look: Look) -> dict[str, Any]:
    scale = _scale_of(lines, look)
    data = []
    for line in lines:
        record = marked(line.records, look.step)
        counts = np.concatenate([[0.0], scale.counts(record.value), [0.0]])
        data.append(
            {
                "type": "scatter",
                "mode": "lines",
                "x": scale.outline,
                "y": np.round(counts, 2).tolist(),
                "customdata": _customdata(scale, counts[1:-1]),
                "text": f"{record.step:,}",
                "hovertemplate": "step %{text}<br>value %{customdata[0]:.4g}<br>"
                "count %{customdata[1]:.4s}<extra></extra>",
                "fill": "tozeroy",
                "fillcolor": f"{line.color}{'40' if len(lines) == 1 else '22'}",
                "line": {"color": line.color, "width": 1.4, "shape": "hvh"},
            }
        )
    y = {"type": "log"} if look.log_counts else {"rangemode": "tozero", "nticks": 4, "exponentformat": "SI"}
    return figure(data, look.theme, _value_axis(scale), y, look.revision)


def _with_mark(made: dict[str, Any], lines: Sequence[Line], look: Look) -> dict[str, Any]:
    """A thin line at the chosen step."""
    if look.step is not None:
        step = marked(lines[0].records, look.step).step
        line = {"color": INK[look.theme]["strong"], "width": 1, "dash": "dot"}
        made["layout"]["shapes"] = [
            {"type": "line", "x0": step, "x1": step, "y0": 0, "y1": 1, "yref": "paper", "line": line}
        ]
    return made


def _step_ticks(steps: Sequence[int]) -> list[int]:
    count = min(5, len(steps))
    places = np.unique(np.linspace(0, len(steps) - 1, count).round().astype(int))
    return [steps[place] for place in places]


def _step_text(step: int) -> str:
    return (
        f"{step / 1e6:.3g}M" if abs(step) >= 1e6 else f"{step / 1e3:.3g}k" if abs(step) >= 1e4 else str(step)
    )
