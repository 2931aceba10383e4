"""The Histograms page: how weights, gradients and anything else are distributed, step by step.

The cards are laid out once for the tags and runs shown; a card's figure is read and sent only while the
card is in view, and only when something it shows has changed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import dash_mantine_components as dmc
from dash import ClientsideFunction, Dash, Input, Output, Patch, State, dcc, html, no_update, set_props

from ...storage.errors import TrainboardError
from ..cards import histogram as card
from . import step_slider
from .histogram_grid import Cell, arrange, draw_grid

if TYPE_CHECKING:
    from starlette.routing import BaseRoute

    from ...storage import Store

PATH = "/histograms"
TITLE = "Histograms"
QUERY: Mapping[str, str] = {
    "histogram_view": "ridge",
    "histogram_scale": "linear",
    "histogram_log": "0",
    "histogram_step": "",
    "histogram_filter": "",
}
VIEWS = (("ridge", "Ridges"), ("heat", "Heat map"), ("bands", "Quantiles"), ("overlay", "One step"))
SCALES = (("linear", "Linear"), ("symlog", "Log"))
MAX_RUNS = 12


def layout(store: Store, query: Mapping[str, str]) -> html.Div:
    """The page: a toolbar, and the cards in sections by layer."""
    return html.Div(
        [
            dcc.Store(id="in-view", data=[]),
            dcc.Store(id="histogram-drawn", data={}),
            dcc.Store(id="histogram-layout"),
            dcc.Input(id={"query": "histogram_step"}, type="hidden", value=query["histogram_step"]),
            _toolbar(query),
            html.Div(id="histogram-grid"),
        ],
        className="histogram-page",
    )


def register(app: Dash, store: Store) -> None:
    """The page's callbacks."""
    _register_grid(app, store)
    _register_steps(app, store)
    _register_figures(app, store)


def routes(store: Store) -> list[BaseRoute]:
    return []


def _toolbar(query: Mapping[str, str]) -> html.Div:
    def choice(key: str, label: str, options: Sequence[tuple[str, str]]) -> html.Div:
        data = [{"value": value, "label": text} for value, text in options]
        control = dmc.SegmentedControl(id={"query": key}, data=data, value=query[key], size="xs")
        return html.Div([html.Span(label), control], className="toolbar-field")

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
    return html.Div(
        [
            html.Label(find, title="Layers whose name contains this"),
            choice("histogram_view", "View", VIEWS),
            choice("histogram_scale", "Values", SCALES),
            html.Div(log, title="For the heat map and one step"),
            step_slider.layout("histogram-slider", "histogram-step-text", "histogram-placed"),
        ],
        className="toolbar",
    )


def _register_grid(app: Dash, store: Store) -> None:
    @app.callback(
        Output("histogram-grid", "children"),
        Output("histogram-layout", "data"),
        Output("histogram-drawn", "data"),
        Input("shown", "data"),
        Input("tick", "data"),
        Input({"query": "histogram_view"}, "value"),
        Input({"query": "histogram_filter"}, "value"),
        State("histogram-layout", "data"),
    )
    def lay_out(shown: Any, _: int, view: str, text: str | None, before: str | None) -> Any:
        """Lay the cards out anew when the tags or the runs have changed, and only then."""
        if shown is None:
            return no_update, no_update, no_update
        runs = shown[:MAX_RUNS]
        series = store.series([run["id"] for run in runs], kind="histogram") if runs else []
        sections = arrange(series, runs, view, text or "")
        signature = json.dumps([[cell.key for cell in section.cells] for section in sections])
        if signature == before:
            return no_update, no_update, no_update
        return draw_grid(sections, runs, bool(series), len(shown)), signature, {}

    app.clientside_callback(
        ClientsideFunction("trainboard_view", "watch"),
        Output("histogram-grid", "className"),
        Input("histogram-layout", "data"),
        State("histogram-grid", "id"),
    )


def _register_steps(app: Dash, store: Store) -> None:
    @app.callback(
        Output("histogram-step-text", "children"),
        Output("histogram-placed", "data"),
        Input("shown", "data"),
        Input("tick", "data"),
        Input({"query": "histogram_step"}, "value"),
        State("histogram-placed", "data"),
    )
    def follow(shown: Any, _: int, pinned: str, before: step_slider.Placed | None) -> Any:
        if shown is None:
            return no_update, no_update
        placed, words = step_slider.place(_steps(store, shown[:MAX_RUNS]), _number(pinned))
        return (no_update, no_update) if placed == before else (words, placed)

    app.clientside_callback(
        ClientsideFunction("trainboard_steps", "placeFromAddress"),
        Output("histogram-slider", "max"),
        Output("histogram-slider", "value"),
        Input("histogram-placed", "data"),
        State({"query": "histogram_step"}, "value"),
        State("histogram-slider", "value"),
    )

    app.clientside_callback(
        ClientsideFunction("trainboard_steps", "pinInAddress"),
        Output("histogram-slider", "className"),
        Input("histogram-slider", "value"),
        State("histogram-placed", "data"),
        State({"query": "histogram_step"}, "value"),
    )


def _register_figures(app: Dash, store: Store) -> None:
    @app.callback(
        Output("histogram-drawn", "data", allow_duplicate=True),
        Input("in-view", "data"),
        Input("histogram-layout", "data"),
        Input("tick", "data"),
        Input("theme", "data"),
        Input({"query": "histogram_view"}, "value"),
        Input({"query": "histogram_scale"}, "value"),
        Input({"query": "histogram_log"}, "checked"),
        Input({"query": "histogram_step"}, "value"),
        State("histogram-drawn", "data"),
        State("shown", "data"),
        prevent_initial_call=True,
    )
    def draw(
        in_view: Any, _: Any, _tick: int, theme: str, view: str, scale: str, log: bool, step: str,
        drawn: dict[str, str], shown: Any,
    ) -> Any:  # fmt: skip
        """Send the figures in view whose data or look have changed."""
        cells = [Cell.from_id(one) for one in in_view or [] if one.get("type") == "histogram-card"]
        runs = {run["id"]: run for run in shown or []}
        needed = sorted({run for cell in cells for run in cell.runs if run in runs})
        counts = {}
        for one in store.series(needed, kind="histogram") if needed else []:
            counts[one.run_id, one.tag] = one.count
        now = dict(drawn or {})
        for cell in cells:
            known = [[run, counts[run, cell.tag]] for run in cell.runs if (run, cell.tag) in counts]
            look = card.Look(theme, scale, bool(log), _number(step), f"{view} {scale} {log}")
            print_ = json.dumps([known, theme, view, scale, bool(log), step])
            if now.get(cell.key) == print_:
                continue
            is_update = _same_look(now.get(cell.key), print_)
            now[cell.key] = print_
            _send(store, cell, [runs[run] for run, _ in known], view, look, is_update)
        return no_update if now == drawn else now


def _send(
    store: Store, cell: Cell, runs: Sequence[Mapping[str, str]], view: str, look: card.Look, is_update: bool
) -> None:
    lines = []
    for run in runs:
        try:
            records = card.read(store, run["id"], cell.tag, view, look.step)
        except TrainboardError:
            continue
        lines.append(card.Line(run["name"], run["color"], records))
    figure = card.draw(lines, view, look)
    set_props(cell.id("histogram-figure"), {"figure": _without_zoom(figure) if is_update else figure})
    note = card.counters(card.marked(lines[0].records, look.step).value) if lines and lines[0].records else []
    set_props(cell.id("histogram-note"), {"children": _note(note)})


def _same_look(before: str | None, now: str) -> bool:
    """Whether two prints of a card differ in nothing but their numbers of records and the chosen step."""
    (known, *look, _), (new, *new_look, _) = json.loads(before or "[[], 0]"), json.loads(now)
    return look == new_look and [run for run, _ in known] == [run for run, _ in new]


def _without_zoom(figure: dict[str, Any]) -> Patch:
    """A figure as a change of the one before it, that leaves the axes' ranges to the person.

    ``dcc.Graph`` gives Plotly the axes it was sent, and Plotly writes a zoom into them; a whole new
    figure would then end the zoom, whatever its ``uirevision``.
    """
    patch = Patch()
    patch["data"] = figure["data"]
    patch["layout"]["shapes"] = figure["layout"].get("shapes", [])
    patch["layout"]["annotations"] = figure["layout"].get("annotations", [])
    for name in ("xaxis", "yaxis"):
        axis = figure["layout"][name]
        patch["layout"][name]["visible"] = axis.get("visible", True)
        for key in ("tickvals", "ticktext", *(["range"] if axis.get("fixedrange") else [])):
            if key in axis:
                patch["layout"][name][key] = axis[key]
    return patch


def _note(counters: Sequence[tuple[str, str]]) -> list[html.Span]:
    return [
        html.Span(
            f"{name}: {text}",
            className="" if name == "0" else "not-finite",
            title=f"Share or number of {name}",
        )
        for name, text in counters
    ]


def _steps(store: Store, runs: Sequence[Mapping[str, str]]) -> list[int]:
    """All steps at which the longest histogram series of each run was logged."""
    longest: dict[str, Any] = {}
    for one in store.series([run["id"] for run in runs], kind="histogram") if runs else []:
        if one.run_id not in longest or one.count > longest[one.run_id].count:
            longest[one.run_id] = one
    steps: set[int] = set()
    for run_id, one in longest.items():
        steps.update(store.record_index(run_id, one.tag, "histogram", rank=one.rank)[0].tolist())
    return sorted(steps)


def _number(text: str | None) -> int | None:
    try:
        return int(text or "")
    except ValueError:
        return None
