"""The controls of the Charts page. Each keeps its value in the address, under the key of its id."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dash import html

from .. import mantine as dmc
from ..components import aria

if TYPE_CHECKING:
    from dash.development.base_component import Component

Choices = Sequence[tuple[str, str]]

MAX_SMOOTHING = 0.999
KINDS: Choices = [("scalar", "Scalars"), ("histogram", "Histograms"), ("image", "Images")]
AXES: Choices = [("step", "Step"), ("relative", "Relative"), ("wall", "Time")]
SCALES: Choices = [("linear", "Linear"), ("log", "Log"), ("symlog", "Symlog")]
SMOOTHINGS: Choices = [
    ("average", "Average"),
    ("distance", "Average by distance"),
    ("mean", "Moving mean"),
    ("median", "Median"),
    ("gaussian", "Gaussian"),
]
RANKS: Choices = [("mean", "Mean"), ("min", "Min"), ("max", "Max"), ("sum", "Sum"), ("each", "Each")]
BEST: Choices = [("", "Off"), ("min", "Lowest"), ("max", "Highest")]
ORDERS: Choices = [
    ("nearest", "Nearest first"),
    ("name", "By name"),
    ("ascending", "Lowest first"),
    ("descending", "Highest first"),
]
RESTARTS: Choices = [("", "Joined"), ("split", "Split"), ("newest", "Newest")]
STATISTICS: Choices = [("mean", "Mean"), ("median", "Median")]
BANDS: Choices = [
    ("std", "Standard deviation"),
    ("sem", "Standard error"),
    ("bootstrap", "95 % bootstrap"),
    ("minmax", "Min and max"),
    ("runs", "Every run, faint"),
]
_LIMIT = 25
_HOW_TO_GROUP = "group, config:lr, but:seed, regex:(.*)-s"
_HOW_TO_COLOR = "scale:lr, group, config:lr, regex:(.*)-s"


def toolbar(query: Mapping[str, str]) -> Component:
    """What is used all the time in one line, all else behind "View"."""
    return html.Div(
        [
            _tags(
                "filter",
                "Filter charts",
                "Filter charts: text or regular expression",
                query,
                "filter chart-filter",
            ),
            html.Div(
                [
                    _select("smoothing_kind", "Kind of smoothing", SMOOTHINGS, query, 124),
                    _smoothing(query["smoothing"]),
                    _weight(query["smoothing"]),
                    html.Output(id="smoothing-reach"),
                ],
                className="toolbar-field",
            ),
            _field("X axis", _segments("axis", "X axis", AXES, query)),
            _field("Y", _segments("yscale", "Y scale", SCALES, query)),
            _field(
                "Ranks",
                _segments(
                    "ranks",
                    "What to show of several ranks: the mean between the extremes, or another view",
                    RANKS,
                    query,
                ),
                "ranks-field",
            ),
            html.Button("New chart", id="new-chart", title="Several tags on one chart (n)"),
            html.Button("Layout", id="edit-layout", title="Charts in an order of your own, as TensorBoard's"),
            html.Details(
                [html.Summary("View", title="More about how charts look (v)"), _view(query)],
                id="chart-view",
            ),
        ],
        className="toolbar",
        role="toolbar",
        **aria(label="Charts"),
    )


def _view(query: Mapping[str, str]) -> Component:
    return html.Div(
        [
            _row("Cards of", _kinds(query["kinds"])),
            _row("X scale", _segments("xscale", "X scale", SCALES, query)),
            _row("X axis of a tag", _tags("x_tag", "X axis of a tag", "tokens, epoch, …", query)),
            _row(
                "Outliers", _switch("outliers", "Ignore them", "Fit y to the 5th to 95th percentile", query)
            ),
            _row("Best value", _segments("best", "Best value", BEST, query)),
            _row("Restarts", _segments("restarts", "Runs that were restarted", RESTARTS, query)),
            _row("Marks", _switch("marks", "Events and restarts", "Draw a line where they happened", query)),
            _row("Difference to", html.Div(id="baseline-field")),
            _row("Step tables", html.Div(id="steps-field")),
            _row("Config in tables", html.Div(id="config-field")),
            _row("Group runs", _text("groups", "Group runs", _HOW_TO_GROUP, query)),
            _problem("groups"),
            _row(
                "Group line",
                html.Div(
                    [
                        _segments("statistic", "Group line", STATISTICS, query),
                        _select("band", "Band of a group", BANDS, query, 170),
                    ],
                    className="toolbar-field",
                ),
            ),
            _row("Colour runs", _text("color", "Colour runs", _HOW_TO_COLOR, query)),
            _problem("color"),
            _row("Tooltip", _select("tooltip", "Order of the tooltip", ORDERS, query, 150)),
            _row("Card width", _card_width(query["card_width"])),
            html.Button(
                "Save as a web page",
                id="save-report",
                title="The charts of all open sections, to open offline",
            ),
            html.P(id="report-status", role="status"),
        ],
        className="view-panel",
    )


def _field(label: str, control: Component, name: str = "") -> html.Div:
    return html.Div([label, control], className=f"toolbar-field {name}".strip())


def _row(label: str, control: Component) -> html.Div:
    return html.Div([html.Span(label), control], className="view-row")


def _problem(key: str) -> html.P:
    """What is wrong with the text of a field, where it does not do."""
    return html.P(id=f"{key}-problem", className="field-problem", role="alert")


def _chosen(key: str, choices: Choices, query: Mapping[str, str]) -> str:
    return query[key] if query[key] in dict(choices) else choices[0][0]


def _options(choices: Choices) -> list[dict[str, str]]:
    return [{"value": value, "label": label} for value, label in choices]


def _segments(key: str, label: str, choices: Choices, query: Mapping[str, str]) -> Component:
    return dmc.SegmentedControl(
        id={"query": key},
        value=_chosen(key, choices, query),
        data=_options(choices),
        size="xs",
        transitionDuration=0,
        **aria(label=label),
    )


def _select(key: str, label: str, choices: Choices, query: Mapping[str, str], width: int) -> Component:
    return dmc.Select(
        id={"query": key},
        value=_chosen(key, choices, query),
        data=_options(choices),
        allowDeselect=False,
        size="xs",
        w=width,
        **aria(label=label),
    )


def _tags(key: str, label: str, hint: str, query: Mapping[str, str], name: str = "") -> Component:
    """A text that completes to a tag; the page offers the tags there are."""
    return dmc.Autocomplete(
        id={"query": key},
        value=query[key],
        data=[],
        limit=_LIMIT,
        placeholder=hint,
        debounce=150,
        size="xs",
        className=name,
        **aria(label=label),
    )


def _text(key: str, label: str, hint: str, query: Mapping[str, str]) -> Component:
    described: Any = aria(label=label, describedby=f"{key}-problem")
    return dmc.TextInput(
        id={"query": key}, value=query[key], placeholder=hint, debounce=400, size="xs", **described
    )


def _switch(key: str, label: str, description: str, query: Mapping[str, str]) -> Component:
    box = dmc.Checkbox(id={"query": key}, checked=query[key] == "1", label=label, size="xs")
    return html.Div(box, title=description)


def _number(text: str, default: float) -> float:
    try:
        return float(text)
    except ValueError:
        return default


def _kinds(chosen: str) -> Component:
    boxes = [dmc.Checkbox(value=value, label=label, size="xs") for value, label in KINDS]
    return dmc.CheckboxGroup(
        dmc.Group(boxes, gap=12), id={"query": "kinds"}, value=chosen.split(","), **aria(label="Cards of")
    )


def _smoothing(chosen: str) -> Component:
    return dmc.Slider(
        id={"query": "smoothing"},
        value=_smoothing_of(chosen),
        min=0,
        max=MAX_SMOOTHING,
        step=0.01,
        size="sm",
        w=90,
        updatemode="drag",
        persistence=False,
        thumbSize=14,
        label=None,
        thumbLabel="Smoothing",
    )


def _weight(chosen: str) -> Component:
    """The same number to type, which a slider is too short for."""
    return dmc.NumberInput(
        id="smoothing-weight",
        value=_smoothing_of(chosen),
        min=0,
        max=MAX_SMOOTHING,
        step=0.01,
        decimalScale=4,
        clampBehavior="strict",
        hideControls=True,
        debounce=300,
        size="xs",
        w=52,
        **aria(label="Smoothing weight"),
    )


def _smoothing_of(chosen: str) -> float:
    return min(max(_number(chosen, 0.0), 0.0), MAX_SMOOTHING)


def _card_width(chosen: str) -> Component:
    return dmc.Slider(
        id={"query": "card_width"},
        value=min(max(_number(chosen, 264), 200), 800),
        min=200,
        max=800,
        step=20,
        size="sm",
        w=180,
        updatemode="drag",
        persistence=False,
        thumbSize=14,
        label=None,
        thumbLabel="Card width",
    )
