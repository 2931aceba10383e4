"""The HParams page: what the hyper-parameters of runs did to a metric."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from dash import ClientsideFunction, Dash, Input, Output, State, ctx, dcc, html, no_update
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ...storage.errors import BadFilter
from .. import mantine as dmc
from ..components import aria
from ..query import value
from ..run_columns import columns
from ..sessions import tags_below
from ..trial_figures import COLORS
from ..trial_views import drawn
from ..trials import MAX_BESIDE, read_trials, to_csv, to_json, to_latex

if TYPE_CHECKING:
    from dash.development.base_component import Component

    from ...storage import Store

PATH = "/hparams"
TITLE = "HParams"
KEY = "y"
QUERY: Mapping[str, str] = {
    "trial_view": "parallel",
    "trial_tag": "",
    "trial_summary": "last",
    "trial_scale": "auto",
    "trial_colors": COLORS[0],
    "trial_color_by": "metric",
    "trial_sort": "",
    "trial_keys": "",
    "trial_beside": "",
    "where": "",
}
VIEWS = (
    ("parallel", "Parallel"),
    ("matrix", "Scatter matrix"),
    ("importance", "Importance"),
    ("table", "Table"),
)
SUMMARIES = (("last", "last"), ("min", "minimum"), ("max", "maximum"), ("mean", "mean"))
SCALES = (("auto", "Auto"), ("linear", "Linear"), ("log", "Log"), ("quantile", "Quantile"))
_OFFERED = 100
FILES = {
    "csv": ("CSV", to_csv, "text/csv"),
    "json": ("JSON", to_json, "application/json"),
    "tex": ("LaTeX", to_latex, "application/x-tex"),
}


def layout(store: Store, query: Mapping[str, str]) -> Component:
    project = query.get("project") or next(iter(store.projects()), None)
    known = columns(store, project)
    below = tags_below(store, project)
    tags = [*below, *known["tags"]]
    chosen = query["trial_tag"] if query["trial_tag"] in tags else next(iter(below), known["metric"])
    return html.Div(
        [
            html.Div(_tools(query, tags, chosen, known["config"]), className="toolbar", role="toolbar"),
            html.P(id="trials-problem", role="alert", className="filter-problem"),
            html.Div(html.P("Loading…", className="notice"), id="trials"),
            html.Div(id="trials-clicked", hidden=True),
            dcc.Store(id="trials-drawn"),
            dcc.Store(id="trials-tick", data=0),
        ]
    )


def _tools(
    query: Mapping[str, str], tags: Sequence[str], chosen: str, keys: Sequence[str]
) -> list[Component]:
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
        className="filter trial-filter",
        **aria(label="Filter runs"),
    )
    listed = dmc.MultiSelect(
        id={"query": "trial_keys"},
        data=[key for key in keys if key],
        value=[key for key in query["trial_keys"].split(",") if key and key in keys],
        placeholder="Hyper-parameters: all that vary",
        size="xs",
        searchable=True,
        clearable=True,
        className="trial-keys",
        **aria(label="Hyper-parameters"),
    )
    beside = dmc.MultiSelect(
        id={"query": "trial_beside"},
        data=list(tags),
        value=[tag for tag in query["trial_beside"].split(",") if tag in tags],
        placeholder="More metrics",
        size="xs",
        searchable=True,
        clearable=True,
        limit=_OFFERED,
        maxValues=MAX_BESIDE,
        className="trial-keys trial-beside",
        **aria(label="Further metrics"),
    )
    links = [
        html.A(name, id=f"trials-{kind}", href="#", className="quiet-button", download=f"trials.{kind}")
        for kind, (name, *_) in FILES.items()
    ]
    colored = [("metric", "The metric"), *((f"config.{key}", key) for key in keys if key)]
    return [
        views,
        choice("trial_tag", "Metric", [(tag, tag) for tag in tags], chosen),
        choice("trial_summary", "Value", SUMMARIES, query["trial_summary"]),
        choice("trial_scale", "Scales", SCALES, query["trial_scale"]),
        choice("trial_colors", "Colours", [(name, name) for name in COLORS], query["trial_colors"]),
        choice("trial_color_by", "of", colored, query["trial_color_by"]),
        listed,
        beside,
        find,
        *links,
    ]


def register(app: Dash, store: Store) -> None:
    """Draw what is chosen; a point that is clicked leads to its run."""

    @app.callback(
        Output("trials-drawn", "data"),
        Output("trials-problem", "children"),
        *(Output(f"trials-{kind}", "href") for kind in FILES),
        Input({"query": "trial_view"}, "value"),
        Input({"query": "trial_tag"}, "value"),
        Input({"query": "trial_summary"}, "value"),
        Input({"query": "trial_scale"}, "value"),
        Input({"query": "trial_colors"}, "value"),
        Input({"query": "trial_color_by"}, "value"),
        Input({"query": "trial_keys"}, "value"),
        Input({"query": "trial_beside"}, "value"),
        Input({"query": "where"}, "value"),
        Input("theme", "data"),
        Input("trials-tick", "data"),
        State("query", "data"),
    )
    def draw(
        view: str,
        tag: str | None,
        summary: str,
        kind: str,
        colors: str,
        by: str,
        keys: list[str] | None,
        tags: list[str] | None,
        where: str,
        theme: str,
        _: Any,
        query: Any,
    ) -> Any:
        project = value(query, "project", "") or next(iter(store.projects()), None)
        asked = {"project": project or "", "where": where or "", "metric": f"{summary}.{tag}" if tag else ""}
        beside = [f"{summary}.{one}" for one in tags or ()]
        try:
            trials = read_trials(store, project, asked["where"], asked["metric"], keys or (), beside)
        except BadFilter as error:
            return no_update if ctx.triggered_id else None, str(error), *(no_update for _ in FILES)
        asked |= {"keys": ",".join(keys or ()), "beside": ",".join(beside)}
        links = [f"/api/v1/trials.{file}?{urlencode(asked)}" for file in FILES]
        return drawn(trials, view, kind, colors, by, theme), "", *links

    app.clientside_callback(
        ClientsideFunction("trainboard_trials", "place"),
        Output("trials", "children"),
        Input("trials-drawn", "data"),
        prevent_initial_call=True,
    )
    app.clientside_callback(
        ClientsideFunction("trainboard_trials", "refresh"),
        Output("trials-tick", "data"),
        Input("tick", "data"),
        State({"query": "trial_view"}, "value"),
        prevent_initial_call=True,
    )
    app.clientside_callback(
        ClientsideFunction("trainboard_trials", "open_run"),
        Output("trials-clicked", "children"),
        Input("trial-figure", "clickData"),
        prevent_initial_call=True,
    )
    app.clientside_callback(
        ClientsideFunction("trainboard_trials", "brush"),
        Output({"query": "where"}, "value"),
        Input("trial-figure", "selectedData"),
        State("trial-figure", "figure"),
        State({"query": "where"}, "value"),
        prevent_initial_call=True,
    )


def routes(store: Store) -> list[BaseRoute]:
    async def export(request: Request) -> Response:
        """``?project=P&where=FILTER&metric=COLUMN&keys=A,B&beside=C,D``: the trials as CSV, JSON or LaTeX."""
        if (kind := request.path_params["kind"]) not in FILES:
            raise HTTPException(404, f"Trials can be had as {', '.join(FILES)}, not as {kind!r:.50}.")
        _, write, media_type = FILES[kind]
        asked = request.query_params
        lists = ([one for one in asked.get(name, "").split(",") if one] for name in ("keys", "beside"))
        told = store, asked.get("project") or None, asked.get("where", ""), asked.get("metric", ""), *lists
        trials = await asyncio.to_thread(read_trials, *told)
        return Response(write(trials), media_type=media_type)

    return [Route("/api/v1/trials.{kind:str}", export)]
