"""A hook for the sessions of TensorFlow 1."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from . import session
from .guard import Guard
from .interval import Schedule

if TYPE_CHECKING:
    from .run import Run


class TensorFlowHook(tf.compat.v1.train.SessionRunHook):
    """Log what a TF1 program runs: ``MonitoredTrainingSession(hooks=[tb.TensorFlowHook(…)])``.

    ``tensors`` are scalars by tag, tensors or their names; ``summaries`` a merged summary, by default
    what ``tf.summary.merge_all()`` made. They are fetched with every ``every``-th run of the session
    and logged at the global step, or where there is none at the number of the run. ``log_graph`` logs the
    session's graph. ``run`` defaults to the current one. Nothing here stops the session.
    Raises ValueError if ``every`` is not a positive whole number.
    """

    def __init__(
        self,
        tensors: Mapping[str, Any] | None = None,
        run: Run | None = None,
        *,
        summaries: Any = None,
        every: int = 1,
        log_graph: bool = True,
    ) -> None:
        self._tensors = dict(tensors or {})
        self._given = run
        self._summaries = summaries
        self._schedule = Schedule(every)
        self._logs_graph = log_graph
        self._guard = Guard()
        self._fetches: dict[str, Any] = {}
        self._count = 0

    def begin(self) -> None:
        with self._guard("starting to log to trainboard"):
            graph = tf.compat.v1.get_default_graph()
            values = {tag: _tensor(graph, tensor) for tag, tensor in self._tensors.items()}
            merged = tf.compat.v1.summary.merge_all() if self._summaries is None else self._summaries
            found = {
                "values": values,
                "summaries": merged,
                "step": tf.compat.v1.train.get_global_step(graph),
            }
            self._fetches = {name: what for name, what in found.items() if what is not None}

    def after_create_session(self, session: Any, coord: Any) -> None:
        with self._guard("logging the graph"):
            run = self._run()
            if self._logs_graph and run is not None:
                run.log_graph(session.graph)

    def before_run(self, run_context: Any) -> Any:
        self._count += 1
        if not self._fetches or not self._schedule.due(self._count):
            return None
        return tf.compat.v1.train.SessionRunArgs(self._fetches)

    def after_run(self, run_context: Any, run_values: Any) -> None:
        results, run = run_values.results, self._run()
        if not results or run is None:
            return
        with self._guard("logging a run of the session"):
            step = int(results.get("step", self._count))
            run.log(results["values"], step, commit=False)
            if "summaries" in results:
                run.log_summary(results["summaries"], step)

    def _run(self) -> Run | None:
        return self._given or session.current_run()


def _tensor(graph: Any, tensor: Any) -> Any:
    return graph.get_tensor_by_name(tensor) if isinstance(tensor, str) else tensor
