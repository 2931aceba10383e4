"""Constructors of what ``log()`` takes beside numbers: things to look at, listen to and read.

They raise ``ValueError`` and ``TypeError`` for input that makes no such thing, saying what would. An array
too large to encode is not: for it they return a ``TooLarge``, which ``log()`` refuses with a warning.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from .arrays import TooLarge, to_array, to_array_within_limit

if TYPE_CHECKING:
    from ..storage.kinds.audio import Audio as AudioRecord
    from ..storage.kinds.graph import Edge, Node
    from ..storage.kinds.graph import Graph as GraphRecord
    from ..storage.kinds.histogram import Histogram as HistogramRecord
    from ..storage.kinds.image import Image as ImageRecord
    from ..storage.kinds.text import Text as TextRecord
    from ..storage.kinds.trace import Trace as TraceRecord
    from ..storage.kinds.video import Video as VideoRecord

DEFAULT_SAMPLE_RATE = 44_100
DEFAULT_FPS = 4.0


def Histogram(values: Any) -> HistogramRecord:
    """The distribution of an array or tensor of any shape and floating-point or integer dtype."""
    from ..storage.kinds.histogram import Histogram

    return Histogram.from_values(to_array(values))


def Image(image: Any, caption: str = "") -> ImageRecord:
    """A picture: H x W, H x W x 1/3/4 or 1/3/4 x H x W of uint8 or of floats in 0..1, or a PIL image."""
    from ..storage.kinds.image import Image

    array = to_array_within_limit(image)
    return cast(Any, array) if isinstance(array, TooLarge) else Image.from_array(array, caption)


def Audio(audio: Any, sample_rate: int = DEFAULT_SAMPLE_RATE, caption: str = "") -> AudioRecord:
    """A sound: [samples] or [samples, channels] of floats from -1 to 1 or int16; or a WAV file.

    A file is given as its bytes or its path, and says itself how many samples a second it has.
    """
    from ..storage.kinds.audio import Audio

    if isinstance(audio, bytes | str | os.PathLike):
        return Audio.from_wav(_content(audio), caption)
    array = to_array_within_limit(audio)
    return cast(Any, array) if isinstance(array, TooLarge) else Audio.from_array(array, sample_rate, caption)


def Video(video: Any, fps: float = DEFAULT_FPS, caption: str = "") -> VideoRecord:
    """Moving pictures: T x H x W x 1/3/4 of uint8 or of floats in 0..1; or a GIF, PNG, MP4 or WebM file.

    A file is given as its bytes or its path, and kept as it is; ``fps`` is for arrays.
    """
    from ..storage.kinds.video import Video

    if isinstance(video, bytes | str | os.PathLike):
        return Video.from_bytes(_content(video), caption)
    array = to_array_within_limit(video)
    return cast(Any, array) if isinstance(array, TooLarge) else Video.from_array(array, fps, caption)


def Text(text: str, format: Literal["plain", "markdown"] = "plain") -> TextRecord:
    """Words, shown as they are or rendered as Markdown."""
    from ..storage.kinds.text import Text

    return Text(text, format)


def Graph(nodes: list[Node], edges: list[Edge], framework: str = "", name: str = "") -> GraphRecord:
    """A model's graph made by hand; ``log_graph()`` makes one from a model."""
    from ..storage.kinds.graph import Graph

    return Graph(nodes, edges, framework, name)


def Trace(trace: bytes | str | os.PathLike[str], name: str = "") -> TraceRecord:
    """A timeline in Chrome's trace format, gzipped or not: the bytes of its JSON, or a file's path."""
    from ..storage.kinds.trace import Trace

    return Trace.from_bytes(_content(trace), name)


def _content(file: bytes | str | os.PathLike[str]) -> bytes:
    return file if isinstance(file, bytes) else Path(file).read_bytes()
