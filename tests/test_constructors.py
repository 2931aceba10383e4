"""What ``tb.Audio``, ``tb.Table`` and the like accept, and what ``log()`` makes of others' objects."""

from __future__ import annotations

import io
import math
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as pil

import trainboard as tb
from trainboard.loggers.warn import TrainboardWarning
from trainboard.storage.kinds.figure import Figure
from trainboard.storage.kinds.histogram import Histogram
from trainboard.storage.kinds.histogram_buckets import from_limits
from trainboard.storage.kinds.image import Image

RNG = np.random.default_rng(0)


def pixels(png: bytes) -> Any:
    return np.asarray(pil.open(io.BytesIO(png)))


def samples_of(wav: bytes) -> Any:
    with wave.open(io.BytesIO(wav)) as file:
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, file.getnchannels())


def test_a_sound_of_floats_is_clipped_and_one_of_int16_is_exact() -> None:
    audio = tb.Audio([0.0, 1.0, -1.0, 5.0, math.nan], 8000)
    assert samples_of(audio.wav)[:, 0].tolist() == [0, 32767, -32767, 32767, 0]
    assert (audio.sample_rate, audio.channels, audio.frames, audio.seconds) == (8000, 1, 5, 5 / 8000)
    stereo = RNG.integers(-32768, 32767, (50, 2), np.int16)
    assert np.array_equal(samples_of(tb.Audio(stereo).wav), stereo)


def test_a_picture_of_a_file_has_its_pixels(tmp_path: Path) -> None:
    made = tb.Image(RNG.integers(0, 256, (4, 5, 3), np.uint8), "noise")
    (tmp_path / "a.png").write_bytes(made.png)
    for file in (made.png, tmp_path / "a.png", str(tmp_path / "a.png")):
        assert np.array_equal(pixels(tb.Image(file, "noise").png), pixels(made.png))
    with pytest.raises(ValueError, match="no picture"):
        tb.Image(b"words")


def test_a_wav_file_is_kept_as_it_is(tmp_path: Path) -> None:
    made = tb.Audio(RNG.uniform(-1, 1, 100), 16000)
    (tmp_path / "a.wav").write_bytes(made.wav)
    assert tb.Audio(tmp_path / "a.wav") == tb.Audio(made.wav) == made


def test_a_video_has_the_pixels_and_the_pace_of_its_frames() -> None:
    frames = RNG.integers(0, 256, (5, 8, 6, 3), np.uint8)
    frames[3] = frames[2]
    video = tb.Video(frames, fps=10)
    assert (video.format, video.width, video.height, video.frames, video.fps) == ("png", 6, 8, 5, 10)
    file: Any = pil.open(io.BytesIO(video.data))
    with file:
        seconds = 0.0
        shown = []
        for number in range(file.n_frames):
            file.seek(number)
            seconds += file.info["duration"] / 1000
            shown.append(np.asarray(file.convert("RGB")))
    assert seconds == pytest.approx(0.5)
    assert np.array_equal(shown[0], frames[0]) and np.array_equal(shown[-1], frames[-1])


def test_a_video_file_is_kept_as_it_is_and_its_format_is_told_by_its_bytes() -> None:
    buffer = io.BytesIO()
    pil.new("RGB", (4, 3)).save(buffer, "GIF")
    gif = tb.Video(buffer.getvalue())
    assert (gif.data, gif.format, gif.width, gif.height) == (buffer.getvalue(), "gif", 4, 3)
    assert tb.Video(b"\0\0\0\x18ftypmp42" + bytes(20)).format == "mp4"
    assert tb.Video(b"\x1a\x45\xdf\xa3" + bytes(20)).format == "webm"


TABLES: dict[str, Callable[[], Any]] = {
    "dicts": lambda: tb.Table([{"a": 1, "b": "x"}, {"a": 2.5, "c": None}]),
    "rows": lambda: tb.Table([[1, "x", None], (2.5, None, None)], ["a", "b", "c"]),
    "columns": lambda: tb.Table({"a": [1, 2.5], "b": ["x", None], "c": [None, None]}),
}


@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_made_of_dicts_rows_and_columns(name: str) -> None:
    table = TABLES[name]()
    assert (table.columns, table.rows) == (["a", "b", "c"], [[1, "x", None], [2.5, None, None]])


def test_a_table_is_made_of_arrays_and_frames() -> None:
    pandas = pytest.importorskip("pandas")
    array = tb.Table(np.arange(6, dtype=np.float32).reshape(2, 3), ["a", "b", "c"])
    assert array.rows == [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]] and type(array.rows[0][0]) is float
    when = pandas.Timestamp("2026-01-02")
    frame = pandas.DataFrame({"n": [1, 2], "t": [when, when], "s": ["x", "y"]})
    assert tb.Table(frame).rows == [[1, str(when), "x"], [2, str(when), "y"]]
    assert tb.Table(frame, ["s", "n"]).columns == ["s", "n"]


def test_a_figure_of_plotly_is_checked_and_kept() -> None:
    figure = tb.Figure({"data": [{"type": "bar", "y": [1, 2]}], "layout": {"title": {"text": "t"}}})
    assert isinstance(figure, Figure)
    assert figure.data[0]["type"] == "bar" and figure.layout["title"] == {"text": "t"}
    with pytest.raises(ValueError, match="bars"):
        tb.Figure({"data": [{"type": "bar", "bars": 1}]})


def test_a_figure_of_matplotlib_has_the_dots_an_inch_it_is_asked_for() -> None:
    figure_module = pytest.importorskip("matplotlib.figure")
    figure = figure_module.Figure(figsize=(2, 1), dpi=50)
    figure.subplots().plot([1, 2])
    usual, finer = tb.Figure(figure), tb.Figure(figure, dpi=80)
    assert isinstance(usual, Image) and isinstance(finer, Image)
    assert (usual.width, usual.height, finer.width, finer.height) == (100, 50, 160, 80)


def test_a_confusion_matrix_counts_pairs() -> None:
    made = tb.ConfusionMatrix([0, 0, 1, 2], [0, 1, 1, 0], ["a", "b", "c"])
    assert made.matrix.tolist() == [[1, 1, 0], [0, 1, 0], [1, 0, 0]]
    assert tb.ConfusionMatrix([0, 2], [0, 2]).classes == ["0", "1", "2"]
    assert tb.ConfusionMatrix(matrix=[[1, 2], [3, 4]]).matrix.tolist() == [[1, 2], [3, 4]]


def test_a_pr_curve_of_perfect_predictions_has_an_average_precision_of_one() -> None:
    labels = RNG.integers(0, 2, 200)
    assert tb.PRCurve(labels, labels).average_precision == pytest.approx(1)
    assert tb.PRCurve(labels, np.full(200, 0.5)).average_precision == pytest.approx(labels.mean())
    assert len(tb.PRCurve(labels, labels, num_thresholds=11).thresholds) == 11


def test_an_embedding_keeps_what_is_known_of_each_point() -> None:
    torch = pytest.importorskip("torch")
    pictures = torch.rand(3, 1, 4, 5)
    made = tb.Embedding(torch.eye(3, dtype=torch.bfloat16), ["a", "b", "c"], pictures)
    assert (made.columns, made.metadata) == (["label"], [["a"], ["b"], ["c"]])
    sprite = np.asarray(pil.open(io.BytesIO(made.sprite)))
    assert sprite.shape == (8, 10)
    assert np.abs(sprite[4:, :5] / 255 - pictures[2, 0].numpy()).max() < 0.003
    rows = tb.Embedding(np.eye(2), [{"word": "a", "n": 1}, {"word": "b", "n": 2}])
    assert (rows.columns, rows.metadata) == (["word", "n"], [["a", 1], ["b", 2]])


MISTAKES: dict[str, tuple[Callable[[], Any], str]] = {
    "audio of three axes": (lambda: tb.Audio(np.zeros((2, 3, 4))), "samples"),
    "audio of int32": (lambda: tb.Audio(np.zeros(4, np.int32)), "int16"),
    "bytes that are no WAV": (lambda: tb.Audio(b"RIFFnope"), "WAV"),
    "a flat video": (lambda: tb.Video(np.zeros((2, 3))), "T x H x W x C"),
    "a video without frames": (lambda: tb.Video(np.zeros((0, 2, 2, 3))), "T x H x W x C"),
    "bytes that are no video": (lambda: tb.Video(b"nope"), "MP4"),
    "a cut GIF": (lambda: tb.Video(b"GIF89a"), "damaged"),
    "no frames a second": (lambda: tb.Video(np.zeros((2, 2, 2, 3)), fps=0), "fps"),
    "rows of different lengths": (lambda: tb.Table([[1, 2], [3]]), "row 1"),
    "a flat table": (lambda: tb.Table([1, 2]), "rows"),
    "a figure of neither": (lambda: tb.Figure("figure"), "Plotly or matplotlib"),
    "labels that do not fit": (lambda: tb.PRCurve([0, 1], [0.5]), "differ in shape"),
    "labels that are not binary": (lambda: tb.PRCurve([0, 2], [0.5, 0.5]), "0 or 1"),
    "predictions that are NaN": (lambda: tb.PRCurve([0, 1], [0.5, math.nan]), "0 to 1"),
    "a matrix that is not square": (lambda: tb.ConfusionMatrix(matrix=[[1, 2]]), "K x K"),
    "a class without a name": (lambda: tb.ConfusionMatrix([0, 3], [0, 1], ["a", "b"]), "class 3"),
    "classes that are not numbers": (lambda: tb.ConfusionMatrix([0.5], [1.5]), "whole"),
    "nothing to count": (lambda: tb.ConfusionMatrix(), "needs labels"),
    "a flat embedding": (lambda: tb.Embedding([1.0, 2.0]), "N x D"),
    "metadata that does not fit": (lambda: tb.Embedding(np.eye(2), ["a"]), "1 rows of metadata"),
    "pictures that do not fit": (lambda: tb.Embedding(np.eye(2), images=np.zeros((3, 1, 2, 2))), "images"),
    "vertices in a plane": (lambda: tb.Mesh(np.zeros((4, 2))), "N x 3"),
    "a face without a vertex": (lambda: tb.Mesh(np.zeros((2, 3)), faces=[[0, 1, 2]]), "from 0 to 1"),
    "an unknown chart": (lambda: tb.Layout({"a": {"b": ["Pie", ["x"]]}}), "multiline"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_an_error_that_names_it(name: str) -> None:
    make, words = MISTAKES[name]
    with pytest.raises((ValueError, TypeError), match=words):
        make()


def test_objects_of_other_libraries_are_logged_as_they_are(tmp_path: Path) -> None:
    pandas, figure_module = pytest.importorskip("pandas"), pytest.importorskip("matplotlib.figure")
    plotly = pytest.importorskip("plotly.graph_objects")
    drawn = figure_module.Figure(figsize=(2, 1))
    with tb.init("p", store=tmp_path / "s.db") as run:
        run.log(
            {
                "matplotlib": drawn,
                "plotly": plotly.Figure(plotly.Bar(y=[1, 2])),
                "pil": pil.new("L", (3, 2)),
                "pandas": pandas.DataFrame({"a": [1]}),
                "nested": {"video": tb.Video(np.zeros((2, 3, 3, 1)))},
            },
            step=3,
        )
    found = {one.tag: one.kind for one in tb.open_store(tmp_path / "s.db").series(run.id)}
    assert found == {
        "matplotlib": "image",
        "plotly": "figure",
        "pil": "image",
        "pandas": "table",
        "nested.video": "video",
    }


def test_a_figure_that_cannot_be_drawn_is_one_warning(tmp_path: Path) -> None:
    figure_module = pytest.importorskip("matplotlib.figure")
    broken = figure_module.Figure()
    broken.text(0, 0, "$\\unknown$")
    with tb.init("p", store=tmp_path / "s.db") as run:
        with pytest.warns(TrainboardWarning, match="bad.*Figure cannot be logged"):
            run.log({"bad": broken, "good": 1.0})
        run.log({"bad": broken})
    assert [one.tag for one in tb.open_store(tmp_path / "s.db").series(run.id)] == ["good"]


def test_a_plain_array_is_refused_with_the_names_of_the_constructors(tmp_path: Path) -> None:
    with tb.init("p", store=tmp_path / "s.db") as run, pytest.warns(TrainboardWarning, match="tb.Audio"):
        run.log({"x": np.zeros((2, 3))})


@pytest.mark.parametrize("values", [RNG.normal(size=500), RNG.exponential(size=500), [-3.0] * 7, [0.0, 0.0]])
def test_a_histogram_of_other_buckets_keeps_their_count_sums_and_extremes(values: Any) -> None:
    array = np.asarray(values)
    counts, edges = np.histogram(array, 40)
    about = float(array.min()), float(array.max()), float(array.sum()), float(array @ array)
    made = from_limits(edges[1:], counts, *about)
    assert made.count == len(array)
    assert (made.minimum, made.maximum, made.sum, made.sum_squares) == about
    exact = Histogram.from_values(array)
    for q in (0.1, 0.5, 0.9):
        assert made.quantile(q) == pytest.approx(exact.quantile(q), abs=np.diff(edges)[0] * 1.5, rel=0.15)


def test_other_buckets_must_fit_together() -> None:
    with pytest.raises(ValueError, match="as many limits"):
        from_limits([1, 2], [1], 0, 2, 1, 1)
    with pytest.raises(ValueError, match="ascend"):
        from_limits([2, 1], [1, 1], 0, 2, 1, 1)
