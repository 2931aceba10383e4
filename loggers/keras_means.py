"""What Keras's metrics were over the batches since they were last logged.

Keras tells its callbacks averages since the epoch began: a saw-tooth that hides what the last batches
did and cannot be compared with a loss logged step by step. A ``keras.metrics.Mean`` keeps a total and a
count, and what these have grown by since the last look gives the mean of just those batches.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import keras

from .keras_backend import to_numpy

_ROUNDING = 1e-4


class RecentMeans:
    """Reads a model's metrics; remembers what it read, to take it away the next time."""

    def __init__(self) -> None:
        self._read: dict[str, tuple[float, float]] = {}

    def begin_epoch(self) -> None:
        """Keras sets its metrics back to zero."""
        self._read.clear()

    def of(self, model: Any, logs: Mapping[str, Any]) -> dict[str, Any]:
        """``logs`` with the mean since the last call for every metric that is a mean.

        Any other metric, such as an area under a curve, stays as Keras tells it.
        """
        return {**logs, **dict(self._means(model, logs))}

    def _means(self, model: Any, logs: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
        for metric in _leaves(model.metrics):
            name = metric.name
            if name not in logs or not isinstance(metric, keras.metrics.Mean):
                continue
            total, count = float(to_numpy(metric.total)), float(to_numpy(metric.count))
            # A metric of the same name elsewhere in the model may not be the one that Keras reports.
            if not count or not _agree(total / count, float(to_numpy(logs[name]))):
                continue
            total_before, count_before = self._read.get(name, (0.0, 0.0))
            self._read[name] = (total, count)
            if count > count_before:
                yield name, (total - total_before) / (count - count_before)


def _leaves(metrics: Iterable[Any]) -> Iterator[Any]:
    for metric in metrics:
        inner = getattr(metric, "metrics", None)
        if inner:
            yield from _leaves(inner)
        else:
            yield metric


def _agree(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=_ROUNDING) or (math.isnan(one) and math.isnan(other))
