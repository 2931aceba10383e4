"""What a watched model logs, without a model: records of statistics of named layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from trainboard.storage.kinds.layer_stats import STATISTICS, LayerStats

PARAMETERS = [
    f"{layer}.{name}" for layer in ("stem", "body.0", "body.1", "head") for name in ("weight", "bias")
]
OUTPUTS = ["stem", "body.0.relu", "body.1.relu", "head"]


def stats(names: Sequence[str], **columns: Any) -> LayerStats:
    """A record: each column one number, or one for every name; what is not given is 0, the ratio NaN."""
    values = np.zeros((len(names), len(STATISTICS)), np.float32)
    values[:, STATISTICS.index("ratio")] = np.nan
    for name, column in columns.items():
        values[:, STATISTICS.index(name)] = column
    return LayerStats(tuple(names), values)


def healthy(count: int = 20) -> list[dict[str, LayerStats]]:
    """So many steps in which nothing is wrong."""
    step = {
        "layers/gradients": stats(PARAMETERS, norm=0.1, std=0.01),
        "layers/updates": stats(PARAMETERS, norm=1e-3, ratio=1e-3),
        "layers/weights": stats(PARAMETERS, norm=2.0, std=0.1),
        "layers/activations": stats(OUTPUTS, norm=5.0, zero_fraction=0.5),
    }
    return [dict(step) for _ in range(count)]
