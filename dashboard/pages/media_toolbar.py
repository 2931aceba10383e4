"""What is above the sections of the Media page: how pictures are shown, which steps, and searching texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dash import html

from .. import mantine as dmc

QUERY: Mapping[str, str] = {
    "media_size": "medium",
    "media_filter": "",
    "media_search": "",
    "media_view": "step",
    "media_link": "0",
    "media_step": "",
    "media_brightness": "100",
    "media_contrast": "100",
    "media_hide": "",
}
SIZES = (("small", "Small"), ("medium", "Medium"), ("large", "Large"), ("actual", "Actual"))
VIEWS = (("step", "One step"), ("grid", "Runs × steps"))


def toolbar(query: Mapping[str, str]) -> html.Div:
    """The toolbar; everything in it is kept in the address."""
    link = dmc.Checkbox(
        id={"query": "media_link"}, label="Link steps", checked=query["media_link"] == "1", size="xs"
    )
    return html.Div(
        [
            _field("media_filter", "Filter by name", "Those whose name contains this", query),
            _field("media_search", "Search texts", "Texts of any step that contain this", query),
            _choice("media_view", "Show", VIEWS, query),
            _choice("media_size", "Size", SIZES, query),
            html.Div(link, title="One slider moves all"),
            _level("media_brightness", "Brightness", 200, query),
            _level("media_contrast", "Contrast", 500, query),
            html.Button("Reset", id="media-levels", className="quiet-button", title="Pictures as they are"),
        ],
        className="toolbar",
    )


def _field(key: str, placeholder: str, title: str, query: Mapping[str, str]) -> html.Label:
    field = dmc.TextInput(
        id={"query": key},
        value=query[key],
        placeholder=placeholder,
        debounce=200,
        size="xs",
        className="filter",
    )
    return html.Label(field, title=title)


def _choice(key: str, label: str, options: Sequence[tuple[str, str]], query: Mapping[str, str]) -> html.Div:
    data = [{"value": value, "label": text} for value, text in options]
    control = dmc.SegmentedControl(id={"query": key}, data=data, value=query[key], size="xs")
    return html.Div([html.Span(label), control], className="toolbar-field")


def _level(key: str, label: str, most: int, query: Mapping[str, str]) -> html.Div:
    value = int(query[key]) if query[key].isascii() and query[key].isdecimal() else 100
    slider = dmc.Slider(
        id={"query": key},
        min=0,
        max=most,
        value=min(value, most),
        step=5,
        size="sm",
        label=None,
        updatemode="drag",
        thumbLabel=label,
        className="level-slider",
    )
    return html.Div([html.Span(label), slider], className="toolbar-field")
