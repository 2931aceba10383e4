"""Images, and videos, which TensorBoard has as images that are GIFs."""

from __future__ import annotations

import io

from ...kinds.image import Image
from ...kinds.video import Video, format_of
from .value import Read, Value, together


def read(value: Value) -> Read:
    """The pictures of one step: a PNG as it is, a GIF as a video, any other format with its pixels.

    Raises ``ValueError`` for none, and what Pillow raises.
    """
    if value.proto.HasField("image"):
        pictures = [value.proto.image.encoded_image_string]
    else:
        pictures = value.tensor.reshape(-1)[2:]  # the first two are width and height
    if not len(pictures):
        raise ValueError("there is no picture in it")
    yield from together(value.tag, [_picture(data) for data in pictures])


def _picture(data: bytes) -> Image | Video:
    from PIL import Image as pil

    found = format_of(data)
    if found == "gif":
        return Video.from_bytes(data)
    if found == "png":
        return Image.from_png(data)
    return Image.from_array(pil.open(io.BytesIO(data)))
