"""Rows of named columns."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from .base import Encoded, Kind
from .parts import pack_json, unpack_json

Cell = str | int | float | bool | None


@dataclass(frozen=True)
class Table:
    """Names of columns, and rows of as many cells, each text, a number, a truth value or None."""

    columns: list[str]
    rows: list[list[Cell]]

    @classmethod
    def from_rows(cls, columns: Iterable[Any], rows: Iterable[Iterable[Any]]) -> Table:
        """Make one of any cells: numpy's become Python's, anything else its text.

        Raises ``ValueError`` where a row has another number of cells than there are columns.
        """
        names = [str(column) for column in columns]
        made = [[to_cell(cell) for cell in row] for row in rows]
        for number, row in enumerate(made):
            if len(row) != len(names):
                raise ValueError(f"row {number} has {len(row)} cells; there are {len(names)} columns")
        return cls(names, made)


def to_cell(value: Any) -> Cell:
    """What a table can hold of a value."""
    item = getattr(value, "item", None)
    if callable(item) and not getattr(value, "shape", ()):
        value = item()
    if isinstance(value, float):
        return float(value)
    return value if value is None or isinstance(value, str | int) else str(value)


def encode(value: Table) -> Encoded:
    return Encoded({}, pack_json({"columns": value.columns, "rows": value.rows}))


def decode(encoded: Encoded) -> Table:
    return Table(**unpack_json(encoded.body))


KIND = Kind("table", Table, "records", encode, decode, blob=True)
