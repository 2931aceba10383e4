"""What surrounds every page: navigation, the runs, live state, theme, and the state all pages share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import dcc, html

from . import mantine as dmc
from . import welcome
from .components import RunList, Toasts, ViewMenu, aria
from .pages import PAGES, Page

SHARED_QUERY: Mapping[str, str] = {
    "theme": "auto",
    "project": "",
    "hidden": "",
    "only": "",
    "group": "",
    "archived": "",
    "colors": "",
}
"""Keys of the address that belong to the shell, with their defaults."""

_MANTINE_THEME: Any = {
    "fontFamily": "var(--font)",
    "primaryColor": "blue",
    "primaryShade": {"light": 7, "dark": 5},
    "defaultRadius": 4,
    "respectReducedMotion": True,
}


def layout(store_url: str) -> dmc.MantineProvider:
    """The page around the page. ``store_url`` is shown to people who have no runs yet."""
    defaults = dict(SHARED_QUERY)
    for page in PAGES:
        defaults.update(page.QUERY)
    return dmc.MantineProvider(
        [
            dcc.Location(id="address", refresh="callback-nav"),
            dcc.Store(id="query", data=None),
            dcc.Store(id="query-defaults", data=defaults),
            dcc.Store(id="shown", data=None),
            dcc.Store(id="theme", data="light"),
            dcc.Store(id="tick", data=0),
            html.A("Skip to content", href="#page", className="skip-link"),
            html.Div([_header(), _sidebar(), _main(store_url)], id="shell-grid"),
            html.Div(id="lost", role="status"),
            Toasts(id="toasts"),
            _keys(),
        ],
        id="shell",
        theme=_MANTINE_THEME,
    )


def _sidebar() -> html.Aside:
    resizer = html.Div(
        id="resizer",
        role="separator",
        tabIndex="0",
        title="Drag, or use the arrow keys, to change the width",
        **aria(label="Width of the sidebar", orientation="vertical"),
        **aria(valuemin="160", valuemax="600", valuenow="248"),
    )
    return html.Aside([RunList(id="runs"), resizer], id="sidebar", **aria(label="Runs"))


def _main(store_url: str) -> html.Main:
    return html.Main([html.Div(id="page", tabIndex="-1"), welcome.layout(store_url)])


def _header() -> html.Header:
    links = [_link(page) for page in PAGES]
    return html.Header(
        [
            html.Button(
                _icon("sidebar"),
                id="sidebar-toggle",
                title="Show or hide the runs (b)",
                **aria(label="Show or hide the runs", controls="sidebar", expanded="true"),
            ),
            html.Span("trainboard", className="brand"),
            html.Nav(links, id="pages", **aria(label="Pages")),
            html.Span(id="behind", role="status"),
            ViewMenu(id="views"),
            html.Span(id="live", role="status"),
            html.Button(
                _icon("theme"),
                id="theme-toggle",
                title="Theme: auto, light, dark (t)",
                **aria(label="Change the theme"),
            ),
            html.Button("?", id="keys-button", title="Keys (?)", **aria(label="Keys")),
        ]
    )


def _link(page: Page) -> html.A:
    key: Any = {"data-key": page.KEY}
    return html.A(
        page.TITLE, href=page.PATH, className="page-link", title=f"{page.TITLE} (g {page.KEY})", **key
    )


def _icon(name: str) -> html.Span:
    return html.Span(className=f"icon icon-{name}", **aria(hidden="true"))


def _keys() -> html.Dialog:
    keys = [
        ("/", "Filter the charts or the table of runs, search the graph"),
        ("r, then Enter", "Search the runs, show only what is found"),
        ("b", "Show or hide the runs"),
        ("t", "Theme: auto, light, dark"),
        *_page_keys(),
        ("s", "Saved views"),
        ("x", "Next x axis: step, relative, wall"),
        ("n", "New chart of several tags"),
        ("v", "How charts look"),
        ("Drag, double-click", "Zoom into a chart, see all of it again"),
        ("Alt and wheel, Shift and drag", "Zoom, move what is in view"),
        ("Up, Down", "Move through the runs"),
        ("Arrows, Enter, +, -, 0 on a graph", "Choose a box, open or close it, zoom, see all of it"),
        ("Space, Enter", "Show or hide the run, show only this run"),
        ("c on a run", "Give it another colour"),
        ("Esc", "Reset the zoom, leave a field"),
        ("?", "This list"),
    ]
    rows = [html.Div([html.Dt(html.Kbd(key)), html.Dd(what)]) for key, what in keys]
    return html.Dialog(
        [html.H2("Keys"), html.Dl(rows), html.Button("Close", id="keys-close")],
        id="keys",
        **aria(label="Keys"),
    )


def _page_keys(in_line: int = 5) -> list[tuple[str, str]]:
    lines = [PAGES[at : at + in_line] for at in range(0, len(PAGES), in_line)]
    return [
        (f"g then {', '.join(page.KEY for page in line)}", f"Go to {', '.join(page.TITLE for page in line)}")
        for line in lines
    ]
