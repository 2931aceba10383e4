"""Logs what TensorFlow's summaries say to a run."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

from tensorboard.compat.proto.summary_pb2 import Summary

from ..storage.kinds.raw import Raw
from ..storage.tfevents.mappings import graph
from ..storage.tfevents.mappings.hparams import AboutRun
from ..storage.tfevents.summaries import KNOWN, Summaries
from .warn import Warner

if TYPE_CHECKING:
    from .run import Run

_logs: weakref.WeakKeyDictionary[Run, SummaryLog] = weakref.WeakKeyDictionary()


def summary_log(run: Run) -> SummaryLog:
    """The one that a run's summaries go through, whoever hands them in."""
    return _logs.setdefault(run, SummaryLog(run))


class SummaryLog:
    """Logs summaries to a run. A tag's plugin may be named by its first summary only."""

    def __init__(self, run: Run) -> None:
        self._run = weakref.proxy(run)
        self._summaries = Summaries()
        self._warn = Warner()

    def summary(self, summary: Any, step: int, wall_time: float | None = None) -> None:
        """Log what a ``Summary`` proto, of TensorFlow or TensorBoard, or the bytes of one, holds."""
        data = summary if isinstance(summary, bytes) else summary.SerializeToString()
        for tag, value in self._summaries.read(Summary.FromString(data), step):
            self._log(tag, value, step, wall_time)

    def event(self, event: Any) -> None:
        """Log what an ``Event`` proto holds."""
        if event.HasField("graph_def"):
            self._log(graph.TAG, graph.of_definition(event.graph_def), event.step, event.wall_time)
        self.summary(event.summary, event.step, event.wall_time)

    def _log(self, tag: str, value: Any, step: int, wall_time: float | None) -> None:
        if isinstance(value, AboutRun):
            self._run.config.update(value.config)
            if value.descriptions:
                self._run.update("descriptions", value.descriptions)
        elif isinstance(value, Raw):
            if value.plugin not in KNOWN:
                plugin = f"summaries of TensorBoard's plugin {value.plugin!r}"
                self._warn(value.plugin, f"{plugin} are not logged, as {tag!r}")
        else:
            self._run.log({tag: value}, step, wall_time=wall_time, commit=False)
