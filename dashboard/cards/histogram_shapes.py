"""Histograms as shapes: one behind the other, one over the other, as a heat map, and those of one step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from . import histogram_bins as bins
from .figure import INK, figure, mix
from .histogram_line import MARKS_AXIS, Line, Look, at_step, not_finite, scale_of, value_axis, with_step
from .histogram_steps import words

_RIDGE_HEIGHT = 3.2
_HOVER = "%{text}<br>value %{customdata[0]:.4g}<br>count %{customdata[1]:.4s}<extra></extra>"


def ridge(lines: Sequence[Line], look: Look) -> dict[str, Any]:
    """One outline behind the other, the newest in front, apart as on the axis of steps."""
    line, scale = lines[0], scale_of(lines[:1], look)
    counts = [scale.counts(column.value) for column in line.columns]
    places = [look.axis.number(column, line.started) for column in line.columns]
    highest = max(one.max() for one in counts) or 1.0
    span = places[-1] - places[0] or 1.0
    rise = _RIDGE_HEIGHT * span / max(len(places), 6)
    data = []
    for number, (place, count) in enumerate(zip(places, counts, strict=True)):
        # The root lets a flat ridge be seen beside a sharp one, whose peak holds the same values in few bins.
        height = np.concatenate([[0.0], count / np.sqrt((count.max() or 1.0) * highest) * rise, [0.0]])
        shape = _outline(line, number, scale, count, look)
        fill = mix(line.color, INK[look.theme]["paper"], 0.1 + 0.5 * _age(line, number, look))
        data.append(shape | {"y": (height - place).tolist(), "fill": "toself", "fillcolor": fill})
    ticks, labels = look.axis.ticks(places)
    y = {"tickvals": [-tick for tick in ticks], "ticktext": labels, "side": "right", "showgrid": False}
    y |= {"fixedrange": True, "range": [-places[-1] - 0.02 * rise, -places[0] + 1.08 * rise]}
    return figure(data, look.theme, value_axis(scale), y, look.revision)


def overlay(lines: Sequence[Line], look: Look) -> dict[str, Any]:
    """All steps over each other on one axis of counts, the newest the strongest."""
    line, scale = lines[0], scale_of(lines[:1], look)
    data = []
    for number, column in enumerate(line.columns):
        # Per step, so that a sum of many is as high as one.
        count = scale.counts(column.value) / column.records
        shape = _outline(line, number, scale, count, look)
        data.append(shape | {"y": _counts_drawn(np.concatenate([[0.0], count, [0.0]]), look)})
    return figure(data, look.theme, value_axis(scale), _count_axis(look), look.revision)


def heat(lines: Sequence[Line], look: Look) -> dict[str, Any]:
    """A column of colour for each column of steps: the stronger, the more values are in the bin."""
    line, scale = lines[0], scale_of(lines[:1], look)
    paper = INK[look.theme]["paper"]
    counts = np.array([scale.counts(column.value) / column.records for column in line.columns]).T
    shown = np.log10(1 + counts) if look.log_counts else counts
    trace = {
        "type": "heatmap",
        "x": [look.axis.place(column, line.started) for column in line.columns],
        "y": scale.positions.tolist(),
        "z": [[round(float(z), 3) if z > 0 else None for z in row] for row in shown],
        "customdata": np.round(counts, 1).tolist(),
        "text": [[f"{words(c)}<br>value {middle:.4g}" for c in line.columns] for middle in scale.middles],
        "hovertemplate": "%{text}<br>count %{customdata:.4s}<extra></extra>",
        "colorscale": [
            [0, mix(line.color, paper, 0.12)],
            [0.5, mix(line.color, paper, 0.6)],
            [1, line.color],
        ],
        "showscale": False,
        "hoverongaps": False,
    }
    made = figure(
        [trace, *not_finite([line], look)], look.theme, look.steps(), value_axis(scale), look.revision
    )
    made["layout"]["yaxis9"] = MARKS_AXIS
    return with_step(made, line, look)


def one(lines: Sequence[Line], look: Look) -> dict[str, Any]:
    """What each line holds at one step, over each other."""
    scale = scale_of(lines, look)
    data = []
    for line in lines:
        column = at_step(line.columns, look.step)
        count = scale.counts(column.value)
        data.append(
            {
                "type": "scatter",
                "mode": "lines",
                "x": scale.outline,
                "y": _counts_drawn(np.round(np.concatenate([[0.0], count, [0.0]]), 2), look),
                "customdata": _customdata(scale, count),
                "text": f"{column.step:,}",
                "hovertemplate": _HOVER.replace("%{text}", "step %{text}"),
                "fill": "tozeroy",
                "fillcolor": f"{line.color}{'40' if len(lines) == 1 else '22'}",
                "line": {"color": line.color, "width": 1.4, "shape": "hvh"},
            }
        )
    return figure(data, look.theme, value_axis(scale), _count_axis(look), look.revision)


def _outline(line: Line, number: int, scale: bins.Scale, count: np.ndarray, look: Look) -> dict[str, Any]:
    """What ridges and overlays draw of a line's column; it lacks its heights."""
    column, ink = line.columns[number], INK[look.theme]
    is_chosen = column is at_step(line.columns, look.step)
    color = ink["strong"] if is_chosen else mix(line.color, ink["paper"], _age(line, number, look))
    return {
        "type": "scatter",
        "mode": "lines",
        "x": scale.outline,
        "text": words(column),
        "customdata": _customdata(scale, count),
        "hovertemplate": _HOVER,
        "line": {"color": color, "width": 1.6 if is_chosen else 0.8},
    }


def _age(line: Line, number: int, look: Look) -> float:
    faintest = 0.25 if look.theme == "light" else 0.45
    return faintest + (1 - faintest) * (number + 1) / len(line.columns)


def _counts_drawn(counts: np.ndarray, look: Look) -> list[float | None]:
    """Counts as an axis takes them: a logarithmic one has no place for zero."""
    return [float(count) if count > 0 or not look.log_counts else None for count in np.round(counts, 3)]


def _count_axis(look: Look) -> dict[str, Any]:
    return (
        {"type": "log"} if look.log_counts else {"rangemode": "tozero", "nticks": 4, "exponentformat": "SI"}
    )


def _customdata(scale: bins.Scale, count: np.ndarray) -> list[list[float]]:
    values = np.concatenate([scale.middles[:1], scale.middles, scale.middles[-1:]])
    numbers = np.concatenate([[0.0], count, [0.0]])
    return [[float(f"{value:.5g}"), round(float(n), 1)] for value, n in zip(values, numbers, strict=True)]
