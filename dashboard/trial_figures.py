"""Trials as Plotly figures: parallel coordinates, scatter matrix, importance."""

from __future__ import annotations

from typing import Any

import numpy as np

from .cards.figure import FONT, INK, axis, escaped, figure
from .importance import Importance
from .trials import Scale, Trials, scale

COLORS = ("Viridis", "Cividis", "Plasma", "Turbo")
MOST_DIMENSIONS = 12
MOST_MATRIX = 6
_TICKS = 5


def parallel(trials: Trials, kind: str, colors: str, theme: str) -> dict[str, Any]:
    """A line a trial through its hyper-parameters, coloured by the metric, the last axis."""
    ink = INK[theme]
    told = np.isfinite(trials.values)
    dimensions = []
    for key in trials.keys[:MOST_DIMENSIONS]:
        dimensions.append(_dimension(key, scale(trials.column(key), kind), told))
    metric = scale([value if value == value else None for value in trials.values.tolist()], kind)
    dimensions.append(_dimension(trials.metric, metric, told))
    line = {"color": metric.places[told].tolist(), "colorscale": colors, "showscale": False}
    trace = {
        "type": "parcoords",
        "dimensions": dimensions,
        "line": line,
        "labelfont": {"color": ink["strong"], "size": 12},
        "tickfont": {"color": ink["text"], "size": 10},
        "rangefont": {"color": "rgba(0,0,0,0)", "size": 1},
        "unselected": {"line": {"color": ink["line"], "opacity": 0.3}},
        "uid": "trials",
    }
    layout = {
        "paper_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": FONT, "color": ink["text"]},
        "margin": {"l": 70, "r": 70, "t": 50, "b": 24},
        "uirevision": f"{trials.metric} {trials.keys}",
    }
    return {"data": [trace], "layout": layout}


def matrix(trials: Trials, kind: str, colors: str, theme: str) -> dict[str, Any]:
    """Each hyper-parameter and the metric against one another; a point carries its run's id."""
    ink = INK[theme]
    told = np.isfinite(trials.values)
    metric = scale([value if value == value else None for value in trials.values.tolist()], kind)
    scales = [(key, scale(trials.column(key), kind)) for key in trials.keys[: MOST_MATRIX - 1]]
    scales.append((trials.metric, metric))
    dimensions = [{"label": _label(name, one), "values": one.places[told].tolist()} for name, one in scales]
    chosen = np.flatnonzero(told)
    trace = {
        "type": "splom",
        "dimensions": dimensions,
        "marker": {"color": metric.places[told].tolist(), "colorscale": colors, "size": 5, "opacity": 0.8},
        "customdata": [trials.ids[at] for at in chosen],
        "text": [escaped(trials.names[at]) for at in chosen],
        "hovertemplate": "%{text}<br>%{xaxis.title.text} %{x:.4g}, %{yaxis.title.text} %{y:.4g}<extra></extra>",
        "diagonal": {"visible": False},
        "showupperhalf": False,
    }
    drawn = figure([trace], theme, {}, {}, f"{trials.metric} {trials.keys}")
    layout = drawn["layout"]
    for number, (_, one) in enumerate(scales, 1):
        ticks = _ticks(one)
        for letter in "xy":
            name = f"{letter}axis{'' if number == 1 else number}"
            layout[name] = axis(theme, **ticks)
            layout[name]["title"] = {"font": {"size": 11, "color": ink["strong"]}}
    layout["margin"] = {"l": 80, "r": 16, "t": 10, "b": 60}
    return drawn


def bars(found: Importance, theme: str) -> dict[str, Any]:
    """Hyper-parameters by importance, the greatest at the top, with a standard deviation to each side."""
    trace = {
        "type": "bar",
        "orientation": "h",
        "y": [escaped(key) for key in found.keys],
        "x": found.mean.tolist(),
        "error_x": {"type": "data", "array": found.deviation.tolist(), "thickness": 1, "width": 3},
        "marker": {"color": "#226dc9"},
        "hovertemplate": "%{y}: %{x:.3f}<extra></extra>",
    }
    title = {"text": "Fall of R² where it is shuffled", "font": {"size": 11}}
    drawn = figure(
        [trace], theme, {"title": title}, {"autorange": "reversed", "type": "category"}, "importance"
    )
    drawn["layout"]["margin"] = {"l": 8, "r": 24, "t": 8, "b": 40}
    return drawn


def _dimension(name: str, one: Scale, told: Any) -> dict[str, Any]:
    return {"label": _label(name, one), "values": one.places[told].tolist(), **_ticks(one)}


def _label(name: str, one: Scale) -> str:
    short = name if len(name) <= 28 else f"…{name[-27:]}"
    return escaped(short) + (" (log)" if one.is_log else "")


def _ticks(one: Scale) -> dict[str, Any]:
    """Names of what is no number, and of logarithms the numbers themselves."""
    if one.labels is not None:
        step = max(1, len(one.labels) // 30)
        return {
            "tickvals": list(range(0, len(one.labels), step)),
            "ticktext": [escaped(label[:24]) for label in one.labels[::step]],
        }
    known = one.places[np.isfinite(one.places)]
    if not one.is_log or not len(known):
        return {}
    ticks = (
        np.unique(known) if len(np.unique(known)) <= _TICKS else np.linspace(known.min(), known.max(), _TICKS)
    )
    return {"tickvals": ticks.tolist(), "ticktext": [f"{10**tick:.3g}" for tick in ticks]}
