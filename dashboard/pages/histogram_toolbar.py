"""The toolbar of the Histograms page: how distributions are drawn, which, and at which step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dash import html

from .. import mantine as dmc
from ..components import aria
from . import step_slider

QUERY: Mapping[str, str] = {
    "histogram_view": "ridge",
    "histogram_scale": "linear",
    "histogram_axis": "step",
    "histogram_window": "",
    "histogram_with": "",
    "histogram_log": "0",
    "histogram_step": "",
    "histogram_filter": "",
}
VIEWS = (
    ("ridge", "Offset"),
    ("overlay", "Overlay"),
    ("heat", "Heat map"),
    ("bands", "Quantiles"),
    ("one", "One step"),
    ("compare", "Compare"),
)
SCALES = (("linear", "Linear"), ("log", "Log"), ("symlog", "Symlog"))
AXES = (("step", "Step"), ("relative", "Relative"), ("wall", "Wall"))


def toolbar(query: Mapping[str, str]) -> html.Div:
    """The controls, as the address says they stand."""

    def choice(key: str, label: str, options: Sequence[tuple[str, str]], title: str = "") -> html.Div:
        data = [{"value": value, "label": text} for value, text in options]
        control = dmc.SegmentedControl(id={"query": key}, data=data, value=query[key], size="xs")
        return html.Div([html.Span(label), control], className=f"toolbar-field {key}-field", title=title)

    log = dmc.Checkbox(
        id={"query": "histogram_log"}, label="Log counts", checked=query["histogram_log"] == "1", size="xs"
    )
    find = dmc.TextInput(
        id={"query": "histogram_filter"},
        value=query["histogram_filter"],
        placeholder="Filter layers",
        debounce=200,
        size="xs",
        className="filter",
    )
    zoomed = html.Button(
        "All steps", id="histogram-all-steps", className="quiet-button", title="End the zoom into some steps"
    )
    return html.Div(
        [
            html.Label(find, title="Layers whose name contains this"),
            choice("histogram_view", "View", VIEWS),
            _compare_with(query),
            choice("histogram_scale", "Values", SCALES, "Log shows positive values, Symlog all"),
            choice("histogram_axis", "Steps", AXES),
            html.Div(log, className="histogram_log-field"),
            step_slider.layout("histogram-slider", "histogram-step-text", "histogram-placed"),
            zoomed,
        ],
        className="toolbar",
    )


def _compare_with(query: Mapping[str, str]) -> html.Div:
    select = dmc.Select(
        id={"query": "histogram_with"},
        data=[],
        value=query["histogram_with"] or None,
        clearable=True,
        searchable=True,
        placeholder="The oldest run shown",
        size="xs",
        w=210,
        **aria(label="Compare with"),
    )
    words = "A run: each tag with that run's; a tag: each tag with that one of the same run"
    return html.Div([html.Span("with"), select], className="toolbar-field histogram_with-field", title=words)
