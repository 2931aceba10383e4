"""A store whose file was deleted or replaced: turn to the one that is in its place, if it is a store."""

from __future__ import annotations

from sqlalchemy import Engine

from . import engine as database
from .errors import StoreGone
from .location import check_header, sqlite_path
from .migrate import prepare


def replacement(engine: Engine, url: str) -> Engine | None:
    """Connections to the store that is now where the one of ``engine`` was.

    None if that one is still there, or nothing is yet. Raises what ``open_store`` does for what is no
    store, and leaves it as it is.
    """
    path = sqlite_path(url)
    try:
        database.check_file(engine)
        return None
    except StoreGone:
        if path is None or not path.exists() or not path.stat().st_size:
            return None
    with database.translated(url):
        check_header(path)
        fresh = database.connect(url)
        try:
            prepare(fresh, url, create=False)
        except BaseException:
            fresh.dispose()
            raise
    return fresh
