"""The cards of a section, each in a cell of its own, so that a card is drawn anew only when it has changed.

Drawing anew stops a sound that plays and ends a zoom into a figure.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from dash import html, set_props
from plotly.utils import PlotlyJSONEncoder

from ..cards import plotly_figure

if TYPE_CHECKING:
    from dash.development.base_component import Component

    from ..cards.record import Shown


class Cell(NamedTuple):
    """The card of a run's rank, and for a figure the record that it shows and the page's theme."""

    run: str
    rank: int
    card: Component
    figure: Shown | None = None
    theme: str = "light"


def show(kind: str, tag: str, cells: Sequence[Cell], before: str | None) -> str:
    """Show cells in the section of a kind and tag; returns a print of them.

    ``before`` is the print of what the section shows now, if anything.
    """
    prints = [[cell.run, cell.rank, _print(cell.card), _frame_print(cell)] for cell in cells]
    known = json.loads(before) if before else []
    if [one[:2] for one in prints] != [one[:2] for one in known] or not known:
        drawn = [html.Div(cell.card, id=_id(kind, tag, cell), className="media-cell") for cell in cells]
        set_props({"type": "media-content", "kind": kind, "tag": tag}, {"children": drawn})
        return json.dumps(prints)
    for cell, now, then in zip(cells, prints, known, strict=True):
        if now == then:
            continue
        if cell.figure and now[3] == then[3]:
            plotly_figure.update(cell.figure)
        else:
            set_props(_id(kind, tag, cell), {"children": cell.card})
    return json.dumps(prints)


def _id(kind: str, tag: str, cell: Cell) -> dict[str, Any]:
    return {"type": "media-cell", "kind": kind, "tag": tag, "run": cell.run, "rank": cell.rank}


def _print(drawn: Any) -> str:
    return hashlib.sha256(json.dumps(drawn, cls=PlotlyJSONEncoder).encode()).hexdigest()[:16]


def _frame_print(cell: Cell) -> str:
    """What is the same as long as just the data of a figure change."""
    return _print(plotly_figure.frame_of(cell.figure, cell.theme)) if cell.figure else ""
