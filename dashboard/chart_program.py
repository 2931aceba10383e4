"""The Python program that draws a chart again, from the store and with Plotly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .chart_data import Drawn
from .smoothing import KINDS, Kind

_DASHES = ("solid", "dash", "dot", "dashdot")
_AXES = {"step": "Step", "relative": "Seconds since the first point", "wall": "Time"}
_X = {
    "step": "points.step",
    "relative": "points.wall_time - points.wall_time.min(initial=math.inf)",
    "wall": 'points.wall_time.astype("datetime64[s]")',
}


@dataclass(frozen=True)
class Look:
    """How the chart looks: its title, x axis, scales and smoothing, as the Charts page has them."""

    title: str
    axis: str = "step"
    xscale: str = "linear"
    yscale: str = "linear"
    smoothing: float = 0.0
    kind: Kind = "average"

    def __post_init__(self) -> None:
        if self.axis not in _X or self.kind not in KINDS:
            raise ValueError(f"axis is one of {', '.join(_X)} and kind one of {', '.join(KINDS)}")


def program(lines: Sequence[Drawn], look: Look, store_url: str) -> str:
    """A program that writes ``chart.html``. All that was logged is in it as literals."""
    formulas = any(line.formula for line in lines)
    merged = any(isinstance(line.rank, str) for line in lines)
    computed = formulas or merged
    imports = ["import plotly.graph_objects as go", "", "import trainboard as tb"]
    if look.axis == "relative":
        imports.insert(0, "import math\n")
    if computed:
        imports.append("from trainboard.dashboard.chart_data import Drawn, read")
    if look.smoothing:
        imports.append("from trainboard.dashboard.smoothing import smooth")
    parts = [
        *imports,
        "",
        f"store = tb.open_store({store_url!r})",
        "lines = [  # run, name, tag or formula, rank, colour, dash, axis",
        *(f"    {_literal(line)!r}," for line in lines),
        "]",
        "figure = go.Figure()",
        "for run, name, source, rank, color, dash, axis in lines:",
        *(f"    {text}" for text in _body(look, computed)),
        f"figure.update_layout({_layout(lines, look)})",
        'figure.write_html("chart.html")',
    ]
    return "\n".join(parts) + "\n"


def _literal(line: Drawn) -> tuple[Any, ...]:
    dash = _DASHES[line.dash % len(_DASHES)]
    return (
        line.run,
        line.label or line.name,
        line.source,
        line.rank,
        line.color,
        dash,
        "y2" if line.right else "y",
    )


def _body(look: Look, computed: bool) -> list[str]:
    if computed:
        drawn = "Drawn(run, name, source, rank, formula=source not in tags)"
        read = [
            'tags = {series.tag for series in store.series(run, "scalar")}',
            f"(points,) = read(store, [{drawn}])",
        ]
    else:
        read = ["points = store.points(run, source, rank=rank)"]
    y = "points.value"
    if look.smoothing:
        y = f"smooth(points.value, {look.smoothing!r}, {look.kind!r}, points.step)"
    style = {"color": "color", "dash": "dash"}
    line = ", ".join(f'"{name}": {value}' for name, value in style.items())
    return [
        *read,
        f"x = {_X[look.axis]}",
        f'figure.add_scatter(x=x, y={y}, name=name, yaxis=axis, mode="lines", line={{{line}}})',
    ]


def _layout(lines: Sequence[Drawn], look: Look) -> str:
    def names(right: bool) -> str:
        return ", ".join(dict.fromkeys(line.source for line in lines if line.right == right))

    layout: dict[str, Any] = {"title": look.title, "template": "plotly_white"}
    layout["xaxis"] = _axis(_AXES[look.axis], look.xscale)
    layout["yaxis"] = _axis(names(right=False), look.yscale)
    if any(line.right for line in lines):
        layout["yaxis2"] = {**_axis(names(right=True), look.yscale), "overlaying": "y", "side": "right"}
    return ", ".join(f"{name}={value!r}" for name, value in layout.items())


def _axis(title: str, scale: str) -> Mapping[str, Any]:
    """Plotly has no symmetric logarithmic scale; such an axis is linear."""
    return {"title": {"text": title}} | ({"type": "log"} if scale == "log" else {})
