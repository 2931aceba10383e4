"""Every kind of record, in the order of the dashboard's tabs. The one place where a kind is registered."""

from __future__ import annotations

from typing import Any

from . import event, graph, histogram, image, layer_stats, scalar, text
from .base import Kind

KINDS: dict[str, Kind[Any]] = {
    kind.name: kind
    for kind in (
        scalar.KIND,
        histogram.KIND,
        image.KIND,
        text.KIND,
        graph.KIND,
        layer_stats.KIND,
        event.KIND,
    )
}
