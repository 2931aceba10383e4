"""Images, and videos, which TensorBoard has as images that are GIFs."""

from __future__ import annotations

import io

from ...kinds.image import Image
from ...kinds.video import Video, format_of
from .value import Read, Value, numbered


def read(value: Value) -> Read:
    """The pictures of one step: a PNG as it is, a GIF as a video, any other format with its pixels.

    Their caption is the description, where the value has one.
    """
    caption = value.proto.metadata.summary_description
    if value.proto.HasField("image"):
        pictures = [value.proto.image.encoded_image_string]
    else:
        pictures = value.tensor.reshape(-1)[2:]  # the first two are width and height
    for index, data in enumerate(pictures):
        yield numbered(value.tag, index), _picture(data, caption)


def _picture(data: bytes, caption: str) -> Image | Video:
    from PIL import Image as pil

    found = format_of(data)
    if found == "gif":
        return Video.from_bytes(data, caption)
    if found == "png":
        return Image.from_png(data, caption)
    return Image.from_array(pil.open(io.BytesIO(data)), caption)
