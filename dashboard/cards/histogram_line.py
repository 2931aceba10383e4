"""What every view of histograms is given, and what they share: the values' axis, marks, hover texts."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from . import histogram_bins as bins
from .figure import INK
from .histogram_steps import StepAxis

if TYPE_CHECKING:
    from ..merged_histograms import Column

NOT_FINITE = "#d1345b"
_MOST_MARKS = 128


@dataclass(frozen=True)
class Line:
    """What a card draws of one run: its columns in the order of steps.

    ``started`` is the wall time of the series' first step. ``against``, for "compare", are the columns of
    what it is compared with, named ``other`` and drawn in ``other_color``.
    """

    name: str
    color: str
    columns: Sequence[Column]
    started: float = 0.0
    against: Sequence[Column] = ()
    other: str = ""
    other_color: str = ""


@dataclass(frozen=True)
class Look:
    """How to draw: ``scale`` of the values "linear", "log" or "symlog", ``step`` the one to mark, if any.

    ``axis`` is that of the steps, and ``window`` the range of it to show, as Plotly tells ranges; None: all.
    """

    theme: str = "light"
    scale: str = "linear"
    log_counts: bool = False
    step: int | None = None
    revision: str = ""
    axis: StepAxis = field(default_factory=StepAxis)
    window: tuple[str, str] | None = None

    def steps(self) -> dict[str, Any]:
        """The axis of steps as Plotly takes it."""
        return self.axis.settings() | ({"range": list(self.window)} if self.window else {})


def scale_of(lines: Sequence[Line], look: Look) -> bins.Scale:
    """The bins that all columns of these lines share."""
    values = [column.value for line in lines for column in (*line.columns, *line.against)]
    return bins.scale_of(values, look.scale)


def value_axis(scale: bins.Scale, **settings: Any) -> dict[str, Any]:
    """An axis of values as Plotly takes it."""
    if scale.ticks is None:
        return settings
    positions, labels = scale.ticks
    return {"tickvals": positions, "ticktext": labels, **settings}


def at_step(columns: Sequence[Column], step: int | None) -> Column:
    """The last column that begins at or before ``step``; of none the first, without a step the newest."""
    if step is None:
        return columns[-1]
    return columns[max(bisect_right([column.first_step for column in columns], step), 1) - 1]


def with_step(made: dict[str, Any], line: Line, look: Look) -> dict[str, Any]:
    """The figure with a thin line at the chosen step."""
    if look.step is not None:
        place = look.axis.place(at_step(line.columns, look.step), line.started)
        stroke = {"color": INK[look.theme]["strong"], "width": 1, "dash": "dot"}
        ends = {"x0": place, "x1": place, "y0": 0, "y1": 1, "yref": "paper"}
        made["layout"]["shapes"] = [{"type": "line", "line": stroke, **ends}]
    return made


def not_finite(lines: Sequence[Line], look: Look) -> list[dict[str, Any]]:
    """A trace of red marks along the top, where steps hold NaN or infinities; none where there are none."""
    places, texts = [], []
    for line in lines:
        for column in line.columns:
            value = column.value
            told = (("NaN", value.nans), ("+Inf", value.pos_infs), ("−Inf", value.neg_infs))
            words = ", ".join(f"{count:,} {name}" for name, count in told if count)
            if words:
                places.append(look.axis.place(column, line.started))
                texts.append(f"step {column.step:,}: {words}")
    if not places:
        return []
    mark = {"symbol": "x-thin", "size": 6, "line": {"width": 2, "color": NOT_FINITE}}
    return [
        {
            "type": "scatter",
            "mode": "markers",
            "x": places[-_MOST_MARKS:],
            "y": [0.98] * len(places[-_MOST_MARKS:]),
            "yaxis": "y9",
            "text": texts[-_MOST_MARKS:],
            "marker": mark,
            "name": "not finite",
            "cliponaxis": False,
            "hovertemplate": "%{text}<extra></extra>",
        }
    ]


MARKS_AXIS = {"overlaying": "y", "range": [0, 1], "visible": False, "fixedrange": True}
"""The axis ``y9``, on which the marks of ``not_finite`` lie, whatever the values' axis shows."""


def finite(values: Iterable[float]) -> list[float | None]:
    """Seven significant digits, and None for what no axis can show."""
    return [float(f"{value:.7g}") if np.isfinite(value) else None for value in values]
