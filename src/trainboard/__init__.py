"""Watch models train: log from PyTorch, TensorFlow or Keras, and see it live on one page.

Importing this loads next to nothing. Every name is loaded where it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trainboard.dashboard.notebook import show
    from trainboard.loggers.evaluation import ConfusionMatrix, Embedding, Layout, Mesh, PRCurve
    from trainboard.loggers.figures import Figure, Table
    from trainboard.loggers.guard import StopTraining
    from trainboard.loggers.keras_callback import KerasCallback
    from trainboard.loggers.keras_tensorboard import KerasTensorBoard
    from trainboard.loggers.media import Audio, Graph, Histogram, Image, Text, Trace, Video
    from trainboard.loggers.observed import Observed
    from trainboard.loggers.run import Run
    from trainboard.loggers.session import finish, flush, init, log, log_graph, unwatch, watch
    from trainboard.loggers.summary_writer import SummaryWriter
    from trainboard.loggers.tensorflow_hook import TensorFlowHook
    from trainboard.loggers.tensorflow_summary import tf_summary
    from trainboard.storage.opening import open_store

    __version__: str
    run: Run | None
    config: Observed
    summary: Observed

__all__ = [
    "Audio",
    "ConfusionMatrix",
    "Embedding",
    "Figure",
    "Graph",
    "Histogram",
    "Image",
    "KerasCallback",
    "KerasTensorBoard",
    "Layout",
    "Mesh",
    "PRCurve",
    "Run",
    "StopTraining",
    "SummaryWriter",
    "Table",
    "TensorFlowHook",
    "Text",
    "Trace",
    "Video",
    "__version__",
    "config",
    "finish",
    "flush",
    "init",
    "log",
    "log_graph",
    "open_store",
    "run",
    "show",
    "summary",
    "tf_summary",
    "unwatch",
    "watch",
]

_HOMES = {
    "Audio": ".loggers.media",
    "ConfusionMatrix": ".loggers.evaluation",
    "Embedding": ".loggers.evaluation",
    "Figure": ".loggers.figures",
    "Graph": ".loggers.media",
    "Histogram": ".loggers.media",
    "Image": ".loggers.media",
    "KerasCallback": ".loggers.keras_callback",
    "KerasTensorBoard": ".loggers.keras_tensorboard",
    "Layout": ".loggers.evaluation",
    "Mesh": ".loggers.evaluation",
    "PRCurve": ".loggers.evaluation",
    "Run": ".loggers.run",
    "StopTraining": ".loggers.guard",
    "SummaryWriter": ".loggers.summary_writer",
    "Table": ".loggers.figures",
    "TensorFlowHook": ".loggers.tensorflow_hook",
    "Text": ".loggers.media",
    "Trace": ".loggers.media",
    "Video": ".loggers.media",
    "finish": ".loggers.session",
    "flush": ".loggers.session",
    "init": ".loggers.session",
    "log": ".loggers.session",
    "log_graph": ".loggers.session",
    "open_store": ".storage.opening",
    "show": ".dashboard.notebook",
    "tf_summary": ".loggers.tensorflow_summary",
    "unwatch": ".loggers.session",
    "watch": ".loggers.session",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        value = getattr(import_module(_HOMES[name], __name__), name)
        globals()[name] = value
        return value
    # These follow the current run, so they are looked up each time.
    if name in ("run", "config", "summary"):
        return getattr(import_module(".loggers.session", __name__), f"current_{name}")()
    if name == "__version__":
        from importlib.metadata import version

        return version("trainboard")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
