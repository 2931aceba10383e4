"""Kinds that are numbers in TensorBoard, too: histograms, PR curves, layouts of charts."""

from __future__ import annotations

from itertools import groupby

import numpy as np
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.plugins.custom_scalar.layout_pb2 import (
    Category,
    Chart,
    Layout,
    MarginChartContent,
    MultilineChartContent,
)
from tensorboard.plugins.custom_scalar.metadata import CONFIG_SUMMARY_TAG
from tensorboard.plugins.pr_curve.plugin_data_pb2 import PrCurvePluginData

from ...kinds.histogram import Histogram
from ...kinds.histogram_layouts import to_legacy
from ...kinds.layout import Chart as OurChart
from ...kinds.layout import Layout as OurLayout
from ...kinds.pr_curve import PRCurve
from .value import strings, value


def histogram(record: Histogram, tag: str) -> list[Summary.Value]:
    """Our own buckets as rows of left, right and count, so that counts are exact; NaN and infinities lack.

    The last row ends at the maximum, which of a histogram that came from wider intervals no bucket may hold.
    """
    told = to_legacy(record)
    limits = np.array(told.bucket_limit, np.float64)
    rows = np.stack([np.append(told.min, limits[:-1]), limits, told.bucket], axis=1)
    if limits[-1] < told.max:
        rows = np.vstack([rows, [limits[-1], told.max, 0.0]])
    return [value(tag, "histograms", rows)]


def pr_curve(record: PRCurve, tag: str) -> list[Summary.Value]:
    rows = np.stack(record.rows).astype(np.float32)
    content = PrCurvePluginData(num_thresholds=rows.shape[1]).SerializeToString()
    return [value(tag, "pr_curves", rows, content)]


def layout(record: OurLayout, tag: str) -> list[Summary.Value]:
    """The layout of the run; TensorBoard takes it from one tag alone."""
    groups = groupby(record.charts, key=lambda chart: chart.category)
    made = Layout(category=[Category(title=name, chart=map(_chart, charts)) for name, charts in groups])
    return [value(CONFIG_SUMMARY_TAG, "custom_scalars", strings(made.SerializeToString()))]


def _chart(chart: OurChart) -> Chart:
    if chart.type == "multiline":
        return Chart(title=chart.title, multiline=MultilineChartContent(tag=chart.tags))
    middle, lower, upper = chart.tags
    band = MarginChartContent.Series(value=middle, lower=lower, upper=upper)
    return Chart(title=chart.title, margin=MarginChartContent(series=[band]))
