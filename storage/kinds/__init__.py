"""Every kind of record, in the order of the dashboard's tabs. The one place where a kind is registered."""

from __future__ import annotations

from typing import Any

from . import (
    audio,
    confusion_matrix,
    embedding,
    event,
    figure,
    graph,
    histogram,
    image,
    layer_stats,
    layout,
    mesh,
    pr_curve,
    raw,
    scalar,
    table,
    text,
    trace,
    video,
)
from .base import Kind

KINDS: dict[str, Kind[Any]] = {
    kind.name: kind
    for kind in (
        scalar.KIND,
        histogram.KIND,
        image.KIND,
        audio.KIND,
        video.KIND,
        text.KIND,
        table.KIND,
        figure.KIND,
        pr_curve.KIND,
        confusion_matrix.KIND,
        embedding.KIND,
        mesh.KIND,
        layout.KIND,
        trace.KIND,
        graph.KIND,
        layer_stats.KIND,
        event.KIND,
        raw.KIND,
    )
}
