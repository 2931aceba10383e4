"""Histograms of one tag over steps, or of several runs at one step, as Plotly figures.

The same bins serve every step and run of a card, so that what differs in the picture differs in the
data. Figures are plain dicts.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
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
    lines = [line for line in lines if line.records]
    if not lines:
        return nothing("No histogram yet", look.theme)
    if not any(record.value.buckets.size for line in lines for record in line.records):
        return nothing("Nothing but NaN or infinity in these histograms", look.theme)
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
    """What bins cannot show, where it occurs: ``("zero", "12 %")``, ``("NaN", "3")``, ``("+Inf", "1")``."""
    special = histogram.nans + histogram.pos_infs + histogram.neg_infs
    shown = []
    if histogram.zeros and histogram.count:
        shown.append(("zero", f"{histogram.zeros / max(histogram.count, 1):.2g}"))
    if special:
        pairs = (("NaN", histogram.nans), ("+Inf", histogram.pos_infs), ("−Inf", histogram.neg_infs))
        shown += [(name, f"{count:,}") for name, count in pairs if count]
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
    highest = max((one.max() for one in counts), default=0) or 1
    chosen = marked(records, look.step)
    first, last = records[0].step, records[-1].step
    rise = _RIDGE_HEIGHT * max(last - first, 1) / max(len(records), 6)
    hover = "step %{text}<br>value %{customdata[0]:.4g}<br>count %{customdata[1]:.4s}<extra></extra>"
    data = []
    for place, (record, count) in enumerate(zip(records, counts, strict=True)):
        age = 0.25 + 0.75 * (place + 1) / len(records)
        is_chosen = record is chosen
        height = np.concatenate([[0.0], count / highest * rise, [0.0]])
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
                "fillcolor": mix(line.color, ink["paper"], 0.16 + 0.34 * age),
                "line": {
                    "color": ink["strong"] if is_chosen else mix(line.color, ink["paper"], age),
                    "width": 1.6 if is_chosen else 0.8,
                },
            }
        )
    ticks = _step_ticks([record.step for record in records])
    y = {"tickvals": [-step for step in ticks], "ticktext": list(map(_step_text, ticks)), "side": "right"}
    y |= {"showgrid": False, "range": [-last - 0.02 * rise, -first + 1.08 * rise]}
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
        "z": np.where(counts > 0, np.round(shown, 3), np.nan).tolist(),
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
    made = figure([_without_nan(heat)], look.theme, {"showgrid": False}, _value_axis(scale), look.revision)
    return _with_mark(made, lines, look)


def _without_nan(heat: dict[str, Any]) -> dict[str, Any]:
    return heat | {"z": [[None if value != value else value for value in row] for row in heat["z"]]}


def _bands(lines: Sequence[Line], look: Look) -> dict[str, Any]:
    scale, ink = _scale_of(lines, look), INK[look.theme]
    pairs = [(0, 8), (1, 7), (2, 6), (3, 5)] if len(lines) == 1 else [(2, 6)]
    data: list[dict[str, Any]] = []
    for line in lines:
        steps = [record.step for record in line.records if record.value.buckets.size]
        found = np.array([quantiles(record.value) for record in line.records if record.value.buckets.size])
        drawn = np.round(scale.forward(found), 7)
        common = {"type": "scatter", "x": steps, "mode": "lines" if len(steps) > 1 else "lines+markers"}
        for depth, (low, high) in enumerate(pairs):
            edge = {"color": mix(line.color, ink["paper"], 0.3), "width": 0.5}
            fill = f"{line.color}{'1c' if len(lines) == 1 else '30'}"
            silent = {"line": edge, "hoverinfo": "skip", "marker": {"size": 3, "color": line.color}}
            data.append(common | silent | {"y": drawn[:, low].tolist()})
            data.append(
                common | silent | {"y": drawn[:, high].tolist(), "fill": "tonexty", "fillcolor": fill}
            )
            del depth
        data.append(
            common
            | {
                "y": drawn[:, 4].tolist(),
                "line": {"color": line.color, "width": 1.5},
                "marker": {"size": 4, "color": line.color},
                "name": line.name,
                "customdata": np.round(found, 8).tolist(),
                "hovertemplate": "step %{x:,}<br>median %{customdata[4]:.4g}<br>"
                "16–84 %  %{customdata[2]:.4g} … %{customdata[6]:.4g}<br>"
                "min, max  %{customdata[0]:.4g} … %{customdata[8]:.4g}<extra></extra>",
            }
        )
    made = figure(data, look.theme, {"showgrid": False}, _value_axis(scale), look.revision)
    return _with_mark(made, lines, look)


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
    y = {"type": "log"} if look.log_counts else {"rangemode": "tozero", "nticks": 4, "tickformat": "~s"}
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
