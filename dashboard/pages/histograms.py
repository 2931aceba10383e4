"""The Histograms page: how weights, gradients and anything else are distributed, step by step.

The cards are laid out once for the tags and runs shown; a card's figure is read and sent only while the
card is in view, and only when something it shows has changed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dash import ALL, ClientsideFunction, Dash, Input, Output, State, dcc, html, no_update, set_props

from ..holders import holding
from ..merged_histograms import MergedHistograms
from . import step_slider
from .histogram_figures import Asked, Figures
from .histogram_grid import KINDS, Cell, arrange, comparable, draw_grid
from .histogram_toolbar import QUERY, VIEWS, toolbar

if TYPE_CHECKING:
    from starlette.routing import BaseRoute

    from ...storage import SeriesRecord, Store

__all__ = ["PATH", "QUERY", "TITLE", "layout", "register", "routes"]

PATH = "/histograms"
TITLE = "Histograms"
KEY = "h"
MAX_RUNS = 12


def layout(store: Store, query: Mapping[str, str]) -> html.Div:
    """The page: a toolbar, and the cards in sections by layer."""
    return html.Div(
        [
            dcc.Store(id="in-view", data=[]),
            dcc.Store(id="histogram-drawn", data={}),
            dcc.Store(id="histogram-layout"),
            dcc.Store(id="histogram-left", data=0),
            dcc.Store(id="histogram-again", data=0),
            dcc.Input(id={"query": "histogram_step"}, type="hidden", value=query["histogram_step"]),
            dcc.Input(id={"query": "histogram_window"}, type="hidden", value=query["histogram_window"]),
            toolbar(query),
            html.Div(id="histogram-grid"),
        ],
        id="histogram-page",
        className="histogram-page",
    )


def register(app: Dash, store: Store) -> None:
    """The page's callbacks."""
    merged = MergedHistograms(store)
    _register_grid(app, store)
    _register_steps(app, store, merged)
    _register_window(app)
    _register_figures(app, store, merged)


def routes(store: Store) -> list[BaseRoute]:
    return []


def _runs(store: Store, shown: Sequence[Mapping[str, str]] | None) -> list[Mapping[str, str]]:
    """The runs that the page draws."""
    return holding(store, shown or [], KINDS)[:MAX_RUNS]


def _series(store: Store, runs: Sequence[Mapping[str, str]]) -> list[SeriesRecord]:
    return store.series([run["id"] for run in runs], kind="histogram") if runs else []


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
        held = holding(store, shown, KINDS)
        runs = held[:MAX_RUNS]
        series = _series(store, runs)
        sections = arrange(series, runs, view, text or "")
        signature = json.dumps([[cell.key for cell in section.cells] for section in sections])
        if signature == before:
            return no_update, no_update, no_update
        set_props({"query": "histogram_with"}, {"data": comparable(series, runs)})
        return draw_grid(sections, runs, bool(series), len(held)), signature, {}

    app.clientside_callback(
        ClientsideFunction("trainboard_view", "watch"),
        Output("histogram-grid", "className"),
        Input("histogram-layout", "data"),
        State("histogram-grid", "id"),
    )


def _register_steps(app: Dash, store: Store, merged: MergedHistograms) -> None:
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
        steps = _steps(_series(store, _runs(store, shown)), merged)
        placed, words = step_slider.place(steps, _number(pinned))
        return (no_update, no_update) if placed == before else (words, placed)

    app.clientside_callback(
        ClientsideFunction("trainboard_steps", "placeFromAddress"),
        Output("histogram-slider", "max"),
        Output("histogram-slider", "value"),
        Output("histogram-slider", "disabled"),
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


def _register_window(app: Dash) -> None:
    """A zoom along the steps is one for all cards, and kept in the address."""
    app.clientside_callback(
        ClientsideFunction("trainboard_histograms", "zoom"),
        Output("histogram-grid", "data-zoomed"),
        Input({"type": "histogram-figure", "card": ALL}, "relayoutData"),
        State({"query": "histogram_view"}, "value"),
        State({"query": "histogram_window"}, "value"),
        prevent_initial_call=True,
    )
    app.clientside_callback(
        ClientsideFunction("trainboard_histograms", "allSteps"),
        Output("histogram-all-steps", "title"),
        Input("histogram-all-steps", "n_clicks"),
        Input({"query": "histogram_axis"}, "value"),
        prevent_initial_call=True,
    )
    app.clientside_callback(
        ClientsideFunction("trainboard_histograms", "mark"),
        Output("histogram-page", "className"),
        Input({"query": "histogram_view"}, "value"),
        Input({"query": "histogram_window"}, "value"),
    )
    app.clientside_callback(
        ClientsideFunction("trainboard_histograms", "goOn"),
        Output("histogram-left", "id"),
        Input("histogram-left", "data"),
        State("histogram-left", "id"),
        prevent_initial_call=True,
    )


def _register_figures(app: Dash, store: Store, merged: MergedHistograms) -> None:
    @app.callback(
        Output("histogram-drawn", "data", allow_duplicate=True),
        Output("histogram-left", "data"),
        Input("in-view", "data"),
        Input("histogram-layout", "data"),
        Input("tick", "data"),
        Input("histogram-again", "data"),
        Input("theme", "data"),
        Input({"query": "histogram_view"}, "value"),
        Input({"query": "histogram_scale"}, "value"),
        Input({"query": "histogram_log"}, "checked"),
        Input({"query": "histogram_step"}, "value"),
        Input({"query": "histogram_axis"}, "value"),
        Input({"query": "histogram_window"}, "value"),
        Input({"query": "histogram_with"}, "value"),
        State("histogram-drawn", "data"),
        State("histogram-left", "data"),
        State("shown", "data"),
        prevent_initial_call=True,
    )
    def draw(
        in_view: Any, _: Any, _tick: int, _again: int, theme: str, view: str, scale: str, log: bool,
        step: str, axis: str, window: str, compared: str | None, drawn: dict[str, str], left: int, shown: Any,
    ) -> Any:  # fmt: skip
        """Send the figures in view whose data or look have changed."""
        cells = [Cell.from_id(one) for one in in_view or [] if one.get("type") == "histogram-card"]
        runs = {run["id"]: run for run in _runs(store, shown)}
        held = {(one.run_id, one.tag): one for one in _series(store, list(runs.values()))} if cells else {}
        chosen = view if view in dict(VIEWS) else "ridge"
        asked = Asked(
            theme, chosen, scale, bool(log), _number(step), axis or "step", window or "", compared or ""
        )
        figures = Figures(merged, runs, held, asked, dict(drawn or {}))
        for cell in cells:
            figures.send(cell)
        now = no_update if figures.drawn == drawn else figures.drawn
        return now, no_update if figures.is_done else (left or 0) + 1


def _steps(series: Sequence[SeriesRecord], merged: MergedHistograms) -> list[int]:
    """The steps at which the longest histogram series of each run was logged, of very many an even spread."""
    longest: dict[str, SeriesRecord] = {}
    for one in series:
        if one.run_id not in longest or one.count > longest[one.run_id].count:
            longest[one.run_id] = one
    steps: set[int] = set()
    for one in longest.values():
        steps.update(merged.steps(one).tolist())
    return step_slider.spread(sorted(steps))


def _number(text: str | None) -> int | None:
    try:
        return int(text or "")
    except ValueError:
        return None
