"""State in the address: the query string as a dict of strings, and back."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl


def parse(search: str | None) -> dict[str, str]:
    """The query of an address, ``"?a=1&b=2"``, as a dict; of a repeated key the last one counts."""
    return dict(parse_qsl((search or "").lstrip("?")))


def value(query: Mapping[str, str] | None, key: str, default: str) -> str:
    """One value of the ``query`` store, or its default where the address leaves it out."""
    return (query or {}).get(key, default)
