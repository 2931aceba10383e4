"""Open a store, or make one; refuse what is none."""

from __future__ import annotations

import os

from . import engine as database
from .errors import NotAStore, StoreNotFound
from .location import check_header, check_location, is_awaited, is_server, resolve_url, sqlite_path
from .migrate import prepare
from .store import Store


def open_store(url: str | os.PathLike[str] | None = None, *, create: bool = False) -> Store:
    """Open a store: a path, a URL, or None for ``$TRAINBOARD_STORE`` or ``./trainboard.db``.

    With ``create``, or where spools of young or dead programs wait for it, it is made if it is not there;
    an older store is migrated. Raises ``StoreNotFound``, ``NotAStore``, ``StoreTooNew`` or
    ``StoreUnavailable``.
    """
    resolved = resolve_url(url)
    path = sqlite_path(resolved)
    if is_server(resolved):
        raise NotAStore(f"'{resolved}' is a server to log to; open its database to read the store.")
    create = create or (path is not None and not path.exists() and is_awaited(resolved))
    if create or not path:
        check_location(resolved)
    with database.translated(resolved):
        if path and create:
            path.touch()
        elif path and not path.exists():
            raise StoreNotFound(f"No store '{path}'; log a run to it first, or give another path.")
        elif path:
            check_header(path)
        engine = database.connect(resolved)
        try:
            prepare(engine, resolved, create=create)
        except BaseException:
            engine.dispose()
            raise
    return Store(resolved, engine)
