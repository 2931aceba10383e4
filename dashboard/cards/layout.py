"""Layouts: which charts the program asked for, and of which tags."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dash import html

from .record import Shown, frame, nothing

if TYPE_CHECKING:
    from ...storage.kinds.layout import Chart, Layout

MAX_CHARTS = 100


def draw(shown: Shown | None, name: str = "", color: str = "", theme: str = "light") -> html.Figure:
    """A table of charts."""
    return frame(shown, name, color, _body(shown.record.value) if shown else [], "table")


def _body(layout: Layout) -> list[Any]:
    if not layout.charts:
        return [nothing("This layout names no charts.")]
    head = html.Tr([html.Th(word) for word in ("Category", "Chart", "Type", "Tags")])
    rows = [_row(chart) for chart in layout.charts[:MAX_CHARTS]]
    drawn = html.Table([html.Thead(head), html.Tbody(rows)])
    return [html.Div(drawn, className="table-frame")]


def _row(chart: Chart) -> html.Tr:
    return html.Tr(
        [html.Td(word) for word in (chart.category, chart.title, chart.type, ", ".join(chart.tags))]
    )
