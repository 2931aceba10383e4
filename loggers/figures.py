"""Constructors of figures and tables, from the objects other libraries make of them.

Those libraries are recognised by the names of their classes, and never imported for it.
"""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .arrays import to_array
from .media import Image

if TYPE_CHECKING:
    from ..storage.kinds.figure import Figure as FigureRecord
    from ..storage.kinds.image import Image as ImageRecord
    from ..storage.kinds.table import Table as TableRecord


def Figure(figure: Any, dpi: float | None = None) -> FigureRecord | ImageRecord:
    """A Plotly figure, or its dict of "data" and "layout", which stays interactive; or a matplotlib figure.

    The latter becomes a picture with ``dpi`` pixels an inch, by default the figure's own. Raises
    ``TypeError`` for anything else, and ``ValueError`` for a dict in which Plotly finds a mistake.
    """
    library = library_of(figure)
    if library == "matplotlib":
        return _render(figure, dpi)
    if isinstance(figure, Mapping):
        import plotly.graph_objects

        figure = plotly.graph_objects.Figure(dict(figure))
    elif library != "plotly":
        raise TypeError(f"expected a figure of Plotly or matplotlib, not {type(figure).__name__}")
    from ..storage.kinds.figure import Figure

    content = json.loads(figure.to_json())
    return Figure(content["data"], content.get("layout", {}), content.get("frames", []))


def Table(rows: Any, columns: Iterable[Any] | None = None) -> TableRecord:
    """Rows of named columns: a list of dicts or of rows, a dict of columns, a 2-D array or a DataFrame.

    ``columns`` names them, or of dicts chooses them; without it they are the dicts' keys, the frame's
    columns or numbers. Cells are numbers, text, True, False or None; anything else becomes its text.
    """
    from ..storage.kinds.table import Table

    if library_of(rows) == "pandas":
        names = rows.columns if columns is None else list(columns)
        return Table.from_rows(names, rows[list(names)].itertuples(index=False, name=None))
    if isinstance(rows, Mapping):
        names = list(rows if columns is None else columns)
        return Table.from_rows(names, zip(*(rows[name] for name in names), strict=True))
    listed = list(to_array(rows))
    if listed and all(isinstance(row, Mapping) for row in listed):
        names = list(dict.fromkeys(key for row in listed for key in row) if columns is None else columns)
        return Table.from_rows(names, ([row.get(name) for name in names] for row in listed))
    if any(isinstance(row, str) or not isinstance(row, Iterable) for row in listed):
        raise TypeError("a table is made of rows: dicts, lists of cells, a 2-D array or a DataFrame")
    cells = [list(row) for row in listed]
    names = range(len(cells[0]) if cells else 0) if columns is None else columns
    return Table.from_rows(names, cells)


_FOREIGN: Mapping[tuple[str, str], Callable[[Any], Any]] = {
    ("matplotlib", "Figure"): Figure,
    ("plotly", "BaseFigure"): Figure,
    ("PIL", "Image"): Image,
    ("pandas", "DataFrame"): Table,
}


def library_of(value: Any) -> str | None:
    """Which library made a value that stands for a record by itself: "matplotlib", "plotly", "PIL" …"""
    found = _foreign_class(value)
    return found[0] if found else None


def to_record(value: Any) -> Any:
    """The record that another library's figure, picture or frame stands for; None for anything else."""
    found = _foreign_class(value)
    return _FOREIGN[found](value) if found else None


def _foreign_class(value: Any) -> tuple[str, str] | None:
    for cls in type(value).__mro__:
        name = cls.__module__.partition(".")[0], cls.__name__
        if name in _FOREIGN:
            return name
    return None


def _render(figure: Any, dpi: float | None) -> ImageRecord:
    from ..storage.kinds.image import Image

    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi="figure" if dpi is None else dpi)
    return Image.from_png(buffer.getvalue())


def pixels(figures: Iterable[Any]) -> Any:
    """matplotlib figures of one size as N x H x W x 3, uint8."""
    import numpy as np
    from PIL import Image as pil

    rendered = (pil.open(io.BytesIO(_render(figure, None).png)) for figure in figures)
    return np.stack([np.asarray(picture.convert("RGB")) for picture in rendered])


def close(figure: Any) -> None:
    """Have matplotlib forget a figure or several; those of Plotly need no closing."""
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None:
        for one in figure if isinstance(figure, Sequence) else [figure]:
            if library_of(one) == "matplotlib":
                pyplot.close(one)
