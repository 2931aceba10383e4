"""What watching a model costs: histograms and statistics beside other tools, and training steps.

``python -m benchmarks.watch`` prints the tables.
"""

from __future__ import annotations

import itertools
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from .measure import Row, median_of, table

SHAPES = [(1000, 1024), (1024, 1000)] * 12 + [(1000, 1024)]  # 25.6 million parameters
TOOLS = {
    "trainboard": "trainboard, histograms",
    "trainboard_statistics": "trainboard, statistics of all layers",
    "summary_writer": "SummaryWriter.add_histogram",
    "tf_summary": "tf.summary.histogram",
    "keras": "Keras TensorBoard(histogram_freq=1)",
    "numpy_64": "np.histogram of 64 bins, which is what wandb.Histogram calls",
}
NOTHING = {"weights": False, "gradients": False, "activations": False, "updates": False}
OPTIONS: dict[str, dict[str, Any]] = {
    "defaults": {},
    "defaults, histograms=False": {"histograms": False},
    "flight recorder alone": NOTHING,
    **{f"{one} alone": {**NOTHING, one: True, "flight_recorder": False} for one in NOTHING},
}
WIDTHS = [(3, 32, 1), (32, 64, 2), (64, 128, 1), (128, 128, 2)]
WIDTHS += [(128, 256, 1), (256, 256, 2), (256, 512, 1), (512, 256, 1)]  # in, out, stride
EVERY, BLOCKS = 1000, 24
DUE, STEADY = 6, 5
"""Steps of a block: one that is due with those while the drain stores what it left, then usual ones."""

Act = Callable[[], object]
Block = tuple[list[float], list[float]]


def trainboard(folder: Path, arrays: list[np.ndarray], histograms: bool = True) -> Act:
    import torch

    from trainboard.loggers.torch_measure import measure

    tensors = [torch.from_numpy(array.reshape(-1)) for array in arrays]
    return lambda: [measure(tensor, histograms) for tensor in tensors]


def trainboard_statistics(folder: Path, arrays: list[np.ndarray]) -> Act:
    return trainboard(folder, arrays, histograms=False)


def summary_writer(folder: Path, arrays: list[np.ndarray]) -> Act:
    from torch.utils.tensorboard import SummaryWriter

    writer = SummaryWriter(str(folder))
    return lambda: [writer.add_histogram(f"layer/{at}", array, 0) for at, array in enumerate(arrays)]


def tf_summary(folder: Path, arrays: list[np.ndarray]) -> Act:
    import tensorflow as tf

    writer = tf.summary.create_file_writer(str(folder))
    tensors = [tf.constant(array) for array in arrays]

    def act() -> None:
        with writer.as_default():
            for at, tensor in enumerate(tensors):
                tf.summary.histogram(f"layer/{at}", tensor, step=0)

    return act


def keras(folder: Path, arrays: list[np.ndarray]) -> Act:
    import keras

    layers = [keras.layers.Dense(array.shape[1], use_bias=False) for array in arrays]
    model = keras.Sequential([keras.Input((arrays[0].shape[0],)), *layers])
    model.set_weights(arrays)
    callback = keras.callbacks.TensorBoard(str(folder), histogram_freq=1, write_graph=False)
    callback.set_model(model)
    return lambda: callback.on_epoch_end(0, {})


def numpy_64(folder: Path, arrays: list[np.ndarray]) -> Act:
    return lambda: [np.histogram(array, bins=64) for array in arrays]


def passes(folder: str, tool: str) -> dict[str, float]:
    """How many times as long as ``np.sum`` over the same memory it takes."""
    random = np.random.default_rng(0)
    arrays = [random.normal(0, 0.02, shape).astype(np.float32) for shape in SHAPES]
    unit = _median(lambda: [np.sum(array) for array in arrays])
    return {"passes": _median(globals()[tool](Path(folder), arrays)) / unit}


def _median(act: Act, repeats: int = 5) -> float:
    act()
    return statistics.median(_seconds(act) for _ in range(repeats))


def _seconds(act: Act) -> float:
    begin = time.perf_counter()
    act()
    return time.perf_counter() - begin


def step(folder: str, options: str) -> dict[str, float]:
    """Milliseconds: of an unwatched step, what watching adds to each, and what a due one adds at once."""
    import trainboard as tb

    model, train = _training()
    blocks: list[Block] = []
    for _ in range(3):
        train()
    with tb.init("bench", store=Path(folder) / "store.db") as run:
        for _ in range(BLOCKS):
            unwatched = [_seconds(train) for _ in range(STEADY)]
            run.watch(model, every=EVERY, **OPTIONS[options])
            blocks.append((unwatched, [_seconds(train) for _ in range(DUE + STEADY)]))
            run.unwatch()
    return _told(blocks)


def keras_step(folder: str, options: str) -> dict[str, float]:
    """The same in ``fit`` on TensorFlow, whose step is traced: two models whose steps take turns."""
    import trainboard as tb

    models = [_keras_training(), _keras_training()]
    blocks: list[Block] = []
    with tb.init("bench", store=Path(folder) / "store.db") as run:
        run.watch(models[1], every=DUE + STEADY, **OPTIONS[options])
        logs = tb.KerasCallback(run, log_graph=False, time_steps=False)
        steps = [_fit(model, callbacks) for model, callbacks in zip(models, ([], [logs]), strict=True)]
        for _ in range(BLOCKS + 1):
            unwatched, took = np.transpose(
                [[_seconds(step) for step in steps] for _ in range(DUE + STEADY)]
            ).tolist()
            usual = statistics.median(unwatched[DUE:])
            # What storing a due step takes from its neighbor's time is its doing, too.
            took[:DUE] = [own + other - usual for own, other in zip(took, unwatched[:DUE], strict=False)]
            blocks.append((unwatched[DUE:], took))
    return _told(blocks[1:])  # what came before was tracing


def _fit(model: Any, callbacks: list[Any]) -> Act:
    """What ``fit`` does for one step, with a batch that is there already."""
    import keras
    import tensorflow as tf

    images = np.random.default_rng(0).normal(size=(32, 32, 32, 3)).astype(np.float32)
    batches = iter(tf.data.Dataset.from_tensors((images, np.zeros(32))).repeat())
    model.make_train_function()
    told = keras.callbacks.CallbackList(callbacks, model=model, epochs=1, steps=0)
    told.on_train_begin()
    told.on_epoch_begin(0)
    numbers = itertools.count()

    def step() -> None:
        number = next(numbers)
        told.on_train_batch_begin(number)
        told.on_train_batch_end(number, model.train_function(batches))

    return step


def _told(blocks: list[Block]) -> dict[str, float]:
    """Medians in milliseconds; of what is added, over blocks, as machines have slower minutes."""
    median = statistics.median
    units = [median(unwatched) for unwatched, _ in blocks]
    added = [median(took[DUE:]) - unit for unit, (_, took) in zip(units, blocks, strict=True)]
    usual = [unit + more for unit, more in zip(units, added, strict=True)]
    due = [sum(took[:DUE]) - DUE * step for step, (_, took) in zip(usual, blocks, strict=True)]
    return {"unwatched": 1e3 * median(units), "added": 1e3 * median(added), "due": 1e3 * median(due)}


def _keras_training() -> Any:
    """The net of ``_training`` in Keras."""
    import keras
    from keras import layers

    model: Any = keras.Sequential([keras.Input((32, 32, 3))])
    for _, outputs, stride in WIDTHS:
        model.add(layers.Conv2D(outputs, 3, stride, "same", use_bias=False))
        model.add(layers.BatchNormalization())
        model.add(layers.ReLU())
    model.add(layers.GlobalAveragePooling2D())
    model.add(layers.Dense(10))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(0.01, momentum=0.9), loss, jit_compile=False)
    return model


def _training() -> tuple[Any, Callable[[], None]]:
    """A convolutional net of 3.5 million parameters, and a step of its training."""
    import torch
    from torch import nn

    def block(inputs: int, outputs: int, stride: int = 1) -> nn.Module:
        convolution = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.ReLU())

    blocks = [block(*width) for width in WIDTHS]
    model = nn.Sequential(*blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(256, 10))
    optimizer = torch.optim.SGD(model.parameters(), 0.01, momentum=0.9)
    images, labels = torch.randn(32, 3, 32, 32), torch.randint(0, 10, (32,))

    def train() -> None:
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(images), labels).backward()
        optimizer.step()

    return model, train


def report(repeats: int) -> str:
    rows: list[Row] = [
        (name, f"{median_of(repeats, 'benchmarks.watch', 'passes', tool)['passes']:.1f}")
        for tool, name in TOOLS.items()
    ]
    title = "Histograms of 25.6 million parameters, in passes (np.sum = 1)"
    return "\n".join(
        [
            table(title, ("", "passes"), rows),
            _steps("step", "Training steps of a convolutional net", OPTIONS, repeats),
            _steps("keras_step", "The same in Keras's fit", ("defaults", "flight recorder alone"), repeats),
        ]
    )


def _steps(what: str, title: str, options: Iterable[str], repeats: int) -> str:
    rows: list[Row] = []
    for option in options:
        found = median_of(repeats, "benchmarks.watch", what, option)
        unwatched, added, due = (found[name] for name in ("unwatched", "added", "due"))
        ratio = 1 + (added + due / EVERY) / unwatched
        rows.append((option, *(f"{ms:.1f}" for ms in (unwatched, added, due)), f"{ratio:.3f}"))
    header = ("", "a step unwatched, ms", "watching adds", "a due step adds", "watched, over unwatched")
    return table(f"{title}, every {EVERY}th step due", header, rows)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        where, what, *rest = sys.argv[1:]
        measures = {"passes": passes, "step": step, "keras_step": keras_step}
        print(json.dumps(measures[what](where, *rest)))
    else:
        print(report(repeats=3))
