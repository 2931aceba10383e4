"""Tables: sorted by any column, filtered, and how many rows there are."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import dash_ag_grid as dag
from dash import html

from ..table_theme import TABLE_THEME
from .record import Shown, frame, nothing

if TYPE_CHECKING:
    from ...storage.kinds.table import Cell, Table

MAX_ROWS = 2_000
MAX_COLUMNS = 40
MAX_CHARACTERS = 300
_ROW_HEIGHT, _HEAD_HEIGHT, _FILTER_HEIGHT, _TALLEST = 26, 30, 34, 340
_EXACT = 2**53
_GRID: dict[str, Any] = {
    "rowHeight": _ROW_HEIGHT,
    "headerHeight": _HEAD_HEIGHT,
    "floatingFiltersHeight": _FILTER_HEIGHT,
    "animateRows": False,
    "ensureDomOrder": True,
    "enableCellTextSelection": True,
    "suppressFieldDotNotation": True,
    "tooltipShowDelay": 300,
    "theme": TABLE_THEME,
}


def draw(shown: Shown | None, name: str = "", color: str = "", theme: str = "light") -> html.Figure:
    """A table; words, if it has no rows."""
    return frame(shown, name, color, _body(shown.record.value) if shown else [], "table")


def _body(table: Table) -> list[Any]:
    if not table.rows or not table.columns:
        return [nothing("This table is empty.")]
    columns = [_column(table, at, name) for at, name in enumerate(table.columns[:MAX_COLUMNS])]
    rows = [
        {str(at): _cell(cell) for at, cell in enumerate(row[:MAX_COLUMNS])} for row in table.rows[:MAX_ROWS]
    ]
    height = min(_HEAD_HEIGHT + _FILTER_HEIGHT + _ROW_HEIGHT * len(rows) + 4, _TALLEST)
    grid = dag.AgGrid(
        columnDefs=columns,
        rowData=rows,
        columnSize="responsiveSizeToFit",
        defaultColDef={"sortable": True, "resizable": True, "floatingFilter": True, "minWidth": 90},
        dashGridOptions=_GRID,
        style={"height": f"{height}px"},
    )
    return [html.Div(grid, className="table-frame"), html.Div(_extent(table), className="media-facts")]


def _column(table: Table, at: int, name: str) -> dict[str, Any]:
    """A column of numbers is filtered and sorted as such; of anything else as text."""
    held = [row[at] for row in table.rows[:MAX_ROWS] if row[at] is not None]
    is_number = bool(held) and all(_is_exact(cell) for cell in held)
    return {
        "field": str(at),
        "headerName": name[:MAX_CHARACTERS],
        "headerTooltip": name[:MAX_CHARACTERS],
        "tooltipField": str(at),
        "cellDataType": False,
        "filter": "agNumberColumnFilter" if is_number else "agTextColumnFilter",
        **({"type": "rightAligned"} if is_number else {}),
    }


def _is_exact(cell: Cell) -> bool:
    """Whether a cell is a number that a browser holds as it is."""
    if isinstance(cell, bool) or not isinstance(cell, int | float):
        return False
    return abs(cell) <= _EXACT if isinstance(cell, int) else math.isfinite(cell)


def _cell(cell: Cell) -> str | float | None:
    if cell is None or _is_exact(cell):
        return float(f"{cell:.6g}") if isinstance(cell, float) else cell  # type: ignore[return-value]
    text = str(cell)
    return text if len(text) <= MAX_CHARACTERS else f"{text[:MAX_CHARACTERS]}…"


def _extent(table: Table) -> str:
    words = []
    for what, have, most in (
        ("rows", len(table.rows), MAX_ROWS),
        ("columns", len(table.columns), MAX_COLUMNS),
    ):
        counted = f"{have:,} {what.removesuffix('s') if have == 1 else what}"
        words.append(counted if have <= most else f"the first {most:,} of {counted}")
    return ", ".join(words)
