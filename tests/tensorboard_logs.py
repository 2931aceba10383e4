"""Real logs for tests: written by PyTorch, TensorFlow 2 and 1, and Keras."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image as pil

RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 255, (3, 6, 5), np.uint8)
VALUES = RNG.normal(size=1000)
POINTS = RNG.random((1, 4, 3)).astype(np.float32)


def write_torch(folder: Path) -> None:
    import torch
    from torch.utils.tensorboard import SummaryWriter

    with SummaryWriter(str(folder), purge_step=3) as writer:
        for step in range(300):
            writer.add_scalar("loss", 1 / (step + 1), step, walltime=1e9 + step)
        writer.add_scalar("exact", 0.1, 7, double_precision=True, new_style=True)
        writer.add_scalar("not finite", float("nan"), 1)
        writer.add_scalar("not finite", float("inf"), 2)
        writer.add_histogram("weights", VALUES, 4)
        writer.add_image("picture", PIXELS, 5)
        writer.add_audio("sound", torch.linspace(-1, 1, 400), 7, sample_rate=8000)
        writer.add_text("note", "**bold**", 8)
        writer.add_pr_curve("curve", np.array([1, 0, 1, 1]), np.array([0.9, 0.3, 0.2, 0.8]), 9)
        writer.add_mesh("shape", torch.from_numpy(POINTS), faces=torch.tensor([[[0, 1, 2]]]), global_step=10)
        writer.add_custom_scalars({"losses": {"both": ["Multiline", ["loss", "exact"]]}})
        writer.add_tensor("anything", torch.arange(6.0).reshape(2, 3), 11)
        writer.add_graph(torch.nn.Linear(3, 2), torch.zeros(1, 3))
        writer.add_embedding(torch.eye(4), metadata=["a", "b", "c", "d"], tag="points", global_step=12)
        writer.add_hparams({"lr": 0.5, "name": "adam"}, {"best": 0.25}, run_name="trial")


def write_tensorflow(folder: Path) -> None:
    import tensorflow as tf
    from tensorboard.plugins.hparams import api as hparams

    with tf.summary.create_file_writer(str(folder)).as_default():
        for step in range(300):
            tf.summary.scalar("loss", step / 4, step=step, description="what *grows*")
        for dtype in (tf.float64, tf.float16, tf.int32, tf.int64, tf.uint8, tf.bfloat16):
            tf.summary.scalar(f"dtype/{dtype.name}", tf.cast(5, dtype), step=1)
        for step in range(40):
            exact = tf.constant(2.5, tf.float64) / 3
            tf.summary.write("exact", exact, step=step, metadata=_metadata("scalars"))
        tf.summary.histogram("weights", VALUES, step=4)
        pictures = np.stack([np.moveaxis(PIXELS, 0, 2)] * 2)
        tf.summary.image("pictures", pictures, step=5, description="both alike")
        tf.summary.audio("sounds", np.linspace(-1, 1, 400, dtype=np.float32).reshape(1, -1, 1), 8000, step=6)
        tf.summary.text("table", [["a", "b"], ["c", "d"]], step=7)
        tf.summary.write("mine", tf.range(3), step=8, metadata=_metadata("my_plugin"))
        tf.summary.write("clip", [b"5", b"6", _gif()], step=6, metadata=_metadata("images"))
        hparams.hparams({"units": 16, "dropout": True})
        tf.summary.trace_on(graph=True)
        tf.function(lambda x: x * 2)(tf.constant(1.0))
        tf.summary.trace_export("traced", step=9)


def _gif() -> bytes:
    """A video, as tensorboardX and PyTorch write it where moviepy is installed."""
    buffer = io.BytesIO()
    frames = [pil.fromarray(np.moveaxis(picture, 0, 2)) for picture in (PIXELS, 255 - PIXELS)]
    frames[0].save(buffer, "GIF", save_all=True, append_images=frames[1:])
    return buffer.getvalue()


def _metadata(plugin: str) -> object:
    import tensorflow as tf

    metadata = tf.compat.v1.SummaryMetadata()
    metadata.plugin_data.plugin_name = plugin
    return metadata


def write_keras(folder: Path) -> None:
    import keras

    layers = keras.layers
    model = keras.Sequential([layers.Input((4,)), layers.Dense(2, name="hidden"), layers.Dense(1)])
    model.compile("adam", "mse")
    x = np.zeros((32, 4), np.float32)
    board = keras.callbacks.TensorBoard(str(folder), histogram_freq=1)
    model.fit(x, x.sum(1), epochs=3, validation_split=0.25, verbose=0, callbacks=[board])


def write_tensorflow_1(folder: Path) -> None:
    """A session's graph, legacy summaries, and plugins' summaries, whose metadata only the first has."""
    import tensorflow as tf
    from tensorboard.plugins.scalar import summary as scalar_summary

    v1 = tf.compat.v1
    with v1.Graph().as_default() as graph:
        value = v1.placeholder(tf.float32, [], name="value")
        picture = v1.constant(np.moveaxis(PIXELS, 0, 2)[None])
        merged = v1.summary.merge(
            [
                v1.summary.scalar("loss", value),
                v1.summary.histogram("weights", VALUES.astype(np.float32) + value),
                v1.summary.image("picture", picture),
                scalar_summary.op("tensor_loss", value),
            ]
        )
        with v1.Session() as session:
            writer = v1.summary.FileWriter(str(folder), graph)
            for step in range(100):
                writer.add_summary(session.run(merged, {value: step / 8}), step)
            trace = v1.RunMetadata()
            session.run(merged, {value: 0.0}, v1.RunOptions(trace_level=3), trace)
            writer.add_run_metadata(trace, "step 100", 100)
            writer.add_session_log(v1.SessionLog(status=v1.SessionLog.START), 50)
            writer.close()
