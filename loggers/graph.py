"""Finds what draws a model's graph without importing the framework it is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..storage.kinds.graph import Graph
from .warn import warn
from .watch import Hook, framework_of

if TYPE_CHECKING:
    from .run import Run

TAG = "graph"


def log_graph(run: Run, model: Any, inputs: Any = None) -> Hook | None:
    """Log the graph of ``model`` to ``run`` under the tag ``graph``.

    A PyTorch model is run once on ``inputs``, as ``torch_graph.capture`` says; without inputs its next
    forward pass is recorded instead, and the hook that waits for it is returned. A Keras model is read
    from its layers and needs none. Raises TypeError for any other object; a model that fails on its
    inputs makes the graph partial.
    """
    if framework_of(model) == "keras":
        from . import keras_graph

        _log(run, keras_graph.capture(model))
        return None
    from . import torch_graph

    if inputs is None:
        return torch_graph.capture_next(model, lambda graph: _log(run, graph))
    _log(run, torch_graph.capture(model, inputs))
    return None


def _log(run: Run, graph: Graph) -> None:
    if graph.partial:
        warn(f"the graph of {graph.name} is incomplete: {graph.partial}")
    run.log({TAG: graph}, commit=False)
