"""Trials as Plotly figures: parallel coordinates, scatter matrix, importance.

All are SVG: Plotly's own parallel coordinates and scatter matrix need WebGL, which many machines that one
works on from afar lack.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from plotly.colors import sample_colorscale

from .cards.figure import FONT, INK, axis, escaped, figure
from .importance import Importance
from .trials import Scale, Trials, scale

COLORS = ("Viridis", "Cividis", "Plasma", "Turbo")
MOST_DIMENSIONS = 10
MOST_MATRIX = 5
MOST_DRAWN = 500
_SHADES = 24
_TICKS = 7
_GAP = 0.02
_EDGE, _LETTERS = 36, 150
_CLOSEST = 0.03


def parallel(trials: Trials, kind: str, colors: str, by: str, theme: str) -> dict[str, Any]:
    """A line a trial through its hyper-parameters to the metric, coloured ``by`` one of them; vertices carry
    run ids."""
    drawn, scales = _scales(trials, kind, MOST_DIMENSIONS)
    heights = [_share(one.places)[drawn] for _, one in scales]
    shade = np.rint(_shades(trials, kind, by)[drawn] * (_SHADES - 1)).astype(int)
    palette = _palette(colors, theme)
    traces = []
    for number in np.unique(shade):
        chosen = np.flatnonzero(shade == number)
        lines = np.column_stack([*(height[chosen] for height in heights), np.full(len(chosen), np.nan)])
        texts = [escaped(trials.names[at]) for at in drawn[chosen].tolist()]
        ids = [trials.ids[at] for at in drawn[chosen].tolist()]
        width = len(scales) + 1
        traces.append(
            {
                "type": "scatter",
                "mode": "lines+markers",
                "x": list(range(width)) * len(chosen),
                "y": [None if place != place else place for place in lines.ravel().tolist()],
                "text": np.repeat(texts, width).tolist(),
                "customdata": np.repeat(ids, width).tolist(),
                "hovertemplate": "%{text}<extra></extra>",
                "line": {"color": palette[number], "width": 1.2},
                "marker": {"size": 5, "color": palette[number]},
                "opacity": 0.75,
            }
        )
    hidden = {"visible": False, "fixedrange": True}
    shown = figure(traces, theme, {**hidden, "range": [-0.3, len(scales) - 0.7]}, hidden, _revision(trials))
    shown["layout"]["yaxis"]["range"] = [-0.06, 1.14]
    shown["layout"] |= _brushed(trials, scales)
    last, longest = len(scales) - 1, _LETTERS // len(scales)
    shown["layout"]["annotations"] = [
        note
        for at, (name, one) in enumerate(scales)
        for note in _axis_notes(at, _label(name, one, longest, "<br>"), one, theme, at == last)
    ]
    shown["layout"]["shapes"] = [
        {
            "type": "line",
            "x0": at,
            "x1": at,
            "y0": 0,
            "y1": 1,
            "line": {"color": INK[theme]["line"], "width": 1},
        }
        for at in range(len(scales))
    ]
    return shown


def matrix(trials: Trials, kind: str, colors: str, by: str, theme: str) -> dict[str, Any]:
    """Each hyper-parameter and the metric against one another, coloured ``by`` one of them; a point carries
    its run's id."""
    drawn, scales = _scales(trials, kind, MOST_MATRIX)
    palette = _palette(colors, theme)
    shades = np.rint(_shades(trials, kind, by)[drawn] * (_SHADES - 1)).astype(int)
    color = [palette[at] for at in shades.tolist()]
    texts = [escaped(trials.names[at]) for at in drawn.tolist()]
    ids = [trials.ids[at] for at in drawn.tolist()]
    size = 1 / (len(scales) - 1)
    traces: list[dict[str, Any]] = []
    axes: dict[str, Any] = {}
    of_axis: dict[str, int] = {}
    for row in range(1, len(scales)):
        for column in range(row):
            number = str(len(traces) + 1) if traces else ""
            (x_name, x), (y_name, y) = scales[column], scales[row]
            traces.append(
                {
                    "type": "scatter",
                    "mode": "markers",
                    "x": _drawable(x, drawn),
                    "y": _drawable(y, drawn),
                    "xaxis": f"x{number}",
                    "yaxis": f"y{number}",
                    "text": texts,
                    "customdata": ids,
                    "hovertemplate": "%{text}<extra></extra>",
                    "marker": {"color": color, "size": 5, "opacity": 0.8},
                }
            )
            across = [column * size + _GAP, (column + 1) * size - _GAP]
            up = [1 - row * size + _GAP, 1 - (row - 1) * size - _GAP]
            below, beside = row == len(scales) - 1, column == 0
            axes[f"xaxis{number}"] = _edge(theme, x, x_name if below else "", across, f"y{number}")
            axes[f"yaxis{number}"] = _edge(theme, y, y_name if beside else "", up, f"x{number}")
            of_axis |= {f"x{number}": column, f"y{number}": row}
    shown = figure(traces, theme, {}, {}, _revision(trials))
    shown["layout"] |= axes | _brushed(trials, scales, of_axis)
    shown["layout"]["margin"] = {"l": 60, "r": 16, "t": 10, "b": 50}
    return shown


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
    categories = {"autorange": "reversed", "type": "category", "dtick": 1}
    drawn = figure([trace], theme, {"title": title}, categories, "importance")
    drawn["layout"]["margin"] = {"l": 8, "r": 24, "t": 8, "b": 40}
    return drawn


def _palette(colors: str, theme: str) -> list[str]:
    """Shades that are seen on the page: the darkest are left out where it is dark, else the lightest."""
    low, high = (0.32, 1.0) if theme == "dark" else (0.0, 0.92)
    return sample_colorscale(colors, np.linspace(low, high, _SHADES).tolist())


def _shades(trials: Trials, kind: str, by: str) -> NDArray[np.float64]:
    """From 0 to 1 by the metric, or by a hyper-parameter as ``config.lr``; 0 where a trial has none."""
    key = by.removeprefix("config.")
    of = trials.column(key) if key != by and key in trials.keys else _metric(trials)
    return np.nan_to_num(_share(scale(of, kind).places))


def _metric(trials: Trials) -> list[float | None]:
    return [value if value == value else None for value in trials.values.tolist()]


def _scales(trials: Trials, kind: str, most: int) -> tuple[NDArray[np.int64], list[tuple[str, Scale]]]:
    """The newest trials that have a value, and the scales of hyper-parameters and, last, of the metric."""
    drawn = np.flatnonzero(np.isfinite(trials.values))[-MOST_DRAWN:]
    scales = [(key, scale(trials.column(key), kind)) for key in trials.keys[: most - 1]]
    return drawn, [*scales, (trials.metric, scale(_metric(trials), kind))]


def _brushed(
    trials: Trials, scales: list[tuple[str, Scale]], of_axis: dict[str, int] | None = None
) -> dict[str, Any]:
    """What a layout needs so that a dragged box can become a filter: of every scale its field and its ends.

    ``of_axis`` says which scale an axis has; without it, scales stand at 0, 1, 2, … and reach from 0 to 1.
    A box is gone once what it asked for is drawn.
    """
    dimensions = [
        {
            "field": name if name == trials.metric else f"config.{name}",
            "low": float(np.nanmin(one.places)),
            "high": float(np.nanmax(one.places)),
            "log": one.is_log,
            "known": one.known,
            "labels": one.labels,
        }
        for name, one in scales
    ]
    drawn = f"{_revision(trials)} {len(trials.ids)}"
    meta = {"dimensions": dimensions, "of_axis": of_axis}
    return {"dragmode": "select", "selections": [], "selectionrevision": drawn, "meta": meta}


def _share(places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Places between the least, 0, and the greatest, 1."""
    low, high = np.nanmin(places), np.nanmax(places)
    return (places - low) / (high - low) if high > low else np.where(np.isfinite(places), 0.5, np.nan)


def _drawable(one: Scale, drawn: NDArray[np.int64]) -> list[float | None]:
    return [None if place != place else place for place in one.places[drawn].tolist()]


def _edge(theme: str, one: Scale, name: str, domain: list[float], anchor: str) -> dict[str, Any]:
    edge = axis(theme, **_ticks(one), domain=domain, anchor=anchor, showticklabels=bool(name))
    if name:
        edge["title"] = {"text": _label(name, one), "font": {"size": 11, "color": INK[theme]["strong"]}}
    return edge


def _axis_notes(at: int, label: str, one: Scale, theme: str, is_last: bool) -> list[dict[str, Any]]:
    """The name above an axis of parallel coordinates, and what stands beside it."""
    anchor = {"xanchor": "right", "xshift": _EDGE} if is_last else {}
    ink = INK[theme]
    place = {"x": at, "xref": "x", "yref": "y", "showarrow": False}
    font = {"family": FONT, "size": 12, "color": ink["strong"]}
    notes = [{**place, **anchor, "y": 1.03, "yanchor": "bottom", "text": label, "font": font}]
    places, texts = _marks(one)
    low, high = np.nanmin(one.places), np.nanmax(one.places)
    below = -np.inf
    for mark, text in zip(places, texts, strict=True):
        height = (mark - low) / (high - low) if high > low else 0.5
        if height - below < _CLOSEST:
            continue
        below = height
        beside = {"xanchor": "left", "xshift": 7, "bgcolor": ink["paper"], "borderpad": 0}
        small = {"family": FONT, "size": 10, "color": ink["text"]}
        notes.append({**place, **beside, "y": height, "text": text, "font": small, "opacity": 0.85})
    return notes


def _label(name: str, one: Scale, longest: int = 28, before_scale: str = " ") -> str:
    short = name if len(name) <= longest else f"…{name[1 - longest :]}"
    kind = "(log)" if one.is_log else "(quantile)" if one.known else ""
    return escaped(short) + (before_scale + kind if kind else "")


def _ticks(one: Scale) -> dict[str, Any]:
    """Names of what is no number, and of logarithms and quantiles the numbers themselves."""
    if one.labels is None and not one.is_log and one.known is None:
        return {}
    places, texts = _marks(one)
    return {"tickvals": places, "ticktext": texts}


def _marks(one: Scale) -> tuple[list[float], list[str]]:
    if one.labels is not None:
        step = -(-len(one.labels) // 20)
        texts = [escaped(label[:24]) for label in one.labels[::step]]
        return [float(at) for at in range(0, len(one.labels), step)], texts
    known = np.unique(one.places[np.isfinite(one.places)])
    if len(known) > _TICKS:
        low, high = float(known[0]), float(known[-1])
        known = _round(low, high, one.is_log) if one.known is None else np.linspace(low, high, _TICKS)
    return known.tolist(), [f"{value:.3g}" for value in one.values_at(known)]


def _round(low: float, high: float, whole: bool) -> NDArray[np.float64]:
    """Both ends, and round numbers, or whole ones, between them that are not too close to these."""
    least = (high - low) / (_TICKS - 1)
    power = 10.0 ** np.floor(np.log10(least))
    step = next(digit * power for digit in (1, 2, 5, 10) if digit * power >= least)
    step = max(step, 1.0) if whole else step
    between = np.arange(np.ceil(low / step), np.floor(high / step) + 1) * step
    apart = 2 * _CLOSEST * (high - low)
    return np.array([low, *between[(between > low + apart) & (between < high - apart)], high])


def _revision(trials: Trials) -> str:
    return f"{trials.metric} {trials.keys}"
