"""The order in which people count: ``run-2`` before ``run-10``, and capitals among small letters."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, Text, case, func, literal, select
from sqlalchemy.dialects.postgresql import aggregate_order_by

_DIGITS = 20
_MARK = "\x01"
"""What PostgreSQL sets around numbers, to split a text there."""
_number = re.compile("([0-9]+)")


def in_order(texts: Iterable[str]) -> list[str]:
    """These texts, each once."""
    return sorted(set(texts), key=lambda text: (_key(text), text))


def natural(column: ColumnElement[Any], dialect: str) -> ColumnElement[Any]:
    """What to sort a text column by; NULL stays NULL."""
    if dialect == "sqlite":
        return func.natural_key(column, type_=Text)
    split = func.regexp_replace(func.lower(column), "[0-9]+", rf"{_MARK}\&{_MARK}", "g")
    part = func.unnest(func.string_to_array(split, _MARK)).table_valued("text", with_ordinality="at")
    part = part.render_derived()
    digits = func.ltrim(part.c.text, "0")
    padded = func.lpad(digits, func.greatest(_DIGITS, func.length(digits)), "0")
    told = case((part.c.at % 2 == 0, padded), else_=part.c.text)
    return select(func.string_agg(told, aggregate_order_by(literal(""), part.c.at))).scalar_subquery()


def add_function(connection: sqlite3.Connection) -> None:
    """Give a connection of SQLite the function that ``natural`` asks for."""
    connection.create_function("natural_key", 1, lambda text: text and _key(text), deterministic=True)


def _key(text: str) -> str:
    """In small letters, and every number with at least as many digits."""
    parts = _number.split(text.lower())
    parts[1::2] = (number.lstrip("0").zfill(_DIGITS) for number in parts[1::2])
    return "".join(parts)
