"""What TensorFlow's summaries say, as values that ``run.log`` takes.

``PLUGINS`` is the one table: for each of TensorBoard's plugins, what its tensors become.
"""

from __future__ import annotations

import io
import weakref
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf
from tensorboard import data_compat
from tensorboard.plugins.hparams import metadata as hparams_metadata

from ..storage.kinds import KINDS
from ..storage.kinds.histogram import Histogram
from ..storage.kinds.image import Image
from ..storage.kinds.text import Text
from .tensorflow_graph import capture
from .tensorflow_histogram import from_intervals
from .warn import Warner

if TYPE_CHECKING:
    from .run import Run

_logs: weakref.WeakKeyDictionary[Run, SummaryLog] = weakref.WeakKeyDictionary()

Converter = Callable[[str, np.ndarray], Iterator[tuple[str, Any]]]
"""Makes the tags and values to log of a summary's tag and tensor."""


def summary_log(run: Run) -> SummaryLog:
    """The one that a run's summaries go through, whoever hands them in."""
    return _logs.setdefault(run, SummaryLog(run))


class SummaryLog:
    """Logs summaries to a run. A tag's plugin may be named by its first summary only."""

    def __init__(self, run: Run) -> None:
        self._run = weakref.proxy(run)
        self._plugins: dict[str, str] = {}
        self._warn = Warner()

    def summary(self, summary: Any, step: int, wall_time: float | None = None) -> None:
        """Log what a ``Summary`` proto, or the bytes of one, holds."""
        if isinstance(summary, bytes):
            summary = tf.compat.v1.Summary.FromString(summary)
        for value in summary.value:
            try:
                self._log(data_compat.migrate_value(value), step, wall_time)
            except Exception as error:
                cause = f"{self._plugins.get(value.tag)} {type(error).__name__}"
                self._warn(cause, f"the summary {value.tag!r} is not logged: {error}")

    def event(self, event: Any) -> None:
        """Log what an ``Event`` proto holds."""
        if event.HasField("graph_def"):
            definition = tf.compat.v1.GraphDef.FromString(event.graph_def)
            graph = capture(definition)
            self._run.log({"graph": graph}, event.step, wall_time=event.wall_time, commit=False)
        self.summary(event.summary, event.step, event.wall_time)

    def _log(self, value: Any, step: int, wall_time: float | None) -> None:
        plugin = value.metadata.plugin_data
        name = self._plugins.setdefault(value.tag, plugin.plugin_name)
        if name == hparams_metadata.PLUGIN_NAME:
            self._run.config.update(_hparams(value.tag, plugin.content))
        elif name in PLUGINS:
            values = dict(PLUGINS[name](value.tag, tf.make_ndarray(value.tensor)))
            self._run.log(values, step, wall_time=wall_time, commit=False)
        else:
            self._warn(name, f"summaries of TensorBoard's plugin {name!r} are not logged, as {value.tag!r}")


def _hparams(tag: str, content: bytes) -> dict[str, Any]:
    if tag != hparams_metadata.SESSION_START_INFO_TAG:
        return {}
    hparams = hparams_metadata.parse_session_start_info_plugin_data(content).hparams
    return {name: getattr(value, value.WhichOneof("kind")) for name, value in hparams.items()}


def _scalar(tag: str, tensor: np.ndarray) -> Iterator[tuple[str, float]]:
    yield tag, float(tensor.reshape(()))


def _histogram(tag: str, tensor: np.ndarray) -> Iterator[tuple[str, Histogram]]:
    yield tag, from_intervals(*tensor.reshape(-1, 3).T)


def _images(tag: str, tensor: np.ndarray) -> Iterator[tuple[str, Image]]:
    from PIL import Image as pil

    for index, data in enumerate(tensor[2:]):
        yield _numbered(tag, index), Image.from_array(pil.open(io.BytesIO(data)))


def _audio(tag: str, tensor: np.ndarray) -> Iterator[tuple[str, Any]]:
    clips = tensor.reshape(len(tensor), -1)
    for index, (wav, *label) in enumerate(clips):
        caption = label[0].decode("utf-8", "replace") if label else ""
        yield _numbered(tag, index), KINDS["audio"].type.from_wav(wav, caption)


def _text(tag: str, tensor: np.ndarray) -> Iterator[tuple[str, Text]]:
    lines = np.vectorize(lambda line: line.decode("utf-8", "replace"), otypes=[object])(tensor)
    yield tag, Text(str(lines) if lines.ndim == 0 else _table(lines), "markdown")


def _table(cells: np.ndarray) -> str:
    """Rows of a Markdown table; of more than two dimensions, the first table."""
    while cells.ndim > 2:
        cells = cells[0]
    rows = [f"| {' | '.join(row)} |" for row in np.atleast_2d(cells.T).T]
    width = cells.shape[1] if cells.ndim == 2 else 1
    return "\n".join([f"|{'   |' * width}", f"|{'---|' * width}", *rows])


def _graph(tag: str, tensor: np.ndarray) -> Iterator[tuple[str, Any]]:
    yield "graph", capture(tf.compat.v1.GraphDef.FromString(tensor.reshape(()).item()))


def _traced_graph(tag: str, tensor: np.ndarray) -> Iterator[tuple[str, Any]]:
    trace = tf.compat.v1.RunMetadata.FromString(tensor.reshape(()).item())
    graphs = [one.pre_optimization_graph for one in trace.function_graphs] or list(trace.partition_graphs)
    if graphs:
        yield "graph", capture(max(graphs, key=lambda graph: len(graph.node)))


def _numbered(tag: str, index: int) -> str:
    """The first of a summary's images or clips has its tag, the others a number after it."""
    return tag if index == 0 else f"{tag}/{index}"


PLUGINS: dict[str, Converter] = {
    "scalars": _scalar,
    "histograms": _histogram,
    "images": _images,
    "audio": _audio,
    "text": _text,
    "graphs": _graph,
    "graph_run_metadata": _traced_graph,
    "graph_run_metadata_graph": _traced_graph,
}
