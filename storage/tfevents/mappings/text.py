"""Texts in Markdown; arrays of them are tables."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...kinds.text import Text
from .value import Read, Value


def read(value: Value) -> Read:
    """A text. Of an array with more than two dimensions, the first table, as TensorBoard shows it."""
    lines = np.vectorize(lambda line: line.decode("utf-8", "replace"), otypes=[object])(value.tensor)
    text = str(lines.reshape(()).item()) if lines.size == 1 else _table(lines)
    yield value.tag, Text(text, "markdown", value.source if lines.ndim else b"")


def _table(cells: np.ndarray[Any, Any]) -> str:
    while cells.ndim > 2:
        cells = cells[0]
    rows = [f"| {' | '.join(row)} |" for row in np.atleast_2d(cells.T).T]
    width = cells.shape[1] if cells.ndim == 2 else 1
    return "\n".join([f"|{'   |' * width}", f"|{'---|' * width}", *rows])
