"""The layout of custom scalars."""

from __future__ import annotations

from tensorboard.plugins.custom_scalar import layout_pb2

from ...kinds.layout import Chart, Layout
from .value import Read, Value


def read(value: Value) -> Read:
    """The charts of all categories; one for each band of a margin chart that has several."""
    layout = layout_pb2.Layout.FromString(value.tensor.reshape(()).item())
    charts: list[Chart] = []
    for category in layout.category:
        for chart in category.chart:
            if chart.HasField("margin"):
                bands = [[band.value, band.lower, band.upper] for band in chart.margin.series]
                charts += [Chart(category.title, chart.title, "margin", tags) for tags in bands]
            else:
                charts.append(Chart(category.title, chart.title, "multiline", list(chart.multiline.tag)))
    yield value.tag, Layout(charts, value.source)
