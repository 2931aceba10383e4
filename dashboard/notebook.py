"""The dashboard inside a notebook: ``tb.show()`` as the last line of a cell."""

from __future__ import annotations

import html
import threading
from dataclasses import dataclass

from ..storage import Store, open_store
from .server import Server, address_of, bind

HOST = "127.0.0.1"
_START_SECONDS = 30.0
_servers: dict[str, str] = {}
_turn = threading.Lock()


@dataclass(frozen=True)
class Shown:
    """A dashboard in a frame, as notebooks draw it; ``address`` opens it in a tab of its own."""

    address: str
    height: int

    def _repr_html_(self) -> str:
        address = html.escape(self.address, quote=True)
        style = f"width: 100%; height: {self.height}px; border: 1px solid #8884"
        return f'<iframe src="{address}" title="trainboard" style="{style}"></iframe>'


def show(store: Store | str | None = None, *, view: str = "", height: int = 720) -> Shown:
    """Show a store in a notebook, from a server of this process that lives as long as it.

    ``store`` is an open one, a path or a URL; $TRAINBOARD_STORE or ./trainboard.db if left out. ``view`` is
    the end of a dashboard's address, ``"?filter=loss&smoothing=0.6"``, and ``height`` is in pixels. Showing
    a store again uses the same server, which only this machine can reach. Raises as ``open_store`` does.
    """
    if type(height) is not int or height < 1:
        raise ValueError(f"height must be a number of pixels from 1 (got {height!r})")
    opened = store if isinstance(store, Store) else open_store(store)
    with _turn:
        if opened.url not in _servers:
            _servers[opened.url] = _serve(opened)
    return Shown(_servers[opened.url] + view.lstrip("/"), height)


def _serve(store: Store) -> str:
    listener = bind(HOST, 0)
    answering = threading.Event()
    server = Server(store, listener, framed=True, started=answering.set)
    threading.Thread(target=server.run, name="trainboard-notebook", daemon=True).start()
    if not answering.wait(_START_SECONDS):
        raise TimeoutError(f"The dashboard did not start within {_START_SECONDS:g} seconds.")
    return address_of(HOST, listener.getsockname()[1], None)
