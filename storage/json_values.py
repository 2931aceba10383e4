"""Values inside columns of JSON text, as SQL, on SQLite and on PostgreSQL.

Our JSON holds what no database reads: NaN and infinities, NUL, halves of surrogate pairs. SQLite asks
Python; on PostgreSQL the few texts that hold such are made readable first, and NaN and infinities there
count as no value.
"""

from __future__ import annotations

import json
import sqlite3
from decimal import Decimal
from functools import lru_cache
from typing import Any

from sqlalchemy import Column, ColumnElement, Double, Numeric, Text, case, cast, func, literal, type_coerce
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from . import patterns

_GREATEST = 1.7e308
_BOUND = literal(Decimal("1.7e308"), Numeric)
_UNREADABLE = r"NaN|Infinity|\\u0000|\\u[dD][89a-fA-F]"
_REPAIRS = (
    (r"(?<=[:\[,])(NaN|-?Infinity)(?=[,\]}]|$)", "null"),
    (r"\\u0000", r"\\ufffd"),
    (r"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])", r"\\ufffd"),
    (r"(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F][0-9a-fA-F]{2}", r"\\ufffd"),
)


def number_in(column: Column[Any], key: str, dialect: str) -> ColumnElement[Any]:
    """The number at a key, or a path of nested keys; NULL for anything else, true and false included."""
    if dialect == "sqlite":
        return func.number_in_json(column, key, type_=Double)
    value = _found(column, key)
    number = cast(value.op("#>>")(_path([])), Numeric)
    bounded = func.least(func.greatest(number, -_BOUND), _BOUND)
    return case((func.jsonb_typeof(value) == "number", cast(bounded, Double)), else_=None)


def text_in(column: Column[Any], key: str, dialect: str) -> ColumnElement[Any]:
    """The string at a key, anything else as JSON text; NULL where there is nothing, or null."""
    if dialect == "sqlite":
        return func.text_in_json(column, key, type_=Text)
    return type_coerce(_found(column, key).op("#>>")(_path([])), Text)


def add_functions(connection: sqlite3.Connection) -> None:
    """Give a connection of SQLite the functions that are used here and in filters."""
    connection.create_function("number_in_json", 2, _number_in, deterministic=True)
    connection.create_function("text_in_json", 2, _text_in, deterministic=True)
    connection.create_function("matches_pattern", 2, _matches)


def _found(column: Column[Any], key: str) -> ColumnElement[Any]:
    """The value at the key as it is, else at the path of its parts."""
    text: ColumnElement[Any] = type_coerce(column, Text)
    repaired = text
    for pattern, by in _REPAIRS:
        repaired = func.regexp_replace(repaired, pattern, by, "g")
    value = cast(case((text.op("~")(_UNREADABLE), repaired), else_=text), JSONB)
    return func.coalesce(value.op("#>")(_path([key])), value.op("#>")(_path(key.split("."))), type_=JSONB)


def _path(parts: list[str]) -> ColumnElement[Any]:
    return literal(parts, ARRAY(Text))


@lru_cache(maxsize=64)
def _read(text: str) -> Any:
    return json.loads(text)


def value_at(tree: Any, key: str) -> Any:
    """The value of a dict at a key as it is, else at the path of its parts; None without any."""
    if not isinstance(tree, dict):
        return None
    if tree.get(key) is not None:
        return tree[key]
    for part in key.split("."):
        tree = tree.get(part) if isinstance(tree, dict) else None
    return tree


def _number_in(text: str, key: str) -> float | None:
    value = value_at(_read(text), key)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    if isinstance(value, int):
        value = max(-_GREATEST, min(value, _GREATEST))
    return float(value)


def _text_in(text: str, key: str) -> str | None:
    value = value_at(_read(text), key)
    if value is None or value != value:
        return None
    text = value if isinstance(value, str) else json.dumps(value)
    return text.encode("utf-8", "replace").decode()


def _matches(pattern: str, text: str | None) -> bool:
    return text is not None and patterns.search(pattern, text) is not None
