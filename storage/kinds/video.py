"""Moving pictures, as a file that browsers play."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from .base import Encoded, Kind, told_samples
from .image import to_levels

Format = Literal["gif", "png", "mp4", "webm"]


@dataclass(frozen=True)
class Video:
    """The bytes of a file, its format, and a caption; "png" is an animated PNG.

    Of files made elsewhere ``width``, ``height``, ``frames`` and ``fps`` may be unknown, which is 0.
    ``samples``: this is the first of so many of one value in TensorBoard's log, see ``tfevents.samples``.
    """

    data: bytes
    format: Format
    width: int = 0
    height: int = 0
    frames: int = 0
    fps: float = 0.0
    caption: str = ""
    samples: int = 1

    @classmethod
    def from_array(cls, array: Any, fps: float = 4, caption: str = "") -> Video:
        """Make one of an array T x H x W x C with C of 1, 3 or 4: uint8, bool, or floats where 1 is white.

        It is kept as an animated PNG, in which every pixel is exact. Raises ``ValueError`` for other
        shapes and rates, and ``TypeError`` for other types.
        """
        from PIL import Image as pil

        frames = _to_bytes(np.asarray(array))
        if not 0.02 <= fps <= 1_000:
            raise ValueError(f"fps must be from 0.02 to 1,000 (got {fps})")
        first, *rest = (pil.fromarray(frame[:, :, 0] if frame.shape[2] == 1 else frame) for frame in frames)
        buffer = io.BytesIO()
        # With these ``disposal`` and ``blend`` each frame replaces the one before.
        first.save(
            buffer, "PNG", save_all=True, append_images=rest, duration=1000 / fps, loop=0, disposal=0, blend=0
        )
        count, height, width = frames.shape[:3]
        return cls(buffer.getvalue(), "png", width, height, count, float(fps), caption)

    @classmethod
    def from_bytes(cls, data: bytes, caption: str = "") -> Video:
        """Keep the bytes of a GIF, animated PNG, MP4 or WebM file. Raises ``ValueError`` for others."""
        found = format_of(data)
        if found is None:
            raise ValueError("these bytes are not a GIF, PNG, MP4 or WebM file")
        width = height = frames = 0
        if found in ("gif", "png"):
            from PIL import Image as pil

            try:
                with pil.open(io.BytesIO(data)) as picture:
                    width, height = picture.size
                    frames = getattr(picture, "n_frames", 1)
            except OSError as error:
                raise ValueError(f"this {found.upper()} file is damaged ({error})") from error
        return cls(data, found, width, height, frames, caption=caption)


def format_of(data: bytes) -> Format | None:
    """The format that the first bytes of a file tell, or None."""
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "gif"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if data[4:8] == b"ftyp":
        return "mp4"
    return "webm" if data.startswith(b"\x1a\x45\xdf\xa3") else None


def _to_bytes(array: NDArray[Any]) -> NDArray[np.uint8]:
    if array.ndim != 4 or array.shape[3] not in (1, 3, 4) or not array.size:
        raise ValueError(f"a video is T x H x W x C with C in (1, 3, 4) (got shape {array.shape})")
    return to_levels(array, "a video")


def encode(value: Video) -> Encoded:
    header = {"format": value.format, "width": value.width, "height": value.height, "frames": value.frames}
    header |= {"fps": value.fps, "caption": value.caption, **told_samples(value.samples)}
    return Encoded(header, value.data)


def decode(encoded: Encoded) -> Video:
    return Video(encoded.body, **encoded.header)


KIND = Kind("video", Video, "records", encode, decode, blob=True)
