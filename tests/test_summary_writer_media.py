"""Media that a SummaryWriter is given arrive as in PyTorch's own."""

from __future__ import annotations

import io
import wave
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as pil
from writer_twins import torch

import trainboard as tb
from trainboard import SummaryWriter

pytest_plugins = ["writer_twins"]


RNG = np.random.default_rng(0)


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    yield f"sqlite:///{tmp_path / 'runs.db'}"


def test_histograms_hold_the_same_values(twice: Any) -> None:
    values = RNG.normal(size=1000).astype(np.float32)
    counts, edges = np.histogram(values, 20)
    raw = {
        "min": values.min(), "max": values.max(), "num": 1000, "sum": values.sum(),
        "sum_squares": values @ values, "bucket_limits": edges[1:].tolist(), "bucket_counts": counts.tolist(),
    }  # fmt: skip

    def program(writer: Any) -> None:
        writer.add_histogram("h", torch.from_numpy(values), 1)
        writer.add_histogram_raw("raw", **raw, global_step=1)

    made = twice(program)
    for tag in ("h", "raw"):
        ours, theirs = made.value(tag, "histogram"), made.events.Histograms(tag)[0].histogram_value
        assert ours.count == theirs.num == 1000
        assert (ours.minimum, ours.maximum) == pytest.approx((theirs.min, theirs.max))
        assert (ours.sum, ours.sum_squares) == pytest.approx((theirs.sum, theirs.sum_squares), rel=1e-5)
        limits = np.array([theirs.min, *theirs.bucket_limit]).clip(theirs.min, theirs.max)
        below = np.interp(limits, *spread_evenly(ours))
        assert np.abs(below - np.append(0, np.cumsum(theirs.bucket))).max() < 30


def spread_evenly(histogram: Any) -> tuple[Any, Any]:
    """Values, and how many lie below each, at a thousand places."""
    edges, counts = histogram.linear(1000)
    return edges, np.append(0, counts.cumsum())


PICTURES: dict[str, Callable[[Any], None]] = {
    "float": lambda w: w.add_image("x", torch.rand(3, 8, 9, generator=torch.manual_seed(0))),
    "uint8": lambda w: w.add_image("x", np.arange(192, dtype=np.uint8).reshape(3, 8, 8)),
    "out of range": lambda w: w.add_image("x", np.linspace(-2, 2, 192).reshape(3, 8, 8)),
    "grey": lambda w: w.add_image("x", np.linspace(0, 1, 64).reshape(8, 8), dataformats="HW"),
    "channels last": lambda w: w.add_image("x", np.linspace(0, 1, 96).reshape(4, 8, 3), dataformats="HWC"),
    "grid": lambda w: w.add_images("x", np.linspace(0, 1, 11 * 60).reshape(11, 3, 4, 5)),
    "grey grid": lambda w: w.add_images("x", np.linspace(0, 1, 60).reshape(3, 4, 5, 1), dataformats="NHWC"),
    "boxes": lambda w: w.add_image_with_boxes(
        "x", np.zeros((3, 64, 64)), np.array([[10, 10, 40, 40], [4, 40, 60, 60]]), labels=["cat", "dog"]
    ),
    "rescaled": lambda w: w.add_image_with_boxes(
        "x", torch.ones(3, 40, 30), torch.tensor([[1.0, 1, 20, 20]]), rescale=2
    ),
}


@pytest.mark.parametrize("name", PICTURES)
def test_pictures_are_the_same_to_the_pixel(name: str, twice: Any) -> None:
    made = twice(PICTURES[name])
    ours = pil.open(io.BytesIO(made.value("x", "image").png)).convert("RGB")
    theirs = pil.open(io.BytesIO(made.events.Images("x")[0].encoded_image_string)).convert("RGB")
    assert ours.size == theirs.size
    assert np.array_equal(np.asarray(ours), np.asarray(theirs))


def test_figures_of_matplotlib_are_the_same_to_the_pixel_and_are_closed(twice: Any) -> None:
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    from matplotlib import pyplot

    def figure(height: float) -> Any:
        made, axes = pyplot.subplots(figsize=(2, 1))
        axes.bar([1, 2], [height, 3])
        return made

    made = twice(lambda w: (w.add_figure("one", figure(1)), w.add_figure("list", [figure(1), figure(2)])))
    for tag in ("one", "list"):
        ours = pil.open(io.BytesIO(made.value(tag, "image").png)).convert("RGB")
        theirs = pil.open(io.BytesIO(made.events.Images(tag)[0].encoded_image_string)).convert("RGB")
        assert np.array_equal(np.asarray(ours), np.asarray(theirs))
    assert pyplot.get_fignums() == []


def test_sounds_have_the_same_samples(twice: Any) -> None:
    samples = RNG.uniform(-1, 1, (1, 500)).astype(np.float32)
    made = twice(lambda w: w.add_audio("a", torch.from_numpy(samples), 2, sample_rate=8000))
    ours, theirs = made.value("a", "audio"), made.events.Audio("a")[0]
    assert (ours.sample_rate, ours.frames) == (theirs.sample_rate, theirs.length_frames) == (8000, 500)

    def read(data: bytes) -> bytes:
        with wave.open(io.BytesIO(data)) as file:
            return file.readframes(file.getnframes())

    assert read(ours.wav) == read(theirs.encoded_audio_string)


def test_texts_are_the_same(twice: Any) -> None:
    made = twice(lambda w: w.add_text("note", "a|b\n-|-\nc|d", 1))
    assert made.value("note", "text").format == "markdown"
    assert made.value("note", "text").text.encode() == made.tensor("note/text_summary")[0]


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16])
@pytest.mark.parametrize("weights", [None, 0.5, "each"])
def test_pr_curves_are_the_same(twice: Any, dtype: Any, weights: Any) -> None:
    labels, predictions = RNG.integers(0, 2, 500), RNG.random(500).astype(dtype)
    predictions[:127] = np.linspace(0, 1, 127)
    each = RNG.random(500) if weights == "each" else weights
    made = twice(lambda w: w.add_pr_curve("p", labels, torch.from_numpy(predictions), 1, weights=each))
    ours = np.stack(made.value("p", "pr_curve").rows)
    assert ours.shape == (6, 127)
    np.testing.assert_allclose(ours, made.tensor("p"), rtol=1e-5, atol=1e-4)


def test_raw_pr_curves_are_the_same(twice: Any) -> None:
    rows = [[75, 64, 5], [150, 105, 0], [0, 45, 150], [0, 11, 70], [0.33, 0.37, 1.0], [1.0, 0.85, 0.06]]
    made = twice(lambda w: w.add_pr_curve_raw("p", *rows, num_thresholds=3))
    np.testing.assert_allclose(np.stack(made.value("p", "pr_curve").rows), made.tensor("p"), rtol=1e-6)


def test_meshes_are_the_same(twice: Any) -> None:
    corners = RNG.normal(size=(1, 4, 3))
    colors, faces = RNG.integers(0, 256, (1, 4, 3)), np.array([[[0, 2, 3], [0, 3, 1]]])
    made = twice(lambda w: w.add_mesh("m", torch.from_numpy(corners), colors, faces, {"camera": 1}))
    ours = made.value("m", "mesh")
    assert ours.config == {"camera": 1}
    for suffix, array in (("VERTEX", ours.vertices), ("COLOR", ours.colors), ("FACE", ours.faces)):
        np.testing.assert_allclose(array[np.newaxis], made.tensor(f"m_{suffix}"), rtol=1e-6)


def test_videos_have_the_pixels_of_the_grid_they_are_laid_out_in(tmp_path: Path, url: str) -> None:
    from torch.utils.tensorboard import _utils

    clips = RNG.random((5, 4, 3, 6, 7))
    with SummaryWriter(tmp_path / "net", store=url) as writer:
        writer.add_video("v", torch.from_numpy(clips), 1, fps=8)
    store = tb.open_store(url)
    value = store.records(store.runs()[0].id, "v", "video")[0].value
    expected = (_utils._prepare_video(clips).astype(np.float32) * 255).clip(0, 255).astype(np.uint8)
    with pil.open(io.BytesIO(value.data)) as file:
        for number, frame in enumerate(expected):
            file.seek(number)
            assert np.array_equal(np.asarray(file.convert("RGB")), frame)
    assert (value.frames, value.fps) == (4, 8)
