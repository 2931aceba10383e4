"""A picture, kept as PNG, with boxes and masks over it where a program gave such."""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .base import Encoded, Kind, told_samples
from .image_labels import Box, Mask, boxes_of, from_header, masks_of, to_header

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

_CHANNELS = (1, 3, 4)


@dataclass(frozen=True)
class Image:
    """PNG bytes, the size in pixels, a caption, and what was found in the picture.

    ``samples``: this is the first of so many of one value in TensorBoard's log, see ``tfevents.samples``.
    """

    png: bytes
    width: int
    height: int
    caption: str = ""
    boxes: tuple[Box, ...] = ()
    masks: tuple[Mask, ...] = ()
    samples: int = 1

    @classmethod
    def from_array(cls, array: Any, caption: str = "") -> Image:
        """Make one of an array or a PIL image.

        The array is H x W, H x W x C, or C x H x W when only its first length can be a number of
        channels (1 grey, 3 RGB, 4 RGBA); uint8 or bool, or floats where 0 is black and 1 white (clipped;
        NaN is black). Raises ``ValueError`` for any other shape and ``TypeError`` for other types.
        """
        from PIL import Image as pil

        picture = array if isinstance(array, pil.Image) else pil.fromarray(_to_bytes(np.asarray(array)))
        return cls._from_picture(picture, caption)

    @classmethod
    def from_png(cls, png: bytes, caption: str = "") -> Image:
        """Keep the bytes of a PNG file. Raises ``ValueError`` for anything else."""
        from PIL import Image as pil

        try:
            with pil.open(io.BytesIO(png), formats=["PNG"]) as picture:
                return cls(png, picture.width, picture.height, caption)
        except (OSError, pil.DecompressionBombError) as error:
            raise ValueError(f"these bytes are not a PNG file, or too large a one ({error})") from error

    def labelled(self, boxes: Any = None, masks: Any = None) -> Image:
        """The same picture with these boxes and masks, as ``boxes_of`` and ``masks_of`` take them."""
        size = self.width, self.height
        return replace(self, boxes=boxes_of(boxes, *size), masks=masks_of(masks, *size))

    @classmethod
    def _from_picture(cls, picture: Picture, caption: str) -> Image:
        if picture.mode not in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"):
            picture = picture.convert("RGB")
        buffer = io.BytesIO()
        picture.save(buffer, "PNG")
        return cls(buffer.getvalue(), picture.width, picture.height, caption)


def _to_bytes(array: NDArray[Any]) -> NDArray[np.uint8]:
    """H x W or H x W x C as uint8, however the array came."""
    shape = array.shape
    if array.ndim == 3 and shape[0] in _CHANNELS and shape[2] not in _CHANNELS:
        array = np.moveaxis(array, 0, 2)
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.size == 0 or not (array.ndim == 2 or array.ndim == 3 and array.shape[2] in _CHANNELS):
        raise ValueError(
            f"an image is H x W, H x W x C or C x H x W with C in {_CHANNELS} (got shape {shape})"
        )
    return np.ascontiguousarray(to_levels(array, "an image"))


def to_levels(array: NDArray[Any], what: str) -> NDArray[np.uint8]:
    """Levels of grey or colour from 0 to 255. Raises ``TypeError`` for types that hold no levels."""
    if array.dtype == np.bool_:
        return array.astype(np.uint8) * np.uint8(255)
    if array.dtype.kind in "fV":  # V: bfloat16 and its like
        return (np.nan_to_num(np.clip(array.astype(np.float32), 0, 1)) * 255 + 0.5).astype(np.uint8)
    if array.dtype != np.uint8:
        raise TypeError(f"{what} is uint8, bool or float (got {array.dtype})")
    return array


def encode(value: Image) -> Encoded:
    labels = to_header(value.boxes, value.masks, len(value.png))
    header = {"width": value.width, "height": value.height, "caption": value.caption, **labels}
    header |= told_samples(value.samples)
    return Encoded(header, b"".join([value.png, *(mask.png for mask in value.masks)]))


def decode(encoded: Encoded) -> Image:
    header = encoded.header
    png, boxes, masks = from_header(header, encoded.body)
    return Image(
        png, header["width"], header["height"], header["caption"], boxes, masks, header.get("samples", 1)
    )


KIND = Kind("image", Image, "records", encode, decode, blob=True)
