"""Two series of histograms in one card: their quantiles above, the distance between them below."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ...storage.kinds.histogram_distance import Distance, wasserstein
from .figure import axis, escaped, figure, nothing
from .histogram_bands import INNER, of_columns
from .histogram_line import Line, Look, at_step, finite, scale_of, value_axis, with_step
from .histogram_steps import words

if TYPE_CHECKING:
    from ..merged_histograms import Column

_ABOVE, _BELOW = [0.42, 1.0], [0.0, 0.33]


def compare(lines: Sequence[Line], look: Look) -> dict[str, Any]:
    """Each line and, dashed, what it is compared with; below, how far they are apart over steps."""
    compared = [line for line in lines if line.against]
    if not compared:
        return nothing("Nothing to compare this with in the runs shown", look.theme)
    scale = scale_of(compared, look)
    data: list[dict[str, Any]] = []
    for number, line in enumerate(compared):
        data += of_columns(line, line.columns, scale, look, (INNER,))
        if not number or line.against is not compared[0].against:
            other = replace(line, name=line.other, color=line.other_color)
            data += of_columns(other, line.against, scale, look, (INNER,), dash="dot")
        data += _distances(line, look)
    y = value_axis(scale, domain=_ABOVE)
    made = figure(data, look.theme, {**look.steps(), "anchor": "y2"}, y, look.revision)
    below = {"domain": _BELOW, "rangemode": "tozero", "nticks": 3, "fixedrange": True}
    made["layout"]["yaxis2"] = axis(look.theme, **below)
    made["layout"]["annotations"] = [_title(compared, look)]
    return with_step(made, compared[0], look)


def distances(line: Line) -> list[tuple[Column, Distance]]:
    """For each column the distance to the one it is compared with, which is at the same step or before it."""
    return [
        (column, wasserstein(column.value, at_step(line.against, column.step).value))
        for column in line.columns
    ]


def _distances(line: Line, look: Look) -> list[dict[str, Any]]:
    found = distances(line)
    common = {
        "type": "scatter",
        "x": [look.axis.place(column, line.started) for column, _ in found],
        "yaxis": "y2",
        "mode": "lines" if len(found) > 1 else "lines+markers",
        "marker": {"size": 4, "color": line.color},
    }
    rim = {"line": {"width": 0}, "hoverinfo": "skip"}
    low = {"y": finite(max(distance.value - distance.bound, 0.0) for _, distance in found)}
    high = {"y": finite(distance.value + distance.bound for _, distance in found)}
    told = {
        "text": [words(column) for column, _ in found],
        "customdata": finite(distance.bound for _, distance in found),
        "hovertemplate": "%{text}<br>Wasserstein distance %{y:.4g}<br>"
        "± %{customdata:.2g} at most<extra></extra>",
        "name": "distance",
    }
    middle = {
        "y": finite(distance.value for _, distance in found),
        "line": {"color": line.color, "width": 1.5},
    }
    fill = {"fill": "tonexty", "fillcolor": f"{line.color}26"}
    return [common | rim | low, common | rim | fill | high, common | middle | told]


def _title(compared: Sequence[Line], look: Look) -> dict[str, Any]:
    text = f"Distance to {escaped(compared[0].other)}"
    place = {"xref": "paper", "yref": "paper", "x": 0, "y": _BELOW[1], "xanchor": "left", "yanchor": "bottom"}
    return {"text": text, "showarrow": False, "font": {"size": 10}, **place}
