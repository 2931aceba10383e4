"""The look that every Plotly figure shares: transparent, quiet, no decoration but the data."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import wrap
from typing import Any

from dash import dcc, html

INK: Mapping[str, Mapping[str, str]] = {
    "light": {
        "paper": "#ffffff",
        "text": "#5f6873",
        "grid": "#eceef0",
        "line": "#dfe2e6",
        "strong": "#1c2024",
    },
    "dark": {
        "paper": "#16181d",
        "text": "#98a1ac",
        "grid": "#23272d",
        "line": "#2c3138",
        "strong": "#e6e8eb",
    },
}
"""The colours of ``assets/base.css`` that a figure needs, by theme."""
_LINE = 34
"""Letters in a line of words that stand in the place of the narrowest figure."""
FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif'
WITHOUT_WEBGL: Mapping[str, str] = {
    "heatmapgl": "heatmap",
    "pointcloud": "scatter",
    "scattergl": "scatter",
    "scatterpolargl": "scatterpolar",
}
"""What to draw flat WebGL charts as. For these Plotly makes code at run time, which the page's security
policy forbids; Plotly Express asks for them where there are more than 1,000 points."""
CONFIG: Any = {"displayModeBar": False, "responsive": True, "doubleClick": "reset"}


def mix(color: str, other: str, share: float) -> str:
    """``share`` of one ``#rrggbb`` colour, the rest of another, both in sRGB."""
    pairs = ((int(color[i : i + 2], 16), int(other[i : i + 2], 16)) for i in (1, 3, 5))
    return "#" + "".join(f"{round(a * share + b * (1 - share)):02x}" for a, b in pairs)


def axis(theme: str, **settings: Any) -> dict[str, Any]:
    """An axis in the style of ``theme``."""
    ink = INK[theme]
    return {
        "gridcolor": ink["grid"],
        "linecolor": ink["line"],
        "zeroline": False,
        "ticks": "",
        "automargin": True,
        "tickfont": {"size": 10, "color": ink["text"]},
        "title": {"font": {"size": 10, "color": ink["text"]}, "standoff": 4},
        "nticks": 6,
        "exponentformat": "e",
        **settings,
    }


def figure(
    data: list[dict[str, Any]], theme: str, x: dict[str, Any], y: dict[str, Any], revision: str
) -> dict[str, Any]:
    """A figure of traces. While ``revision`` stays the same, a person's zoom survives new data."""
    ink = INK[theme]
    layout = {
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": FONT, "size": 11, "color": ink["text"]},
        "margin": {"l": 8, "r": 8, "t": 6, "b": 8},
        "showlegend": False,
        "hovermode": "closest",
        "hoverlabel": {
            "bgcolor": ink["paper"],
            "bordercolor": ink["line"],
            "font": {"color": ink["strong"], "size": 11, "family": FONT},
        },
        "dragmode": "zoom",
        "uirevision": revision,
        "xaxis": axis(theme, **x),
        "yaxis": axis(theme, **y),
    }
    return {"data": data, "layout": layout}


def plot(
    drawn: dict[str, Any], config: Any = CONFIG, class_name: str = "plot-frame", graph_id: Any = None
) -> html.Div:
    """A figure in a frame whose class says how high it is."""
    known: Any = {} if graph_id is None else {"id": graph_id}
    graph = dcc.Graph(figure=drawn, config=config, responsive=True, style={"height": "100%"}, **known)
    return html.Div(graph, className=class_name)


def nothing(message: str, theme: str) -> dict[str, Any]:
    """A figure that says in words why there is nothing to draw."""
    hidden = {"visible": False, "fixedrange": True}
    empty = figure([], theme, hidden, hidden, "nothing")
    empty["layout"]["annotations"] = [
        {
            "text": "<br>".join(escaped(line) for line in wrap(message, _LINE)),
            "showarrow": False,
            "font": {"size": 12, "color": INK[theme]["text"]},
        }
    ]
    return empty


def escaped(text: str) -> str:
    """Plotly reads a few HTML tags in text; nothing that a program logged may be one."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
