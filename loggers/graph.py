"""Finds what draws a model's graph without importing the framework it is made of."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from ..storage.kinds.graph import Graph
from .graph_changes import GraphChanges, shapes_of
from .warn import warn
from .watch import Hook

if TYPE_CHECKING:
    from ..storage.kinds.event import Event
    from .run import Run

TAG = "graph"
CHANGES_TAG = "graph/changes"

_FRAMEWORKS = {
    "keras": ("Layer",),
    "torch": ("Module",),
    "tensorflow": ("Graph", "GraphDef", "PolymorphicFunction", "ConcreteFunction"),
    "onnx": ("ModelProto",),
}
_logged: WeakKeyDictionary[Run, dict[tuple[int, str], Graph]] = WeakKeyDictionary()


def log_graph(run: Run, model: Any, inputs: Any = None, *, follow: bool = True) -> Hook | None:
    """Log the graph of ``model`` to ``run`` under the tag ``graph``, once for each that differs.

    ``model`` is a ``torch.nn.Module``, a Keras model or layer, a ``tf.function``, a graph of TensorFlow
    (``tf.Graph``, ``GraphDef``), an ONNX model, or the path of a file that ``graph_file`` can read. A
    PyTorch model is run once on ``inputs``, as ``torch_graph.capture`` says; without inputs its next
    forward pass is recorded instead. With ``follow`` its passes are compared from there on, and a change
    is logged as an event under ``graph/changes``, and so is a change of any other model's graph that is
    logged again.

    Returns what waits for a forward pass or follows them. Raises TypeError for any other object, and
    what a file or a function raises that cannot be read; a PyTorch model that fails on its inputs makes
    the graph partial.
    """
    if _framework_of(model) == "torch":
        return _log_torch(run, model, inputs, follow)
    _log(run, model, _reader(model)(model, inputs))
    return None


def as_traced(model: Any, inputs: Any, strict: bool) -> AbstractContextManager[None]:
    """Raises at its end what tracing ``model`` would have raised, as ``torch_strict.as_traced`` says.

    Models of other frameworks, and those without ``inputs``, are not traced.
    """
    if inputs is None or _framework_of(model) != "torch":
        return nullcontext()
    from . import torch_strict

    return torch_strict.as_traced(model, strict)


def _reader(model: Any) -> Callable[[Any, Any], Graph]:
    if isinstance(model, str | os.PathLike):
        from . import graph_file

        return lambda path, _: graph_file.read(path)
    framework = _framework_of(model)
    if framework == "keras":
        from . import keras_graph

        return keras_graph.capture
    if framework == "tensorflow":
        from . import tensorflow_graph

        return tensorflow_graph.capture
    if framework is None:
        raise TypeError(
            f"expected a PyTorch or Keras model, a tf.function, a TensorFlow graph, an ONNX model, or the "
            f"path of a file, not {type(model).__name__}"
        )
    from . import onnx_graph

    return lambda model, _: onnx_graph.capture(model)


def _log_torch(run: Run, model: Any, inputs: Any, follow: bool) -> Hook | None:
    from . import torch_follow, torch_graph

    def draw(graph: Graph) -> None:
        _log(run, model, graph, tell=False)

    def tell(event: Event) -> None:
        run.log({CHANGES_TAG: event}, commit=False)

    if inputs is not None:
        draw(torch_graph.capture(model, inputs))
    if follow and (inputs is None or torch_graph.can_be_hooked(model)):
        return torch_follow.TorchFollow(model, tell, draw, draw_first=inputs is None)
    return torch_graph.capture_next(model, draw) if inputs is None else None


def _log(run: Run, model: Any, graph: Graph, *, tell: bool = True) -> None:
    graphs = _logged.setdefault(run, {})
    key = (0 if isinstance(model, str | os.PathLike) else id(model), graph.name)
    before = graphs.get(key)
    if graph == before:
        return
    graphs[key] = graph
    if graph.partial:
        warn(f"the graph of {graph.name} is incomplete: {graph.partial}")
    if before is not None and tell:
        changes = GraphChanges.between(shapes_of(before), shapes_of(graph))
        run.log({CHANGES_TAG: changes.event(graph.name)}, commit=False)
    run.log({TAG: graph}, commit=False)


def _framework_of(model: Any) -> str | None:
    """The framework that ``model`` is made of, by the classes that it inherits from; None if there is none.

    Keras comes first: on its PyTorch backend a Keras model is a ``torch.nn.Module`` as well.
    """
    classes = [(cls.__name__, cls.__module__.partition(".")[0]) for cls in type(model).__mro__]
    for framework, bases in _FRAMEWORKS.items():
        if any((base, framework) in classes for base in bases):
            return framework
    return None
