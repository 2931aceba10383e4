"""Boxes and masks of classes over an image, as wandb's users write them down: ``{"predictions": {…}}``."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

MAX_BOXES = 10_000
_CLASSES = 256


@dataclass(frozen=True)
class Box:
    """A rectangle in pixels from the image's upper left corner, and the class of what is in it.

    ``group`` is who says so, such as "predictions"; ``scores`` are numbers by name.
    """

    left: float
    top: float
    right: float
    bottom: float
    group: str = ""
    number: int = 0
    label: str = ""
    caption: str = ""
    scores: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Mask:
    """The class of each pixel: a grey PNG as large as the image whose levels are numbers of classes.

    ``labels`` names classes. Pixels of class 0 are background, unless it has a name.
    """

    group: str
    png: bytes
    labels: dict[int, str]


def boxes_of(groups: Any, width: int, height: int) -> tuple[Box, ...]:
    """Boxes of ``{group: {"box_data": [{"position", "class_id", …}], "class_labels": {number: name}}}``.

    A position is ``{"minX", "maxX", "minY", "maxY"}`` or ``{"middle": [x, y], "width", "height"}``, in shares
    of the image or, with ``"domain": "pixel"`` beside it, in pixels. Raises ``ValueError``.
    """
    made = []
    for group, told in _groups(groups, "boxes", "box_data"):
        labels = _labels(told)
        for number, one in enumerate(told["box_data"]):
            try:
                made.append(_box(one, group, labels, width, height))
            except (KeyError, TypeError, ValueError) as error:
                raise ValueError(f"box {number} of {group!r} is no box: {error!r}") from error
    if len(made) > MAX_BOXES:
        raise ValueError(f"an image can have {MAX_BOXES:,} boxes (got {len(made):,})")
    return tuple(made)


def masks_of(groups: Any, width: int, height: int) -> tuple[Mask, ...]:
    """Masks of ``{group: {"mask_data": H x W class numbers 0 to 255, "class_labels": {number: name}}}``.

    Raises ``ValueError`` for arrays of other shapes and numbers.
    """
    from PIL import Image as pil

    made = []
    for group, told in _groups(groups, "masks", "mask_data"):
        array = np.asarray(told["mask_data"])
        if array.shape != (height, width) or array.dtype.kind not in "uib":
            raise ValueError(
                f"mask {group!r} must be whole numbers, {height} x {width} as the image is "
                f"(got {array.dtype}, {array.shape})"
            )
        if array.size and not 0 <= int(array.min()) <= int(array.max()) < _CLASSES:
            raise ValueError(f"mask {group!r} must hold class numbers from 0 to {_CLASSES - 1}")
        buffer = io.BytesIO()
        pil.fromarray(array.astype(np.uint8)).save(buffer, "PNG")
        made.append(Mask(group, buffer.getvalue(), _labels(told)))
    return tuple(made)


def to_header(boxes: tuple[Box, ...], masks: tuple[Mask, ...], size: int) -> dict[str, Any]:
    """What the header of an image of ``size`` bytes keeps of them; nothing if there are none."""
    told = {} if not boxes else {"boxes": [list(asdict(box).values()) for box in boxes]}
    if not masks:
        return told
    described = [[mask.group, len(mask.png), list(mask.labels.items())] for mask in masks]
    return {**told, "png": size, "masks": described}


def from_header(header: Mapping[str, Any], body: bytes) -> tuple[bytes, tuple[Box, ...], tuple[Mask, ...]]:
    """The image's own bytes, its boxes and its masks."""
    boxes = tuple(Box(*values) for values in header.get("boxes", ()))
    masks, at = [], header.get("png", len(body))
    for group, size, labels in header.get("masks", ()):
        masks.append(Mask(group, body[at : at + size], {number: name for number, name in labels}))
        at += size
    return body[: header.get("png", len(body))], boxes, tuple(masks)


def _groups(groups: Any, what: str, key: str) -> list[tuple[str, Mapping[str, Any]]]:
    if groups is None:
        return []
    if not isinstance(groups, Mapping):
        raise ValueError(f"{what} are a dict of groups such as 'predictions' (got {type(groups).__name__})")
    for group, told in groups.items():
        if not isinstance(told, Mapping) or key not in told:
            raise ValueError(f"{what} of {group!r} must be a dict with {key!r}")
    return [(str(group), told) for group, told in groups.items()]


def _labels(told: Mapping[str, Any]) -> dict[int, str]:
    return {int(number): str(name) for number, name in (told.get("class_labels") or {}).items()}


def _box(one: Mapping[str, Any], group: str, labels: Mapping[int, str], width: int, height: int) -> Box:
    place = one["position"]
    if "middle" in place:
        (x, y), wide, high = place["middle"], float(place["width"]), float(place["height"])
        sides = (x - wide / 2, y - high / 2, x + wide / 2, y + high / 2)
    else:
        sides = tuple(place[name] for name in ("minX", "minY", "maxX", "maxY"))
    scale = (1, 1) if one.get("domain") == "pixel" else (width, height)
    left, top, right, bottom = (float(side) * scale[at % 2] for at, side in enumerate(sides))
    if not all(map(math.isfinite, (left, top, right, bottom))) or right < left or bottom < top:
        raise ValueError(f"it reaches from {left, top} to {right, bottom}")
    number = int(one.get("class_id", 0))
    scores = {str(name): float(score) for name, score in (one.get("scores") or {}).items()}
    label = labels.get(number, f"class {number}" if "class_id" in one else "")
    return Box(left, top, right, bottom, group, number, label, str(one.get("box_caption") or ""), scores)
