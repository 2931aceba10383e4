"""What a run's watch last told of the layers of its graph: statistics, and tags of histograms."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ...storage.errors import SeriesNotFound
from ...storage.kinds.layer_stats import STATISTICS

if TYPE_CHECKING:
    from ...storage import Store
    from ...storage.kinds.graph import Node

SOURCES = ("activations", "weights", "gradients", "updates")

Row = Mapping[str, float]
"""Each of ``layer_stats.STATISTICS`` by name."""


@dataclass(frozen=True)
class Statistics:
    """The rows of one source at one step, by ``layer_key``, then by what they are of.

    Of ``activations`` that is "", of all others a parameter such as ``weight``.
    """

    step: int = -1
    layers: Mapping[str, Mapping[str, Row]] = field(default_factory=dict)


def layer_key(name: str) -> str:
    """What a layer is called in its graph and by its watch alike: ``body/conv#2`` is ``body.conv``."""
    return re.sub(r"#\d+(?=\.|$)", "", name.replace("/", "."))


def read(store: Store, run_id: str, source: str, step: int | None = None) -> Statistics:
    """What was logged of one of ``SOURCES`` last, or last up to a step; empty if nothing was."""
    tag = f"layers/{source}"
    try:
        steps, _, places = store.record_index(run_id, tag, "layer_stats")
    except SeriesNotFound:
        return Statistics()
    known = len(steps) if step is None else int((steps <= step).sum())
    if not known:
        return Statistics()
    record = store.record_at(run_id, tag, "layer_stats", int(places[known - 1]))
    layers: dict[str, dict[str, Row]] = {}
    for name, values in zip(record.value.names, record.value.values.tolist(), strict=True):
        layer, _, part = ("", "", "") if source == "activations" else name.replace("/", ".").rpartition(".")
        key = layer_key(name if source == "activations" else layer)
        layers.setdefault(key, {})[part] = dict(zip(STATISTICS, values, strict=True))
    return Statistics(record.step, layers)


def health(node: Node, activations: Statistics, gradients: Statistics) -> float | None:
    """The share of a node's outputs that were zero, infinity if any of its numbers was not finite.

    None if nothing was logged of it.
    """
    key = layer_key(node.id)
    outputs = activations.layers.get(key, {})
    rows = [*outputs.values(), *gradients.layers.get(key, {}).values()]
    if any(row["nans"] or row["infs"] for row in rows):
        return math.inf
    return max((row["zero_fraction"] for row in outputs.values()), default=None)


def tags(store: Store, run_id: str, node: Node) -> list[str]:
    """The tags of the histograms of a node."""
    key = layer_key(node.id)
    found = []
    for one in store.series(run_id, kind="histogram"):
        source, _, name = one.tag.partition("/")
        layer = name if source == "activations" else name.replace("/", ".").rpartition(".")[0]
        if source in SOURCES and layer_key(layer) == key:
            found.append(one.tag)
    return sorted(found, key=lambda tag: SOURCES.index(tag.partition("/")[0]))
