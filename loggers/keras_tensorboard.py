"""A callback with the arguments of ``keras.callbacks.TensorBoard``."""

from __future__ import annotations

import csv
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import keras
import numpy as np

from ..storage.kinds import KINDS
from ..storage.kinds.histogram import Histogram
from ..storage.kinds.image import Image
from . import session
from .keras_backend import to_numpy
from .keras_callback import KerasCallback
from .profile import Profile, checked_steps
from .run import Run


class KerasTensorBoard(KerasCallback):
    """In place of ``keras.callbacks.TensorBoard``: same arguments, logged to a run.

    Metrics are logged as ``KerasCallback`` does: ``train/<metric>`` after each epoch, or every
    ``update_freq`` batches, ``val/<metric>`` after each epoch, at the optimizer's iterations. Every
    ``histogram_freq`` epochs come histograms ``weights/<path>`` of all weights, with ``write_images``
    pictures of them under the same tags, every ``embeddings_freq`` epochs ``embeddings/<layer>``, whose
    labels are read from ``embeddings_metadata`` (a file of tab-separated values, or one for each layer's
    name). With ``write_steps_per_second`` there is ``train/steps_per_second``.

    If no run is given or current, a run named as ``log_dir`` is started; nothing is written to that
    folder. The batches of ``profile_batch``, one or from a first to a last, are profiled as by
    ``Run.profile``. Raises ValueError if these are none.
    """

    def __init__(
        self,
        log_dir: str | os.PathLike[str] = "logs",
        histogram_freq: int = 0,
        write_graph: bool = True,
        write_images: bool = False,
        write_steps_per_second: bool = False,
        update_freq: Literal["epoch", "batch"] | int = "epoch",
        profile_batch: int | tuple[int, int] | str = 0,
        embeddings_freq: int = 0,
        embeddings_metadata: str | Mapping[str, str] | None = None,
        *,
        run: Run | None = None,
    ) -> None:
        super().__init__(run, update_freq, watch=False, log_graph=write_graph, time_steps=False)
        self._profile_steps = _batches(profile_batch)
        self._profile: Profile | None = None
        self._name = str(log_dir)
        self._histogram_freq = histogram_freq
        self._writes_images = write_images
        self._writes_speed = write_steps_per_second
        self._embeddings_freq = embeddings_freq
        self._embeddings_metadata = embeddings_metadata
        self._last_step = 0
        self._last_time = 0.0

    def _begin(self) -> None:
        super()._begin()
        if self._run is not None and self._profile_steps is not None:
            self._profile = self._run.profile(self._profile_steps)

    def _begin_batch(self, batch: int) -> None:
        super()._begin_batch(batch)
        if self._profile is not None:
            self._profile.begin_step()

    def _end_batch(self, batch: int, logs: dict[str, Any] | None) -> None:
        if self._profile is not None:
            self._profile.end_step()
        super()._end_batch(batch, logs)

    def _end(self) -> None:
        if self._profile is not None:
            self._profile.close()
        super()._end()

    def _begin_epoch(self, epoch: int) -> None:
        super()._begin_epoch(epoch)
        self._last_step, self._last_time = self._before_epoch, time.perf_counter()

    def _end_epoch(self, epoch: int, logs: dict[str, Any]) -> None:
        super()._end_epoch(epoch, logs)
        if self._histogram_freq and epoch % self._histogram_freq == 0:
            with self._guard("logging weights"):
                self._log_weights(self._iterations())
        if self._embeddings_freq and epoch % self._embeddings_freq == 0:
            with self._guard("logging embeddings"):
                self._log_embeddings(self._iterations())

    def _start_run(self) -> Run:
        return session.init(name=self._name)

    def _log_training(self, step: int, metrics: dict[str, Any]) -> None:
        now = time.perf_counter()
        if self._writes_speed and step > self._last_step:
            speed = (step - self._last_step) / (now - self._last_time)
            metrics = {**metrics, "steps_per_second": speed}
        self._last_step, self._last_time = step, now
        super()._log_training(step, metrics)

    def _log_weights(self, step: int) -> None:
        model: Any = self.model
        for variable in model.weights:
            tag = f"weights/{variable.path.removeprefix(f'{model.name}/')}"
            values = to_numpy(variable)
            self._log({tag: Histogram.from_values(values.astype(np.float32, copy=False))}, step)
            picture = _picture(values) if self._writes_images else None
            if picture is not None:
                self._log({tag: Image.from_array(picture)}, step)

    def _log_embeddings(self, step: int) -> None:
        model: Any = self.model
        for layer in model._flatten_layers():
            if isinstance(layer, keras.layers.Embedding):
                vectors = to_numpy(layer.embeddings).astype(np.float32)
                columns, rows = self._labels(layer.name, len(vectors))
                self._log({f"embeddings/{layer.name}": KINDS["embedding"].type(vectors, columns, rows)}, step)

    def _labels(self, layer: str, count: int) -> tuple[list[str], list[list[Any]]]:
        """Columns and rows of a layer's labels; as TensorBoard has it, one column alone has no header."""
        given = self._embeddings_metadata
        path = given.get(layer) if isinstance(given, Mapping) else given
        if path is None:
            return [], []
        with Path(path).open(encoding="utf-8", newline="") as file:
            rows: list[list[Any]] = list(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
        columns = ["label"] if len(rows[0]) == 1 else rows.pop(0)
        if len(rows) != count:
            raise ValueError(f"{path} has {len(rows)} labels for the {count} vectors of {layer!r}")
        return columns, rows


def _batches(given: int | tuple[int, int] | str) -> tuple[int, int] | None:
    """The first and the last batch of a ``profile_batch``; None for 0. Raises ValueError."""
    try:
        parts = given.split(",") if isinstance(given, str) else given
        first, last = map(int, (parts, parts) if isinstance(parts, int) else (parts[0], parts[-1]))
    except (TypeError, ValueError):
        raise ValueError(f'profile_batch must be a number, or two as in "10,20", not {given!r}') from None
    return checked_steps((first, last)) if last else None


def _picture(values: np.ndarray) -> np.ndarray | None:
    """A weight as a picture from its least to its greatest value; None for more than four dimensions.

    Kernels of a convolution lie side by side, those of one output in a row.
    """
    values = np.squeeze(values)
    if values.ndim == 4:  # height x width x in x out
        height, width, inputs, outputs = values.shape
        values = values.transpose(3, 0, 2, 1).reshape(outputs * height, inputs * width)
    if values.ndim == 3:
        values = np.concatenate(list(np.moveaxis(values, -1, 0)), axis=1)
    if values.ndim > 2 or not values.size:
        return None
    values = np.atleast_2d(values).astype(np.float32)
    finite = values[np.isfinite(values)]
    low, high = (finite.min(), finite.max()) if finite.size else (0.0, 0.0)
    return (values - low) / (high - low) if high > low else np.zeros_like(values)
