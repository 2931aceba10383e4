"""Constructors of what ``log()`` takes beside numbers: things to look at, listen to and read.

They raise ``ValueError`` and ``TypeError`` for input that makes no such thing, saying what would. An array
too large to encode is not: for it they return a ``TooLarge``, which ``log()`` refuses with a warning.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from ..storage.frames import MAX_PAYLOAD
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
MAX_TRACE = 5 * MAX_PAYLOAD
"""Bytes of a trace's file, which is gzipped, and so becomes a tenth as large."""


def Histogram(values: Any) -> HistogramRecord:
    """The distribution of an array or tensor of any shape and floating-point or integer dtype."""
    from ..storage.kinds.histogram import Histogram

    return Histogram.from_values(to_array(values))


def Image(image: Any, caption: str = "", *, boxes: Any = None, masks: Any = None) -> ImageRecord:
    """A picture: H x W, H x W x 1/3/4 or 1/3/4 x H x W of uint8 or of floats in 0..1, or a PIL image; or a
    file that Pillow can read, as its bytes or its path.

    ``boxes`` and ``masks`` show classes over it, in groups such as "predictions", as wandb has them:
    ``{group: {"box_data": [{"position": {"minX", "maxX", "minY", "maxY"}, "class_id": 1}, …]}}`` in shares
    of the picture, or in pixels with ``"domain": "pixel"``, and ``{group: {"mask_data": H x W of numbers}}``.
    Each group can name its classes, ``"class_labels": {1: "cat"}``.
    """
    from ..storage.kinds.image import Image

    array = _picture(image) if isinstance(image, bytes | str | os.PathLike) else to_array_within_limit(image)
    if isinstance(array, TooLarge):
        return cast(Any, array)
    return Image.from_array(array, caption).labelled(boxes, _with_arrays(masks))


def Audio(audio: Any, sample_rate: int = DEFAULT_SAMPLE_RATE, caption: str = "") -> AudioRecord:
    """A sound: [samples] or [samples, channels] of floats from -1 to 1 or int16; or a WAV file.

    A file is given as its bytes or its path, and says itself how many samples a second it has.
    """
    from ..storage.kinds.audio import Audio

    if isinstance(audio, bytes | str | os.PathLike):
        content = _content(audio)
        return cast(Any, content) if isinstance(content, TooLarge) else Audio.from_wav(content, caption)
    array = to_array_within_limit(audio)
    return cast(Any, array) if isinstance(array, TooLarge) else Audio.from_array(array, sample_rate, caption)


def Video(video: Any, fps: float = DEFAULT_FPS, caption: str = "") -> VideoRecord:
    """Moving pictures: T x H x W x 1/3/4 of uint8 or of floats in 0..1; or a GIF, PNG, MP4 or WebM file.

    A file is given as its bytes or its path, and kept as it is; ``fps`` is for arrays.
    """
    from ..storage.kinds.video import Video

    if isinstance(video, bytes | str | os.PathLike):
        content = _content(video)
        return cast(Any, content) if isinstance(content, TooLarge) else Video.from_bytes(content, caption)
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

    content = _content(trace, MAX_TRACE)
    return cast(Any, content) if isinstance(content, TooLarge) else Trace.from_bytes(content, name)


def _with_arrays(masks: Any) -> Any:
    """Masks whose tensors of any framework are arrays."""
    if not isinstance(masks, Mapping):
        return masks
    return {
        group: {**told, "mask_data": to_array(told["mask_data"])}
        if isinstance(told, Mapping) and "mask_data" in told
        else told
        for group, told in masks.items()
    }


def _picture(file: bytes | str | os.PathLike[str]) -> Any:
    """The PIL image in a file. Raises ValueError if there is none."""
    from PIL import Image as pil

    content = _content(file)
    if isinstance(content, TooLarge):
        return content
    try:
        return pil.open(BytesIO(content))
    except (pil.UnidentifiedImageError, pil.DecompressionBombError) as error:
        raise ValueError("the file is no picture that Pillow can read, or too large a one") from error


def _content(file: bytes | str | os.PathLike[str], limit: int = MAX_PAYLOAD) -> bytes | TooLarge:
    """The bytes of a file; one that is too large to log is not read."""
    if isinstance(file, bytes):
        return file
    size = Path(file).stat().st_size
    return TooLarge(size, "a file", limit) if size > limit else Path(file).read_bytes()
