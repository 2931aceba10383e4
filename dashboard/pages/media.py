"""The Media page: images as a grid of tags and runs with a step slider each, and texts, newest first."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import dash_mantine_components as dmc
from dash import ALL, MATCH, ClientsideFunction, Dash, Input, Output, State, dcc, html, no_update, set_props
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ...storage.errors import TrainboardError
from .. import asked
from ..cards import image, text
from . import step_slider

if TYPE_CHECKING:
    from ...storage import SeriesRecord, Store

PATH = "/media"
TITLE = "Media"
QUERY: Mapping[str, str] = {"media_size": "medium", "media_filter": ""}
SIZES = (("small", "Small"), ("medium", "Medium"), ("large", "Large"), ("actual", "Actual"))
KINDS = ("image", "text")
MAX_TAGS = 60
MAX_RUNS = 12


def layout(store: Store, query: Mapping[str, str]) -> html.Div:
    """The page: a toolbar, and a section for each tag."""
    sizes = [{"value": value, "label": label} for value, label in SIZES]
    size = dmc.SegmentedControl(id={"query": "media_size"}, data=sizes, value=query["media_size"], size="xs")
    find = dmc.TextInput(
        id={"query": "media_filter"},
        value=query["media_filter"],
        placeholder="Filter images and texts",
        debounce=200,
        size="xs",
        className="filter",
    )
    toolbar = [
        html.Label(find, title="Those whose name contains this"),
        html.Div([html.Span("Images"), size], className="toolbar-field"),
    ]
    return html.Div(
        [
            dcc.Store(id="in-view", data=[]),
            dcc.Store(id="media-layout"),
            dcc.Store(id="media-drawn", data={}),
            html.Div(toolbar, className="toolbar"),
            html.Div(id="media-grid"),
        ],
        id="media-page",
        className=f"media-{query['media_size']}",
    )


def register(app: Dash, store: Store) -> None:
    """The page's callbacks."""
    _register_grid(app, store)
    _register_content(app, store)


def routes(store: Store) -> list[BaseRoute]:
    """``GET /api/v1/images/{digest}?run=&tag=&rank=&index=``: the PNG bytes, which never change."""

    async def image_bytes(request: Request) -> Response:
        run, tag = asked.text(request, "run"), asked.text(request, "tag")
        rank, index = asked.place(request, "rank", "0"), asked.place(request, "index")
        try:
            record = await asyncio.to_thread(store.record_at, run, tag, "image", index, rank=rank)
        except IndexError as error:
            raise HTTPException(404, "No such image.") from error
        png = record.value.png
        digest = image.digest(png)
        if digest != request.path_params["digest"]:
            raise HTTPException(404, "No such image.")
        if not image.is_png(png):
            raise HTTPException(415, "The bytes of this image are not a PNG file.")
        return _png_response(request, png, digest)

    return [Route(image.ROUTE, image_bytes)]


def _png_response(request: Request, png: bytes, digest: str) -> Response:
    headers = {
        "cache-control": "private, max-age=31536000, immutable",
        "etag": f'"{digest}"',
        "x-content-type-options": "nosniff",
        "content-security-policy": "default-src 'none'; sandbox",
    }
    if request.headers.get("if-none-match") == headers["etag"]:
        return Response(status_code=304, headers=headers)
    return Response(png, media_type="image/png", headers=headers)


def _register_grid(app: Dash, store: Store) -> None:
    @app.callback(
        Output("media-grid", "children"),
        Output("media-layout", "data"),
        Output("media-drawn", "data"),
        Input("shown", "data"),
        Input("tick", "data"),
        Input({"query": "media_filter"}, "value"),
        State("media-layout", "data"),
        State({"type": "media-pin", "tag": ALL}, "data"),
        State({"type": "media-pin", "tag": ALL}, "id"),
    )
    def lay_out(
        shown: Any, _: int, wanted: str | None, before: str | None, pins: list[int | None], ids: list[Any]
    ) -> Any:
        """Lay the sections out anew when the tags or the runs have changed, and only then."""
        if shown is None:
            return no_update, no_update, no_update
        series = _series(store, shown[:MAX_RUNS])
        tags = dict.fromkeys((one.kind, one.tag) for one in series)
        kept = sorted(key for key in tags if (wanted or "").lower() in key[1].lower())
        signature = json.dumps([kept, [run["id"] for run in shown], wanted])
        if signature == before:
            return no_update, no_update, no_update
        return _sections(kept, bool(tags), len(shown), _by_tag(ids, pins)), signature, {}

    app.clientside_callback(
        ClientsideFunction("trainboard_view", "watch"),
        Output("media-grid", "className"),
        Input("media-layout", "data"),
        State("media-grid", "id"),
    )

    app.clientside_callback(
        ClientsideFunction("trainboard_steps", "pin"),
        Output({"type": "media-pin", "tag": MATCH}, "data"),
        Input({"type": "media-slider", "tag": MATCH}, "value"),
        State({"type": "media-placed", "tag": MATCH}, "data"),
        State({"type": "media-pin", "tag": MATCH}, "data"),
        prevent_initial_call=True,
    )

    app.clientside_callback(
        ClientsideFunction("trainboard_steps", "place"),
        Output({"type": "media-slider", "tag": MATCH}, "max"),
        Output({"type": "media-slider", "tag": MATCH}, "value"),
        Input({"type": "media-placed", "tag": MATCH}, "data"),
        State({"type": "media-pin", "tag": MATCH}, "data"),
        prevent_initial_call=True,
    )

    @app.callback(Output("media-page", "className"), Input({"query": "media_size"}, "value"))
    def resize(size: str) -> str:
        return f"media-{size if size in dict(SIZES) else 'medium'}"


def _register_content(app: Dash, store: Store) -> None:
    @app.callback(
        Output("media-drawn", "data", allow_duplicate=True),
        Input("in-view", "data"),
        Input("media-layout", "data"),
        Input("tick", "data"),
        Input({"type": "media-pin", "tag": ALL}, "data"),
        State({"type": "media-pin", "tag": ALL}, "id"),
        State("media-drawn", "data"),
        State("shown", "data"),
        prevent_initial_call=True,
    )
    def draw(
        in_view: Any, _: Any, _tick: int, pins: list[int | None], ids: list[Any], drawn: Any, shown: Any
    ) -> Any:
        """Send the sections in view whose newest record or chosen step has changed."""
        runs = (shown or [])[:MAX_RUNS]
        held: dict[tuple[str, str], list[SeriesRecord]] = {}
        for one in _series(store, runs):
            held.setdefault((one.kind, one.tag), []).append(one)
        pinned = _by_tag(ids, pins)
        content = _Content(store, {run["id"]: run for run in runs}, dict(drawn or {}))
        for one in in_view or []:
            kind, tag = one.get("kind", ""), one.get("tag", "")
            if one.get("type") != "media-section" or (kind, tag) not in held:
                continue
            if kind == "image":
                content.send_images(tag, held[kind, tag], pinned.get(tag))
            else:
                content.send_texts(tag, held[kind, tag])
        return no_update if content.drawn == drawn else content.drawn


class _Content:
    """Fills sections, and keeps a print of what each was last filled with."""

    def __init__(self, store: Store, runs: Mapping[str, Any], drawn: dict[str, str]) -> None:
        self._store = store
        self._runs = runs
        self.drawn = drawn

    def send_images(self, tag: str, series: Sequence[SeriesRecord], step: int | None) -> None:
        if not self._is_new("image", tag, [[one.run_id, one.count] for one in series], step):
            return
        steps = sorted({int(at) for one in series for at in image.steps(self._store, one.run_id, tag)})
        placed, words = step_slider.place(steps, step)
        set_props({"type": "media-placed", "tag": tag}, {"data": placed})
        set_props({"type": "media-step", "tag": tag}, {"children": words})
        cells = [self._image(one, step) for one in self._ordered(series)]
        set_props({"type": "media-content", "kind": "image", "tag": tag}, {"children": cells})

    def send_texts(self, tag: str, series: Sequence[SeriesRecord]) -> None:
        if not self._is_new("text", tag, [[one.run_id, one.count] for one in series], None):
            return
        columns = []
        for one in self._ordered(series):
            run = self._runs[one.run_id]
            try:
                records = text.read(self._store, one.run_id, tag, one.rank)
            except TrainboardError:
                continue
            columns.append(text.draw(records, run["name"], run["color"], one.count))
        set_props({"type": "media-content", "kind": "text", "tag": tag}, {"children": columns})

    def _image(self, one: SeriesRecord, step: int | None) -> html.Figure:
        run = self._runs[one.run_id]
        try:
            shown = image.read(self._store, one.run_id, one.tag, step, one.rank)
        except TrainboardError:
            shown = None
        return image.draw(shown, run["name"], run["color"])

    def _ordered(self, series: Sequence[SeriesRecord]) -> list[SeriesRecord]:
        places = {run_id: place for place, run_id in enumerate(self._runs)}
        return sorted(series, key=lambda one: (places[one.run_id], one.rank))

    def _is_new(self, kind: str, tag: str, *content: Any) -> bool:
        """Whether a section's content differs from what the page has; if so it is taken as sent."""
        key, now = f"{kind} {tag}", json.dumps(content)
        changed = self.drawn.get(key) != now
        self.drawn[key] = now
        return changed


def _series(store: Store, runs: Sequence[Mapping[str, str]]) -> list[SeriesRecord]:
    found = store.series([run["id"] for run in runs]) if runs else []
    return [one for one in found if one.kind in KINDS]


def _by_tag(ids: Sequence[Mapping[str, str]], pins: Sequence[int | None]) -> dict[str, int | None]:
    return {one["tag"]: step for one, step in zip(ids, pins, strict=True)}


def _sections(
    keys: Sequence[tuple[str, str]], has_any: bool, shown: int, pinned: Mapping[str, int | None]
) -> list[Any]:
    if not has_any:
        return [_empty()]
    if not keys:
        return [html.Section(html.H2("No image or text has this in its name"), className="notice")]
    parts: list[Any] = [_section(kind, tag, pinned.get(tag)) for kind, tag in keys[:MAX_TAGS]]
    if len(keys) > MAX_TAGS:
        parts.append(html.P(f"{len(keys) - MAX_TAGS:,} more: filter by name.", className="notice"))
    if shown > MAX_RUNS:
        parts.append(html.P(f"Only {MAX_RUNS} of {shown} runs are drawn here.", className="notice"))
    return parts


def _section(kind: str, tag: str, pin: int | None) -> html.Section:
    slider, words, placed = ({"type": f"media-{part}", "tag": tag} for part in ("slider", "step", "placed"))
    head: list[Any] = [html.H2(tag)]
    if kind == "image":
        head.append(dcc.Store(id={"type": "media-pin", "tag": tag}, data=pin))
        head.append(step_slider.layout(slider, words, placed))
    content_id = {"type": "media-content", "kind": kind, "tag": tag}
    return html.Section(
        [html.Div(head, className="media-head"), html.Div(id=content_id, className=f"media-{kind}s")],
        id={"type": "media-section", "kind": kind, "tag": tag},
        className="media-section lazy",
    )


def _empty() -> html.Section:
    return html.Section(
        [
            html.H2("No images or texts in the runs shown"),
            html.P("Log an array, or a text, under any name."),
            html.Pre('run.log({"sample": tb.Image(array)})\nrun.log({"note": tb.Text("Warm-up finished")})'),
        ],
        className="page-empty",
    )
