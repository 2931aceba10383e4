"""Quantiles of histograms over steps, as bands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from . import histogram_bins as bins
from .figure import INK, figure, mix
from .histogram_line import MARKS_AXIS, Line, Look, finite, not_finite, scale_of, value_axis, with_step
from .histogram_steps import words

if TYPE_CHECKING:
    from ...storage.kinds.histogram import Histogram
    from ..merged_histograms import Column

QUANTILES = (0.0, 0.0668, 0.1587, 0.3085, 0.5, 0.6915, 0.8413, 0.9332, 1.0)
"""Those of the normal distribution at its mean and half, one, one and a half and more deviations."""
INNER = 2
"""The band from the 16th to the 84th percentile, counted from outside."""
_ONE_OF_FOUR, _ALONE, _FAINTEST = 0x1C, 0x30, 0x08

_HOVER = {
    "hovertemplate": "%{text}<br>median %{customdata[4]:.4g}<br>"
    "16–84 %  %{customdata[2]:.4g} … %{customdata[6]:.4g}<br>"
    "min, max  %{customdata[0]:.4g} … %{customdata[8]:.4g}<extra></extra>"
}


def bands(lines: Sequence[Line], look: Look) -> dict[str, Any]:
    """The median of each line; around it four bands of a line alone, of several the middle one of each.

    The more there are, the fainter; no band covers a median.
    """
    scale = scale_of(lines, look)
    rims = range(4) if len(lines) == 1 else (INNER,)
    shade = _ONE_OF_FOUR if len(lines) == 1 else max(2 * _ALONE // len(lines), _FAINTEST)
    data = [
        trace for line in lines for trace in of_columns(line, line.columns, scale, look, rims, shade=shade)
    ]
    data.sort(key=lambda trace: "name" in trace)
    made = figure(data + not_finite(lines, look), look.theme, look.steps(), value_axis(scale), look.revision)
    made["layout"]["yaxis9"] = MARKS_AXIS
    return with_step(made, lines[0], look)


def of_columns(
    line: Line,
    columns: Sequence[Column],
    scale: bins.Scale,
    look: Look,
    rims: Sequence[int],
    dash: str = "solid",
    shade: int = _ALONE,
) -> list[dict[str, Any]]:
    """Traces of bands between these quantiles, counted from outside, and of the median, which has a name.

    ``shade`` is how opaque a band is, of 255.
    """
    paper = INK[look.theme]["paper"]
    held = [column for column in columns if column.value.finite_count]
    found = [quantiles(column.value) for column in held]
    drawn = [finite(scale.forward(level)) for level in zip(*found, strict=True)] if found else [[]] * 9
    common = {
        "type": "scatter",
        "x": [look.axis.place(column, line.started) for column in held],
        "mode": "lines" if len(held) > 1 else "lines+markers",
        "marker": {"size": 4, "color": line.color},
    }
    edge = {"line": {"color": mix(line.color, paper, 0.3), "width": 0.5}, "hoverinfo": "skip"}
    data: list[dict[str, Any]] = []
    for rim in rims:
        data.append(common | edge | {"y": drawn[rim]})
        fill = {"fill": "tonexty", "fillcolor": f"{line.color}{shade:02x}"}
        data.append(common | edge | fill | {"y": drawn[-1 - rim]})
    median = {"y": drawn[4], "line": {"color": line.color, "width": 1.5, "dash": dash}, "name": line.name}
    told = {"text": [words(column) for column in held], "customdata": [finite(row) for row in found]}
    return [*data, common | median | told | _HOVER]


def quantiles(histogram: Histogram) -> list[float]:
    """``histogram.quantile`` at each of ``QUANTILES``."""
    return [float(histogram.quantile(q)) for q in QUANTILES]
