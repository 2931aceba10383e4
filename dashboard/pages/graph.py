"""The Graph page: a run's model, folded by module scope, and a second run's beside it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from dash import ALL, MATCH, ClientsideFunction, Dash, Input, Output, State, ctx, html, no_update

from ...storage.errors import TrainboardError
from ..cards import graph as card
from ..cards.graph_details import details
from ..cards.graph_scopes import close_scope, find, first_view, open_scope, paged
from ..cards.graph_style import stylesheet
from .graph_panes import PANES, head, page

if TYPE_CHECKING:
    from starlette.routing import BaseRoute

    from ...storage import Store
    from ...storage.kinds.graph import Graph

PATH = "/graph"
TITLE = "Graph"
QUERY: Mapping[str, str] = {"graph_run": "", "graph_twin": "", "graph_color": "op"}
CACHED_GRAPHS = 8


def layout(store: Store, query: Mapping[str, str]) -> html.Div:
    return page(query)


def register(app: Dash, store: Store) -> None:
    """The page's callbacks."""

    @lru_cache(maxsize=CACHED_GRAPHS)
    def cached(run_id: str, count: int) -> Graph | None:
        graph = card.read(store, run_id)
        return None if graph is None else paged(graph)

    def graph_of(run: dict[str, Any] | None) -> Graph | None:
        try:
            return cached(run["id"], run["count"]) if run else None
        except TrainboardError:
            return None

    _register_choice(app, store)
    _register_panes(app, graph_of)
    _register_canvas(app)


def routes(store: Store) -> list[BaseRoute]:
    return []


def _register_choice(app: Dash, store: Store) -> None:
    @app.callback(
        Output({"query": "graph_run"}, "data"),
        Output({"query": "graph_twin"}, "data"),
        Output({"query": "graph_run"}, "placeholder"),
        Output({"type": "graph-run", "pane": ALL}, "data"),
        Output("graph-page", "className"),
        Input("shown", "data"),
        Input("tick", "data"),
        Input({"query": "graph_run"}, "value"),
        Input({"query": "graph_twin"}, "value"),
        State({"type": "graph-run", "pane": ALL}, "data"),
    )
    def choose(shown: list[dict[str, Any]] | None, _: int, first: str, second: str, now: list[Any]) -> Any:
        if shown is None:
            return no_update, no_update, no_update, [no_update, no_update], no_update
        counts = {one.run_id: one.count for one in _graph_series(store, [run["id"] for run in shown])}
        having = [run | {"count": counts[run["id"]]} for run in shown if run["id"] in counts]
        by_id = {run["id"]: run for run in having}
        main = by_id.get(first) or (having[0] if having else None)
        twin = by_id.get(second)
        options = [{"value": run["id"], "label": run["name"]} for run in having]
        others = [option for option in options if main and option["value"] != main["id"]]
        runs = [new if new != old else no_update for new, old in zip((main, twin), now, strict=True)]
        state = "twin" if twin else "one" if main else "none"
        name = main["name"] if main else "No graph yet"
        return options, others, name, runs, f"graph-page graph-{state}"


def _graph_series(store: Store, run_ids: list[str]) -> list[Any]:
    return [one for one in store.series(run_ids, kind="graph") if one.tag == card.TAG] if run_ids else []


def _register_panes(app: Dash, graph_of: Any) -> None:
    @app.callback(
        Output({"type": "graph-canvas", "pane": MATCH}, "elements"),
        Output({"type": "graph-state", "pane": MATCH}, "data"),
        Output({"type": "graph-head", "pane": MATCH}, "children"),
        Input({"type": "graph-run", "pane": MATCH}, "data"),
        Input({"type": "graph-toggle", "pane": MATCH}, "data"),
        Input({"type": "graph-search", "pane": MATCH}, "value"),
        Input({"type": "graph-fold", "pane": MATCH}, "n_clicks"),
        State({"type": "graph-state", "pane": MATCH}, "data"),
    )
    def draw(run: Any, toggled: Any, searched: str | None, _: Any, state: Any) -> Any:
        graph = graph_of(run)
        if graph is None:
            return [], None, []
        state = _next_state(graph, run, ctx.triggered_id, toggled, searched, state)
        if state is None:
            return no_update, no_update, no_update
        anchor = tuple(state["anchor"]) if state["anchor"] else None
        return card.elements(graph, state["opened"], anchor), state, head(run, graph)

    @app.callback(
        Output({"type": "graph-details", "pane": MATCH}, "children"),
        Output({"type": "graph-details", "pane": MATCH}, "className"),
        Input({"type": "graph-selected", "pane": MATCH}, "data"),
        Input({"type": "graph-state", "pane": MATCH}, "data"),
        State({"type": "graph-run", "pane": MATCH}, "data"),
    )
    def describe(selected: Any, state: Any, run: Any) -> Any:
        if "graph-selected" not in {one["type"] for one in ctx.triggered_prop_ids.values()}:
            selected = (state or {}).get("reveal") or no_update
        graph = graph_of(run)
        if selected is no_update:
            return no_update, no_update
        if graph is None or not selected:
            return [], "graph-details"
        return details(graph, selected), "graph-details graph-details-open"

    @app.callback(
        Output({"type": "graph-search", "pane": MATCH}, "data"),
        Input({"type": "graph-search", "pane": MATCH}, "searchValue"),
        Input({"type": "graph-run", "pane": MATCH}, "data"),
        prevent_initial_call=True,
    )
    def search(text: str | None, run: Any) -> Any:
        graph = graph_of(run)
        nodes = find(graph, text or "") if graph else []
        return [{"value": node.id, "label": _search_label(node)} for node in nodes]


def _register_canvas(app: Dash) -> None:
    @app.callback(
        Output({"type": "graph-canvas", "pane": ALL}, "stylesheet"),
        Output("graph-panes", "className"),
        Input("theme", "data"),
        Input({"query": "graph_color"}, "value"),
    )
    def style(theme: str, color_by: str) -> Any:
        return [stylesheet(theme, color_by)] * len(PANES), f"graph-panes graph-by-{color_by}"

    def clientside(name: str, *dependencies: Any) -> None:
        app.clientside_callback(ClientsideFunction("trainboard_graph", name), *dependencies)

    clientside(
        "drawn",
        Output({"type": "graph-canvas", "pane": MATCH}, "className"),
        Input({"type": "graph-canvas", "pane": MATCH}, "elements"),
        Input({"type": "graph-state", "pane": MATCH}, "data"),
    )
    clientside(
        "zoom",
        Output({"type": "graph-zoom", "pane": MATCH}, "className"),
        Input({"type": "graph-zoom-button", "pane": MATCH, "action": ALL}, "n_clicks"),
    )
    clientside(
        "picture",
        Output({"type": "graph-picture", "pane": MATCH}, "className"),
        Input({"type": "graph-picture", "pane": MATCH}, "n_clicks"),
        State({"type": "graph-run", "pane": MATCH}, "data"),
    )


def _next_state(
    graph: Graph, run: dict[str, Any], trigger: Any, toggled: Any, searched: str | None, state: Any
) -> dict[str, Any] | None:
    """The scopes to open after what a person did, and where to look; None if nothing changes."""
    event = trigger["type"] if trigger else "graph-run"
    key = f"{run['id']} {run['count']}"
    fresh = {"graph": key, "opened": sorted(first_view(graph)), "anchor": None, "reveal": None}
    if state is None or state["graph"].split(" ")[0] != run["id"] or event == "graph-fold":
        return fresh | ({"graph": f"{key} folded"} if event == "graph-fold" else {})
    if event == "graph-toggle" and toggled:
        path, opened = toggled["path"], state["opened"]
        now = close_scope(opened, path) if path in opened else open_scope(graph, opened, path)
        anchor = [toggled["id"], toggled["x"], toggled["top"]]
        return state | {"opened": sorted(now), "anchor": anchor, "reveal": None}
    if event == "graph-search":
        node = next((node for node in graph.nodes if node.id == searched), None)
        if node is None:
            return None
        opened = open_scope(graph, state["opened"], node.scope)
        return state | {"opened": sorted(opened), "reveal": node.id}
    return fresh | {"opened": state["opened"], "graph": state["graph"]}


def _search_label(node: Any) -> str:
    where = f"{node.scope}/{node.name}" if node.scope else node.name
    return f"{where} {node.op}"
