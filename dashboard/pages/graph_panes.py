"""What the Graph page is made of: the bar of controls, the two panes, and what to do without a graph."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import dash_cytoscape as cyto
import dash_mantine_components as dmc
from dash import dcc, html

from ..cards import graph as card
from ..cards.graph_style import legend
from ..components import aria

if TYPE_CHECKING:
    from ...storage.kinds.graph import Graph

PANES = (0, 1)
COLORS = (("op", "Operation"), ("parameters", "Parameters"))


def page(query: Mapping[str, str]) -> html.Div:
    """The page: a bar of controls, and two panes of which the second opens with a second run."""
    colors = [{"value": value, "label": label} for value, label in COLORS]
    controls = html.Div(
        [
            _picker("graph_run", "Run", query, clearable=False),
            _picker("graph_twin", "Compare with", query, clearable=True),
            html.Div(
                [
                    html.Span("Color"),
                    dmc.SegmentedControl(
                        id={"query": "graph_color"}, data=colors, value=query["graph_color"], size="xs"
                    ),
                ],
                className="toolbar-field",
            ),
        ],
        className="toolbar",
    )
    return html.Div(
        [
            controls,
            html.Div([_pane(pane) for pane in PANES], id="graph-panes", className="graph-panes"),
            _empty(),
        ],
        id="graph-page",
        className="graph-page graph-loading",
    )


def _picker(key: str, label: str, query: Mapping[str, str], clearable: bool) -> html.Div:
    select = dmc.Select(
        id={"query": key},
        data=[],
        value=query[key] or None,
        clearable=clearable,
        placeholder="None" if clearable else "",
        size="xs",
        w=190,
        **aria(label=label),
    )
    return html.Div([html.Span(label), select], className="toolbar-field")


def _pane(pane: int) -> html.Section:
    def part(name: str) -> dict[str, Any]:
        return {"type": f"graph-{name}", "pane": pane}

    stores = [dcc.Store(id=part(name)) for name in ("run", "state", "toggle", "selected")]
    canvas = cyto.Cytoscape(
        id=part("canvas"),
        elements=[],
        stylesheet=[],
        layout={"name": "preset", "fit": False},
        style={},
        className="graph-canvas",
        minZoom=0.05,
        maxZoom=3,
        wheelSensitivity=0.3,
        autoungrabify=True,
        boxSelectionEnabled=False,
    )
    inside = html.Div(
        [canvas, _buttons(pane), html.Aside(id=part("details"), className="graph-details")],
        className="graph-stage",
    )
    search = dmc.Select(
        id=part("search"),
        data=[],
        value=None,
        searchable=True,
        clearable=True,
        placeholder="Find an operation or layer",
        nothingFoundMessage="Type a part of its name",
        size="xs",
        className="graph-search",
        **aria(label="Find an operation or layer"),
    )
    head = html.Div([html.Div(id=part("head"), className="graph-head"), search], className="graph-pane-bar")
    return html.Section([*stores, head, inside], className=f"graph-pane graph-pane-{pane}")


def _buttons(pane: int) -> html.Div:
    def button(text: str, title: str, id: dict[str, Any]) -> html.Button:
        return html.Button(text, id=id, title=title, type="button", **aria(label=title))

    zoom = {"type": "graph-zoom-button", "pane": pane}
    return html.Div(
        [
            button("+", "Zoom in", zoom | {"action": "in"}),
            button("−", "Zoom out", zoom | {"action": "out"}),
            button("Fit", "Show the whole graph", zoom | {"action": "fit"}),
            button("Fold", "Close all scopes", {"type": "graph-fold", "pane": pane}),
            button("PNG", "Save a picture of the graph", {"type": "graph-picture", "pane": pane}),
            html.Span("Double-click a layer to open or close it", className="graph-hint"),
        ],
        id={"type": "graph-zoom", "pane": pane},
        className="graph-buttons",
    )


def head(run: dict[str, Any], graph: Graph) -> list[Any]:
    parts: list[Any] = [
        html.Span(className="run-dot", style={"backgroundColor": run["color"]}),
        html.Strong(run["name"]),
        html.Span(card.summary(graph), className="graph-summary"),
        *[
            html.Span([html.I(style={"backgroundColor": hue}), label], className="graph-family")
            for label, hue in legend(graph)
        ],
    ]
    scale = html.I(className="graph-scale", **aria(hidden="true"))
    parts.append(html.Span(["few", scale, "many parameters"], className="graph-few"))
    if graph.partial:
        parts.append(html.Div(["Incomplete: ", graph.partial], className="graph-partial", role="note"))
    return parts


def _empty() -> html.Section:
    return html.Section(
        [
            html.H2("No graph in the runs shown"),
            html.P("PyTorch: log it once, with a batch that the model accepts."),
            html.Pre("run.log_graph(model, inputs)"),
            html.P("Keras: the callback logs it by itself."),
            html.Pre("model.fit(x, y, callbacks=[tb.KerasCallback()])"),
        ],
        className="page-empty",
    )
