"""The Dash application: the shell, the pages' callbacks, and the address people share."""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from dash import ALL, ClientsideFunction, Dash, Input, Output, State, html
from dash.backends._fastapi import FastAPIDashServer
from dash.exceptions import DependencyException, PreventUpdate
from fastapi import FastAPI, Request, Response

from ..storage.location import without_password
from . import bundle, query, shell
from .errors import NO_SUCH_FILE
from .pages import PAGES

if TYPE_CHECKING:
    from ..storage import Store

_log = logging.getLogger("trainboard.dashboard")

_INDEX = """<!DOCTYPE html>
<html lang="en">
  <head>
    {%metas%}
    <title>{%title%}</title>
    <link rel="icon" type="image/svg+xml" href="/assets/favicon.svg">
    <script src="/assets/first_paint.js"></script>
    {%css%}
    <link rel="stylesheet" href="/assets/vendor/gridstack/gridstack.min.css">
    <link rel="stylesheet" href="/assets/vendor/uplot/uPlot.min.css">
    <link rel="stylesheet" href="STYLES">
  </head>
  <body>
    {%app_entry%}
    <footer>
      {%config%}
      {%scripts%}
      <script src="/assets/vendor/gridstack/gridstack-all.js"></script>
      <script src="/assets/vendor/uplot/uPlot.iife.min.js"></script>
      <script src="SCRIPTS"></script>
      {%renderer%}
    </footer>
  </body>
</html>"""


class App(Dash):
    """Dash on FastAPI, with every callback in a thread: a query must not stop the event loop.

    One callback's calls take turns as they came: Dash puts nothing in order that ``set_props`` sends, so
    an older answer that took longer would overwrite a newer one.
    """

    def callback(self, *args: Any, **kwargs: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        register = super().callback(*args, **kwargs)

        def threaded(function: Callable[..., Any]) -> Callable[..., Any]:
            turn = asyncio.Lock()

            @functools.wraps(function)
            async def run(*values: Any) -> Any:
                try:
                    async with turn:
                        return await asyncio.to_thread(function, *values)
                except PreventUpdate:
                    raise
                except Exception:
                    # Dash answers with a bare 500, and says nothing of why.
                    _log.exception("%s failed", function.__qualname__)
                    raise

            return register(run)

        return threaded


class Backend(FastAPIDashServer):
    """Dash's own, without pages about its API. Of an app made here Dash would ask whether it is Flask's."""

    @staticmethod
    def create_app(name: str = "", config: dict[str, Any] | None = None) -> FastAPI:
        app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
        # Dash's word for a script that it does not have, which it would answer with a bare 500.
        app.add_exception_handler(DependencyException, _no_such_file)
        return app


def create_dash(store: Store) -> App:
    """The Dash application for one store, ready to serve by ASGI as ``create_dash(store).server``."""
    styles, scripts = bundle.styles(), bundle.scripts()
    app = App(
        "trainboard",
        backend=Backend,
        assets_folder=str(bundle.ASSETS),
        include_assets_files=False,
        title="trainboard",
        update_title="",
        index_string=_INDEX.replace("STYLES", styles.address).replace("SCRIPTS", scripts.address),
        suppress_callback_exceptions=True,
    )
    app.server.router.routes += [styles.route, scripts.route]
    app.layout = shell.layout(without_password(store.url))
    _register_shell(app, store)
    for page in PAGES:
        page.register(app, store)
    return app


async def _no_such_file(request: Request, error: Exception) -> Response:
    return NO_SUCH_FILE


def _register_shell(app: App, store: Store) -> None:
    def clientside(name: str, *dependencies: Any, **kwargs: Any) -> None:
        app.clientside_callback(ClientsideFunction("trainboard_shell", name), *dependencies, **kwargs)

    @app.callback(Output("page", "children"), Input("address", "pathname"), State("address", "search"))
    def show_page(path: str, search: str) -> Any:
        values = query.parse(search)
        for page in PAGES:
            if page.PATH == path:
                return page.layout(store, {**page.QUERY, **values})
        return html.Section(
            [html.H1("No such page"), html.A("Go to the charts", href="/")], className="notice"
        )

    clientside(
        "read_address", Output("query", "data"), Input("address", "search"), State("query-defaults", "data")
    )
    clientside(
        "follow_controls",
        Output("query", "data", allow_duplicate=True),
        Input({"query": ALL}, "value"),
        Input({"query": ALL}, "checked"),
        prevent_initial_call=True,
    )
    clientside("write_address", Output("shell", "forceColorScheme"), Input("query", "data"))
    clientside("mark_page", Output("pages", "data-here"), Input("address", "pathname"))
