"""The pages, in the order of the navigation bar, and what a page module provides.

A page is a module with these names (see ``Page``)::

    PATH = "/histograms"            # its address, a deep link
    TITLE = "Histograms"            # its name in the navigation
    KEY = "h"                       # what leads to it after "g", one letter
    QUERY = {"mode": "offset"}      # its keys in the address, each with its default
    def layout(store, query): ...   # the page's content; ``query`` holds a value for every key of QUERY
    def register(app, store): ...   # its Dash callbacks
    def routes(store): ...          # its HTTP endpoints, Starlette routes below /api/v1/ ([] if none)

**What a page can follow.** The shell keeps four ``dcc.Store`` components, which any callback may take
as ``Input`` or ``State``:

========================= ============================================================================
``Input("shown", "data")``  the runs to show, newest first: ``[{"id", "name", "color"}, …]``; the colour
                          (``#rrggbb``) is the run's own everywhere. ``None`` until the runs are known.
``Input("theme", "data")``  ``"light"`` or ``"dark"``, already resolved when the person chose "auto".
``Input("tick", "data")``   a number that grows when something in the store changed, at most once a second,
                          and not at all while the browser tab is hidden: redraw on it.
``Input("query", "data")``  the address's query as a dict of strings, only the keys that differ from their
                          default (``query.value(query, key, default)`` reads one).
========================= ============================================================================

**State in the address.** Give a control the id ``{"query": "mode"}`` and its ``value`` (or ``checked``)
is kept in the address by the shell; start it from ``query["mode"]`` in ``layout``. Values are strings,
a list is joined by commas, a checkbox is "1" or "0". A callback reads it as ``Input({"query": "mode"},
"value")``. Keys are shared by all pages: choose distinct ones (``histogram_mode``), or share them on
purpose. To change the address from a callback: ``Output("query", "data", allow_duplicate=True)`` with
``Patch()``.

**Rules.** Everything drawn is a bounded query. Text that a program logged is passed as text, never as
HTML, Markdown or a URL. Run ids come from the browser: expect ``RunNotFound``. Callbacks are plain
functions and run in a thread. Return ``no_update`` when nothing changed, so that nothing flickers.
Scripts in ``assets/js/`` are loaded by themselves; ``ClientsideFunction`` is the way to call them (the
content security policy refuses inline script). CSS variables for both themes are in ``assets/base.css``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol, cast

from . import (
    alerts,
    charts,
    compare,
    controls,
    curves,
    graph,
    health,
    histograms,
    hparams,
    media,
    mesh,
    panes,
    profile,
    projector,
    runs,
)

if TYPE_CHECKING:
    from dash import Dash
    from dash.development.base_component import Component
    from starlette.routing import BaseRoute

    from ...storage import Store


class Page(Protocol):
    """What the shell needs from a page module."""

    PATH: str
    TITLE: str
    KEY: str
    QUERY: Mapping[str, str]

    def layout(self, store: Store, query: Mapping[str, str]) -> Component: ...

    def register(self, app: Dash, store: Store) -> None: ...

    def routes(self, store: Store) -> list[BaseRoute]: ...


PAGES = cast(
    "list[Page]",
    [
        charts,
        runs,
        compare,
        hparams,
        histograms,
        media,
        curves,
        graph,
        projector,
        mesh,
        health,
        profile,
        panes,
        controls,
        alerts,
    ],
)
