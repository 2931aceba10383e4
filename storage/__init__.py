"""What runs said, kept: the store, its queries, and the kinds of record it holds."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .opening import open_store
    from .records import Record
    from .series import Points, RunRecord, SeriesRecord
    from .store import Store

_HOMES = {
    "Points": "series",
    "Record": "records",
    "RunRecord": "series",
    "SeriesRecord": "series",
    "Store": "store",
    "open_store": "opening",
}
__all__ = ["Points", "Record", "RunRecord", "SeriesRecord", "Store", "open_store"]


def __getattr__(name: str) -> Any:
    """Load on first use: importing this package must cost neither numpy nor sqlalchemy."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)
