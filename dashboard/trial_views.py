"""Trials as the HParams page shows them: a figure, importance, a table, or why there is nothing to show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dash import dcc, html

from ..storage.errors import MissingExtra
from .components import TrialTable
from .importance import importance
from .trial_figures import MOST_DIMENSIONS, MOST_DRAWN, MOST_MATRIX, bars, matrix, parallel
from .trials import MAX_TRIALS, Trials, scale

if TYPE_CHECKING:
    from dash.development.base_component import Component

_BAR, _MARGINS = 28, 60
_CONFIG: Any = {"displaylogo": False, "responsive": True, "displayModeBar": False}


def drawn(trials: Trials, view: str, kind: str, colors: str, by: str, theme: str) -> Component:
    """Trials in one of the views: "parallel", "matrix", "importance" or "table"."""
    told = int((trials.values == trials.values).sum())
    if not trials.keys or not told:
        return _nothing(trials, told)
    said = [f"{told} of {trials.total:,} runs have a value."]
    if trials.total > MAX_TRIALS:
        said.append(f"Only the newest {MAX_TRIALS:,} are looked at.")
    if view == "importance":
        return _importance(trials, theme, said)
    if view == "table":
        if len(trials.keys) < trials.varied:
            said.append(f"{len(trials.keys)} of {trials.varied} hyper-parameters are shown: choose others.")
        return html.Div([html.P(" ".join(said), className="quiet"), _table(trials)], className="trial-body")
    draw, most = (matrix, MOST_MATRIX) if view == "matrix" else (parallel, MOST_DIMENSIONS)
    said.append("Drag over values to see only these; click a point to open its run.")
    if told > MOST_DRAWN:
        said.append(f"The newest {MOST_DRAWN} are drawn.")
    if len(trials.keys) >= most:
        said.append(f"{most - 1} of {trials.varied} hyper-parameters are drawn: choose others.")
    axes = min(len(trials.keys) + 1, most)
    graph = _graph(draw(trials, kind, colors, by, theme), {"--axes": axes}, id="trial-figure")
    return html.Div([html.P(" ".join(said), className="quiet"), graph], className="trial-body")


def _graph(drawn: dict[str, Any], style: dict[str, Any], **more: Any) -> Component:
    graph = dcc.Graph(figure=drawn, config=_CONFIG, responsive=True, style={"height": "100%"}, **more)
    return html.Div(graph, className="trial-figure", style=style)


def _importance(trials: Trials, theme: str, said: list[str]) -> Component:
    places = [scale(trials.column(key)).places for key in trials.keys]
    try:
        found = importance(trials.keys, places, trials.values)
    except MissingExtra as error:
        return html.Div([html.H2("Importance is not available"), html.P(str(error))], className="notice")
    if not found.keys:
        return html.Div([html.H2("Too little data"), html.P(found.problem)], className="notice")
    said.append(f"A random forest explains R² = {found.score:.2f} of runs it was not fitted to.")
    parts: list[Any] = [html.P(" ".join(said), className="quiet")]
    if found.problem:
        parts.append(html.P(found.problem, role="alert", className="filter-problem"))
    height = f"{_MARGINS + _BAR * len(found.keys)}px"
    parts.append(html.Div(_graph(bars(found, theme), {"height": height}), className="trial-bars"))
    return html.Div(parts, className="trial-body")


def _table(trials: Trials) -> Component:
    each = zip(trials.ids, trials.names, trials.colors, trials.rows(), strict=True)
    rows = [{"id": run, "name": name, "color": color, "cells": cells} for run, name, color, cells in each]
    return TrialTable(heads=trials.heads, rows=rows, keys=len(trials.keys))


def _nothing(trials: Trials, told: int) -> Component:
    if not trials.ids:
        title, why = "No runs", "No run of this project matches the filter."
    elif not told:
        title, why = "No values", "None of these runs has a finite value of this metric yet."
    else:
        title = "Nothing varies"
        why = "These runs have the same config. Give them theirs: tb.init(config={'lr': 0.1})."
    return html.Div([html.H2(title), html.P(why)], className="notice")
