"""The HParams page: what the hyper-parameters of runs did to a metric."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import dash_mantine_components as dmc
from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html, no_update
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ...storage.errors import BadFilter, MissingExtra
from ..components import aria
from ..importance import importance
from ..query import value
from ..run_columns import columns
from ..trial_figures import COLORS, MOST_DRAWN, bars, matrix, parallel
from ..trials import MAX_TRIALS, Trials, read_trials, scale, to_csv, to_latex

if TYPE_CHECKING:
    from dash.development.base_component import Component

    from ...storage import Store

PATH = "/hparams"
TITLE = "HParams"
QUERY: Mapping[str, str] = {
    "trial_view": "parallel",
    "trial_tag": "",
    "trial_summary": "last",
    "trial_scale": "auto",
    "trial_colors": COLORS[0],
    "where": "",
}
VIEWS = (
    ("parallel", "Parallel"),
    ("matrix", "Scatter matrix"),
    ("importance", "Importance"),
    ("table", "Table"),
)
SUMMARIES = (("last", "last"), ("min", "minimum"), ("max", "maximum"), ("mean", "mean"))
SCALES = (("auto", "Auto"), ("linear", "Linear"), ("log", "Log"))
MOST_ROWS = 500
_CONFIG: Any = {"displaylogo": False, "responsive": True, "displayModeBar": False}


def layout(store: Store, query: Mapping[str, str]) -> Component:
    project = query.get("project") or next(iter(store.projects()), None)
    tags = columns(store, project)["tags"]
    chosen = query["trial_tag"] if query["trial_tag"] in tags else next(iter(tags), "")
    return html.Div(
        [
            html.Div(_tools(query, tags, chosen), className="toolbar", role="toolbar"),
            html.Div(html.P("Loading…", className="notice"), id="trials"),
            html.Div(id="trials-clicked", hidden=True),
        ]
    )


def _tools(query: Mapping[str, str], tags: Sequence[str], chosen: str) -> list[Component]:
    def choice(key: str, label: str, options: Sequence[tuple[str, str]], shown: str) -> Component:
        data = [{"value": name, "label": text} for name, text in options]
        given = shown if shown in dict(options) else options[0][0] if options else None
        control = dmc.Select(
            id={"query": key},
            data=data,
            value=given,
            size="xs",
            allowDeselect=False,
            searchable=len(data) > 12,
            className="trial-choice",
            **aria(label=label),
        )
        return html.Div([html.Span(label), control], className="toolbar-field")

    views = dmc.SegmentedControl(
        id={"query": "trial_view"},
        data=[{"value": name, "label": text} for name, text in VIEWS],
        value=query["trial_view"] if query["trial_view"] in dict(VIEWS) else VIEWS[0][0],
        size="xs",
        transitionDuration=0,
        **aria(label="View"),
    )
    find = dmc.TextInput(
        id={"query": "where"},
        value=query["where"],
        placeholder="Filter runs: config.lr < 1e-2",
        debounce=300,
        size="xs",
        className="filter",
        **aria(label="Filter runs"),
    )
    links = [
        html.A(name, id=f"trials-{kind}", href="#", className="quiet-button", download=f"trials.{kind}")
        for kind, name in (("csv", "CSV"), ("tex", "LaTeX"))
    ]
    return [
        views,
        choice("trial_tag", "Metric", [(tag, tag) for tag in tags], chosen),
        choice("trial_summary", "of it", SUMMARIES, query["trial_summary"]),
        choice("trial_scale", "Scales", SCALES, query["trial_scale"]),
        choice("trial_colors", "Colours", [(name, name) for name in COLORS], query["trial_colors"]),
        find,
        *links,
    ]


def register(app: Dash, store: Store) -> None:
    """Draw what is chosen; a point that is clicked leads to its run."""

    @app.callback(
        Output("trials", "children"),
        Output("trials-csv", "href"),
        Output("trials-tex", "href"),
        Input({"query": "trial_view"}, "value"),
        Input({"query": "trial_tag"}, "value"),
        Input({"query": "trial_summary"}, "value"),
        Input({"query": "trial_scale"}, "value"),
        Input({"query": "trial_colors"}, "value"),
        Input({"query": "where"}, "value"),
        Input("theme", "data"),
        Input("shown", "data"),
        State("query", "data"),
    )
    def draw(
        view: str,
        tag: str | None,
        summary: str,
        kind: str,
        colors: str,
        where: str,
        theme: str,
        _: Any,
        query: Any,
    ) -> Any:
        project = value(query, "project", "") or next(iter(store.projects()), None)
        metric = f"{summary}.{tag}" if tag else ""
        try:
            trials = read_trials(store, project, where or "", metric)
        except BadFilter as error:
            problem = html.P(str(error), role="alert", className="filter-problem")
            return problem, no_update, no_update
        links = [_address(kind, project, where or "", metric) for kind in ("csv", "tex")]
        return _drawn(view, trials, kind, colors, theme), *links

    app.clientside_callback(
        ClientsideFunction("trainboard_trials", "open_run"),
        Output("trials-clicked", "children"),
        Input("trial-figure", "clickData"),
        prevent_initial_call=True,
    )


def routes(store: Store) -> list[BaseRoute]:
    async def export(request: Request) -> Response:
        """``?project=P&where=FILTER&metric=COLUMN``: the trials as CSV or LaTeX."""
        asked = request.query_params
        told = [asked.get(name, "") for name in ("where", "metric")]
        trials = await asyncio.to_thread(read_trials, store, asked.get("project") or None, *told)
        is_csv = request.path_params["kind"] == "csv"
        written = to_csv(trials) if is_csv else to_latex(trials)
        return Response(written, media_type="text/csv" if is_csv else "application/x-tex")

    return [Route("/api/v1/trials.{kind:str}", export)]


def _address(kind: str, project: str | None, where: str, metric: str) -> str:
    return f"/api/v1/trials.{kind}?" + urlencode({"project": project or "", "where": where, "metric": metric})


def _drawn(view: str, trials: Trials, kind: str, colors: str, theme: str) -> Any:
    told = int((trials.values == trials.values).sum())
    if not trials.keys or not told:
        return _nothing(trials, told)
    said = [f"{told} of {trials.total:,} runs have a value."]
    if trials.total > MAX_TRIALS:
        said.append(f"Only the newest {MAX_TRIALS:,} are looked at.")
    if view == "importance":
        return _importance(trials, theme, said)
    if view == "table":
        return html.Div([html.P(" ".join(said), className="quiet"), _table(trials)], className="trial-body")
    if view == "matrix":
        drawn = _graph(matrix(trials, kind, colors, theme), id="trial-figure")
    else:
        drawn = _graph(parallel(trials, kind, colors, theme), id="trial-figure")
    said.append("Click a point to open its run.")
    if told > MOST_DRAWN:
        said.append(f"The newest {MOST_DRAWN} are drawn.")
    return html.Div([html.P(" ".join(said), className="quiet"), drawn], className="trial-body")


def _graph(drawn: dict[str, Any], **more: Any) -> Component:
    return dcc.Graph(figure=drawn, config=_CONFIG, className="trial-figure", **more)


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
    parts.append(_graph(bars(found, theme)))
    return html.Div(parts, className="trial-body")


def _table(trials: Trials) -> Component:
    heads = ["Run", *trials.keys, trials.metric]
    order = trials.values.argsort(kind="stable")[:MOST_ROWS]
    rows = []
    for at in order:
        swatch = html.Span(className="swatch", style={"background": trials.colors[at]})
        name = html.A([swatch, trials.names[at]], href=f"/runs?run={trials.ids[at]}")
        cells = [html.Td(_written(cell)) for cell in (*trials.configs[at], float(trials.values[at]))]
        rows.append(html.Tr([html.Th(name, scope="row"), *cells]))
    head = html.Thead(html.Tr([html.Th(head, scope="col") for head in heads]))
    return html.Div(
        html.Table([head, html.Tbody(rows)], className="grid"), className="scrolled", tabIndex="0"
    )


def _written(cell: Any) -> str:
    if cell is None or cell != cell:
        return "–"
    return f"{cell:.4g}" if isinstance(cell, float) else str(cell)


def _nothing(trials: Trials, told: int) -> Component:
    if not trials.ids:
        title, why = "No runs", "No run of this project matches the filter."
    elif not told:
        title, why = "No values", "None of these runs has a finite value of this metric yet."
    else:
        title = "Nothing varies"
        why = "These runs have the same config. Give them theirs: tb.init(config={'lr': 0.1})."
    return html.Div([html.H2(title), html.P(why)], className="notice")
