"""Vectors and what is known of each as tab-separated values, the way TensorBoard's projector has them.

Of several columns of metadata the first line is their names; a single one has no header.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

ONE_COLUMN = "label"


def read_vectors(text: str) -> NDArray[np.float32]:
    """N x D from a line of numbers for each vector. Raises ``ValueError`` that names the first bad line."""
    lines = [line for line in text.split("\n") if line.strip()]
    if not lines:
        return np.empty((0, 0), np.float32)
    try:
        return np.loadtxt(lines, np.float32, comments=None, delimiter="\t", ndmin=2)
    except ValueError as error:
        raise ValueError(_what_is_wrong(lines)) from error


def _what_is_wrong(lines: Sequence[str]) -> str:
    across = len(lines[0].split("\t"))
    for number, line in enumerate(lines, 1):
        cells = line.split("\t")
        if bad := next((cell for cell in cells if not _is_number(cell)), None):
            return f"line {number:,} holds {bad.strip()[:40]!r}, which is no number"
        if len(cells) != across:
            return f"line {number:,} holds {len(cells):,} numbers, and the first {across:,}"
    return "it holds no rows of numbers between tabs"


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def read_metadata(text: str) -> tuple[list[str], list[list[str]]]:
    """The names of the columns and the rows, each with a cell a column: what a row lacks is empty.

    Lines end with a line feed and nothing else: labels may hold what Unicode, too, takes for one.
    """
    lines = text.removesuffix("\n").split("\n") if text.strip() else []
    rows = [line.removesuffix("\r").split("\t") for line in lines]
    if not rows:
        return [], []
    columns = rows.pop(0) if len(rows[0]) > 1 else [ONE_COLUMN]
    across = len(columns)
    return columns, [row[:across] + [""] * (across - len(row)) for row in rows]


def write_metadata(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> bytes:
    """What ``read_metadata`` reads. White space within a cell becomes a blank, and an empty cell one, too."""
    told = io.StringIO()
    if len(columns) > 1:
        told.write("\t".join(map(_cell, columns)) + "\n")
    for row in rows:
        told.write("\t".join(map(_cell, row)) + "\n")
    return told.getvalue().encode("utf-8", "replace")


def _cell(cell: Any) -> str:
    return "" if cell is None else " ".join(str(cell).split()) or " "
