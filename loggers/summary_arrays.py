"""Arrays in the layouts of PyTorch's SummaryWriter, made into pictures as it makes them.

Numbers that are not uint8 are multiplied by 255 and cut off, so that every pixel is the one in TensorBoard.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .arrays import to_array

_GRID_COLUMNS = 8


def to_picture(tensor: Any, dataformats: str) -> NDArray[np.uint8]:
    """H x W x C, uint8, of an array whose axes ``dataformats`` names by letters of "NCHW".

    With N the pictures are laid out in a grid of eight columns. Raises ``ValueError``.
    """
    array, letters = np.asarray(to_array(tensor)), dataformats.upper()
    if sorted(letters) not in [sorted(known) for known in ("HW", "CHW", "NCHW")]:
        raise ValueError(f"dataformats must be made of N, C, H and W, each at most once, not {dataformats!r}")
    if array.ndim != len(letters):
        raise ValueError(f"dataformats {dataformats!r} does not fit the shape {array.shape}")
    order = [letters.index(letter) for letter in "NHWC" if letter in letters]
    ordered = array.transpose(order)
    if "C" not in letters:
        ordered = ordered[..., np.newaxis]
    return to_bytes(grid(ordered) if "N" in letters else ordered)


def to_bytes(array: NDArray[Any]) -> NDArray[np.uint8]:
    """Levels from 0 to 255: uint8 as they are, of all else 1 is white."""
    if array.dtype == np.uint8:
        return array
    scaled = np.nan_to_num(array.astype(np.float32) * np.float32(255)).clip(0, 255)
    return scaled.astype(np.uint8)


def grid(pictures: NDArray[Any]) -> NDArray[Any]:
    """N x H x W x C pictures as one, in rows of at most eight; what is left over is black."""
    count, height, width, channels = pictures.shape
    across = max(min(count, _GRID_COLUMNS), 1)
    down = math.ceil(count / across)
    padded = np.zeros((down * across, height, width, channels), pictures.dtype)
    padded[:count] = pictures
    rows = padded.reshape(down, across, height, width, channels)
    return rows.transpose(0, 2, 1, 3, 4).reshape(down * height, across * width, channels)


def to_frames(tensor: Any) -> NDArray[np.uint8]:
    """T x H x W x C of N x T x C x H x W: videos side by side, in a grid filled up to a power of two."""
    array = np.asarray(to_array(tensor))
    if array.ndim != 5:
        raise ValueError(f"a video is N x T x C x H x W (got shape {array.shape})")
    count, length, channels, height, width = array.shape
    down = 2 ** ((count.bit_length() - 1) // 2)
    across = 2 ** (count - 1).bit_length() // down
    padded = np.zeros((down * across, *array.shape[1:]), array.dtype)
    padded[:count] = array
    tiles = padded.reshape(down, across, length, channels, height, width)
    frames = tiles.transpose(2, 0, 4, 1, 5, 3).reshape(length, down * height, across * width, channels)
    return to_bytes(frames)


def with_boxes(picture: NDArray[np.uint8], boxes: Any, labels: Sequence[str] | None, rescale: float) -> Any:
    """A PIL image with a red frame, and its label, for each of ``boxes``: N x 4, from (x, y) to (x, y)."""
    from PIL import Image, ImageDraw, ImageFont

    image = Image.fromarray(picture[:, :, 0] if picture.shape[2] == 1 else picture).convert("RGB")
    drawing, font = ImageDraw.Draw(image), ImageFont.load_default()
    for number, (left, top, right, bottom) in enumerate(np.asarray(to_array(boxes)).tolist()):
        corners = [(left, top), (left, bottom), (right, bottom), (right, top), (left, top)]
        drawing.line(corners, fill="Red", width=2)
        if labels is not None:
            box = font.getbbox(labels[number])
            width, height = box[2] - box[0], box[3] - box[1]
            margin = math.ceil(0.05 * height)
            drawing.rectangle([(left, bottom - height - 2 * margin), (left + width, bottom)], fill="Red")
            place = (left + margin, bottom - height - margin)
            drawing.text(place, labels[number], fill="black", font=font)
    size = int(picture.shape[1] * rescale), int(picture.shape[0] * rescale)
    return image if size == image.size else image.resize(size, Image.Resampling.LANCZOS)


def to_samples(tensor: Any) -> NDArray[Any]:
    """[samples] or [samples, channels] of an array that has its channels first, if any."""
    array = np.asarray(to_array(tensor)).squeeze()
    if array.ndim == 2 and array.shape[0] < array.shape[1]:
        array = array.T
    return np.atleast_1d(array) if array.dtype.kind == "f" else np.atleast_1d(array).astype(np.float64)
