"""What watching a model costs: histograms, statistics, and training steps, beside other tools.

``python -m benchmarks.watch`` prints the tables.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .measure import median_of, table

PARAMETERS = 25_600_000
BLOCKS, BLOCK = 15, 10
TOOLS = {
    "ours": "trainboard, histograms",
    "ours, statistics": "trainboard, statistics of all layers",
    "summary_writer": "torch SummaryWriter.add_histogram",
    "tf_summary": "tf.summary.histogram",
    "keras": "Keras TensorBoard(histogram_freq=1), one epoch's call",
}
OPTIONS: dict[str, dict[str, Any]] = {
    "the flight recorder alone": {"weights": 0, "gradients": 0, "activations": 0, "updates": 0},
    "weights alone": {"gradients": 0, "activations": 0, "updates": 0, "flight_recorder": 0},
    "gradients alone": {"weights": 0, "activations": 0, "updates": 0, "flight_recorder": 0},
    "activations alone": {"weights": 0, "gradients": 0, "updates": 0, "flight_recorder": 0},
    "updates alone": {"weights": 0, "gradients": 0, "activations": 0, "flight_recorder": 0},
    "defaults without histograms": {"histograms": False},
    "defaults": {},
}


def layers() -> list[Any]:
    """Tensors of the sizes of a ResNet-50's, 25.6 million float32 values in all."""
    import torch

    sizes = [2_359_296] * 6 + [1_048_576] * 8 + [65_536] * 40 + [512] * 100
    sizes.append(PARAMETERS - sum(sizes))
    return [torch.randn(size) * 0.02 for size in sizes]


def histograms(folder: str, tool: str) -> dict[str, float]:
    """Seconds for all tensors over those of ``np.sum`` over the same memory."""
    import numpy as np

    tensors = layers()
    arrays = [tensor.numpy() for tensor in tensors]
    unit = _median(lambda: [np.sum(array) for array in arrays], 5)
    act = {
        "ours": lambda: _ours(tensors, True),
        "ours, statistics": lambda: _ours(tensors, False),
        "summary_writer": _summary_writer(folder, tensors),
        "tf_summary": _tf_summary(folder, arrays),
        "keras": _keras(folder, arrays),
    }[tool] if tool.startswith("ours") else {
        "summary_writer": _summary_writer,
        "tf_summary": _tf_summary,
        "keras": _keras,
    }[tool](folder, arrays)
    return {"passes": _median(act, 3) / unit}


def _ours(tensors: list[Any], histogram: bool) -> None:
    from trainboard.loggers.torch_measure import measure

    for tensor in tensors:
        measure(tensor, histogram)


def _summary_writer(folder: str, arrays: list[Any]) -> Callable[[], None]:
    from torch.utils.tensorboard import SummaryWriter

    writer = SummaryWriter(folder)

    def act() -> None:
        for number, array in enumerate(arrays):
            writer.add_histogram(f"layer/{number}", array, 0)

    return act


def _tf_summary(folder: str, arrays: list[Any]) -> Callable[[], None]:
    import tensorflow as tf

    writer = tf.summary.create_file_writer(folder)
    tensors = [tf.constant(array) for array in arrays]

    def act() -> None:
        with writer.as_default():
            for number, tensor in enumerate(tensors):
                tf.summary.histogram(f"layer/{number}", tensor, step=0)

    return act


def _keras(folder: str, arrays: list[Any]) -> Callable[[], None]:
    import keras

    model = keras.Sequential([keras.Input((1,)), *[keras.layers.Dense(a.size, use_bias=False) for a in ()]])
    for array in arrays:
        layer = keras.layers.EinsumDense("a,b->ab", array.size)
        model.layers.append(layer)
    callback = keras.callbacks.TensorBoard(folder, histogram_freq=1, write_graph=False)
    callback.set_model(model)
    return lambda: callback.on_epoch_end(0, {})


def _median(act: Callable[[], Any], repeats: int) -> float:
    took = []
    for _ in range(repeats):
        begin = time.perf_counter()
        act()
        took.append(time.perf_counter() - begin)
    return statistics.median(took)
