"""Tables: the first rows, and how many there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dash import html

from .record import Shown, frame, nothing

if TYPE_CHECKING:
    from ...storage.kinds.table import Cell, Table

MAX_ROWS = 100
MAX_COLUMNS = 40
MAX_CHARACTERS = 300


def draw(shown: Shown | None, name: str = "", color: str = "", theme: str = "light") -> html.Figure:
    """A table; words, if it has no rows."""
    return frame(shown, name, color, _body(shown.record.value) if shown else [], "table")


def _body(table: Table) -> list[Any]:
    if not table.rows or not table.columns:
        return [nothing("This table is empty.")]
    head = html.Tr([html.Th(column) for column in table.columns[:MAX_COLUMNS]])
    rows = [html.Tr([_cell(cell) for cell in row[:MAX_COLUMNS]]) for row in table.rows[:MAX_ROWS]]
    drawn = html.Table([html.Thead(head), html.Tbody(rows)])
    return [html.Div(drawn, className="table-frame"), html.Div(_extent(table), className="media-facts")]


def _cell(cell: Cell) -> html.Td:
    if isinstance(cell, bool) or cell is None:
        return html.Td("" if cell is None else str(cell))
    if isinstance(cell, int | float):
        return html.Td(f"{cell:.6g}" if isinstance(cell, float) else str(cell), className="table-number")
    return html.Td(cell if len(cell) <= MAX_CHARACTERS else f"{cell[:MAX_CHARACTERS]}…")


def _extent(table: Table) -> str:
    words = []
    for what, have, most in (
        ("rows", len(table.rows), MAX_ROWS),
        ("columns", len(table.columns), MAX_COLUMNS),
    ):
        words.append(f"{have:,} {what}" if have <= most else f"the first {most} of {have:,} {what}")
    return ", ".join(words)
