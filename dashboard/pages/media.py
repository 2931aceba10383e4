"""The Media page: a section for each tag of pictures, sounds, tables and the like, and of texts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dash import ALL, MATCH, ClientsideFunction, Dash, Input, Output, State, dcc, html, no_update

from ..components import ClassLegend, Description, Elsewhere
from ..holders import holding
from . import step_slider
from .media_content import KINDS, LISTS, NAMED, STEPPED, Asked, Content
from .media_files import routes
from .media_toolbar import QUERY, SIZES, toolbar

if TYPE_CHECKING:
    from ...storage import SeriesRecord, Store

__all__ = ["PATH", "QUERY", "TITLE", "layout", "register", "routes"]

PATH = "/media"
TITLE = "Media"
KEY = "m"
MAX_TAGS = 60
MAX_RUNS = 12
GRAPHS = ("graph_def", "meta_graph_def", "keras")
"""Tags under which TensorBoard's logs keep what the Graph page shows."""
HPARAMS = "_hparams_/"
"""Tags of what TensorBoard's logs say of hyper-parameters, which are a run's config."""

Key = tuple[str, str]
"""A section's kind and tag."""


def layout(store: Store, query: Mapping[str, str]) -> html.Div:
    """The page: a toolbar, and a section for each tag."""
    return html.Div(
        [
            dcc.Store(id="in-view", data=[]),
            dcc.Store(id="media-layout"),
            dcc.Store(id="media-drawn", data={}),
            dcc.Input(id={"query": "media_step"}, type="hidden", value=query["media_step"]),
            toolbar(query),
            html.Div(id="media-grid"),
        ],
        id="media-page",
        className=f"media-{query['media_size']}",
    )


def register(app: Dash, store: Store) -> None:
    """The page's callbacks."""
    _register_grid(app, store)
    _register_sliders(app)
    _register_content(app, store)


def _register_grid(app: Dash, store: Store) -> None:
    @app.callback(
        Output("media-grid", "children"),
        Output("media-layout", "data"),
        Output("media-drawn", "data"),
        Input("shown", "data"),
        Input("tick", "data"),
        Input({"query": "media_filter"}, "value"),
        State("media-layout", "data"),
        State({"type": "media-pin", "kind": ALL, "tag": ALL}, "data"),
        State({"type": "media-pin", "kind": ALL, "tag": ALL}, "id"),
        State({"query": "media_link"}, "checked"),
        State({"query": "media_step"}, "value"),
    )
    def lay_out(
        shown: Any, _: int, wanted: str | None, before: str | None, pins: list[int | None], ids: list[Any],
        linked: bool, step: str | None,
    ) -> Any:  # fmt: skip
        """Lay the sections out anew when the tags or the runs have changed, and only then."""
        if shown is None:
            return no_update, no_update, no_update
        held = _held(store, shown)
        series = _series(store, held[:MAX_RUNS])
        keys = dict.fromkeys((one.kind, one.tag) for one in series)
        kept = [key for key in keys if (wanted or "").lower() in key[1].lower()]
        kept.sort(key=lambda key: (KINDS.index(key[0]), key[1]))
        signature = json.dumps([kept, [run["id"] for run in shown], wanted])
        if signature == before:
            return no_update, no_update, no_update
        pinned = dict.fromkeys(kept, _number(step)) if linked else _by_key(ids, pins)
        return _sections(kept, bool(keys), len(held), pinned), signature, {}

    app.clientside_callback(
        ClientsideFunction("trainboard_view", "watch"),
        Output("media-grid", "className"),
        Input("media-layout", "data"),
        State("media-grid", "id"),
    )

    @app.callback(Output("media-page", "className"), Input({"query": "media_size"}, "value"))
    def resize(size: str) -> str:
        return f"media-{size if size in dict(SIZES) else 'medium'}"

    app.clientside_callback(
        ClientsideFunction("trainboard_media", "resetLevels"),
        Output("media-levels", "title"),
        Input("media-levels", "n_clicks"),
        prevent_initial_call=True,
    )


def _register_sliders(app: Dash) -> None:
    def part(name: str) -> dict[str, Any]:
        return {"type": f"media-{name}", "kind": MATCH, "tag": MATCH}

    app.clientside_callback(
        ClientsideFunction("trainboard_steps", "pin"),
        Output(part("pin"), "data"),
        Input(part("slider"), "value"),
        State(part("placed"), "data"),
        State(part("pin"), "data"),
        prevent_initial_call=True,
    )

    app.clientside_callback(
        ClientsideFunction("trainboard_steps", "place"),
        Output(part("slider"), "max"),
        Output(part("slider"), "value"),
        Output(part("slider"), "disabled"),
        Input(part("placed"), "data"),
        State(part("pin"), "data"),
        State(part("slider"), "value"),
        prevent_initial_call=True,
    )


def _register_content(app: Dash, store: Store) -> None:
    @app.callback(
        Output("media-drawn", "data", allow_duplicate=True),
        Input("in-view", "data"),
        Input("media-layout", "data"),
        Input("tick", "data"),
        Input({"type": "media-pin", "kind": ALL, "tag": ALL}, "data"),
        Input("theme", "data"),
        Input({"query": "media_search"}, "value"),
        Input({"query": "media_view"}, "value"),
        State({"type": "media-pin", "kind": ALL, "tag": ALL}, "id"),
        State("media-drawn", "data"),
        State("shown", "data"),
        prevent_initial_call=True,
    )
    def draw(
        in_view: Any,
        _: Any,
        _tick: int,
        pins: list[int | None],
        theme: str | None,
        words: str | None,
        view: str,
        ids: list[Any],
        drawn: Any,
        shown: Any,
    ) -> Any:
        """Send the sections in view whose newest record, chosen step or theme has changed."""
        runs = _held(store, shown or [])[:MAX_RUNS]
        held: dict[Key, list[SeriesRecord]] = {}
        for one in _series(store, runs):
            held.setdefault((one.kind, one.tag), []).append(one)
        pinned = _by_key(ids, pins)
        asked = Asked(theme or "light", (words or "").strip(), view)
        content = Content(store, {run["id"]: run for run in runs}, dict(drawn or {}), asked)
        for one in in_view or []:
            key = one.get("kind", ""), one.get("tag", "")
            if one.get("type") == "media-section" and key in held:
                content.send(*key, held[key], pinned.get(key))
        return no_update if content.drawn == drawn else content.drawn


def _held(store: Store, shown: Sequence[Mapping[str, str]]) -> list[Mapping[str, str]]:
    """The shown runs that have anything for the page; those with something to look at, if any have."""
    return holding(store, shown, NAMED) or holding(store, shown, ["raw"])


def _series(store: Store, runs: Sequence[Mapping[str, str]]) -> list[SeriesRecord]:
    found = store.series([run["id"] for run in runs], list(KINDS)) if runs else []
    return [one for one in found if not _is_seen_elsewhere(one)]


def _is_seen_elsewhere(one: SeriesRecord) -> bool:
    return one.kind == "raw" and (one.tag in GRAPHS or one.tag.startswith(HPARAMS))


def _by_key(ids: Sequence[Mapping[str, str]], pins: Sequence[int | None]) -> dict[Key, int | None]:
    return {(one["kind"], one["tag"]): step for one, step in zip(ids, pins, strict=True)}


def _number(text: str | None) -> int | None:
    try:
        return int(text or "")
    except ValueError:
        return None


def _sections(keys: Sequence[Key], has_any: bool, shown: int, pinned: Mapping[Key, int | None]) -> list[Any]:
    if not has_any:
        return [_empty()]
    if not keys:
        return [html.Section(html.H2("Nothing has this in its name"), className="notice")]
    parts: list[Any] = [_section(kind, tag, pinned.get((kind, tag))) for kind, tag in keys[:MAX_TAGS]]
    if len(keys) > MAX_TAGS:
        parts.append(html.P(f"{len(keys) - MAX_TAGS:,} more: filter by name.", className="notice"))
    if shown > MAX_RUNS:
        parts.append(html.P(f"Only {MAX_RUNS} of {shown} runs are drawn here.", className="notice"))
    return parts


def _section(kind: str, tag: str, pin: int | None) -> html.Section:
    def part(name: str) -> dict[str, str]:
        return {"type": f"media-{name}", "kind": kind, "tag": tag}

    head: list[Any] = [html.H2(tag), Description(tag=tag)]
    if kind in STEPPED:
        head.append(dcc.Store(id=part("pin"), data=pin))
        head.append(step_slider.layout(part("slider"), part("step"), part("placed")))
    if kind == "image":
        head.append(ClassLegend(tag=tag))
    cells = html.Div(id=part("content"), className="media-texts" if kind in LISTS else "media-cards")
    return html.Section(
        [html.Div(head, className="media-head"), cells], id=part("section"), className="media-section lazy"
    )


def _empty() -> html.Section:
    return html.Section(
        [
            html.H2("Nothing to see or hear in the runs shown"),
            Elsewhere(kinds=",".join(NAMED)),
            html.P("Log an image, a sound, a video, a figure, a table, a curve or a text, under any name."),
            html.Pre('run.log({"sample": tb.Image(array)})\nrun.log({"note": tb.Text("Warm-up finished")})'),
        ],
        className="page-empty",
    )
