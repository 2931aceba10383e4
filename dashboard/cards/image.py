"""Images: the one of a run at a step, with its boxes and masks."""

from __future__ import annotations

import io
import struct
from typing import TYPE_CHECKING, Any

from dash import html

from ..components import Picture
from .record import File, Shown, caption, frame, nothing

if TYPE_CHECKING:
    from ...storage.kinds.image import Image

MAX_PIXELS = 16_000_000
"""A browser decodes each picture at full size, four bytes a pixel; larger ones it opens by themselves."""
MAX_BOXES = 500
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_SIZE = struct.Struct(">II")


def file(image: Image) -> File | None:
    """The PNG; None for bytes that are none."""
    return File(image.png, "image/png") if image.png.startswith(_SIGNATURE) else None


def mask(image: Image, number: int) -> File | None:
    """One of the image's masks, as PNG; None where there is none."""
    found = image.masks[number].png if number < len(image.masks) else b""
    return File(found, "image/png") if found.startswith(_SIGNATURE) else None


def draw(shown: Shown | None, name: str = "", color: str = "", theme: str = "light") -> html.Figure:
    """An image; in its place, words, if it cannot be shown."""
    return frame(shown, name, color, _body(shown, name) if shown else [], "image")


def _body(shown: Shown, name: str) -> list[Any]:
    image = shown.record.value
    if wrong := problem(image):
        link = html.A("Open it by itself", href=shown.url(image.png), target="_blank", rel="noopener")
        told = html.Div([wrong, " ", link], className="card-nothing")
        return [told if _is_too_large(image) else nothing(wrong)]
    more = len(image.boxes) - MAX_BOXES
    told = [html.Div(f"{more:,} more boxes are not shown", className="media-facts")] if more > 0 else []
    return [Picture(**picture(shown, name)), *told, *caption(image.caption)]


def problem(image: Image) -> str:
    """Why this image cannot be shown among others, or ""."""
    if file(image) is None:
        return "This image is damaged: its bytes are not a PNG file."
    if not _is_whole(image.png):
        return "This image is damaged: its PNG file is cut off or has been changed."
    if _is_too_large(image):
        width, height = size(image.png)
        return f"This image has {width:,} × {height:,} pixels, too many to show among others."
    return ""


def picture(shown: Shown, name: str) -> dict[str, Any]:
    """What the component ``Picture`` takes, of an image without a problem."""
    image = shown.record.value
    address = shown.url(image.png)
    width, height = size(image.png)
    return {
        "src": address,
        "width": width,
        "height": height,
        "alt": image.caption or f"Image at step {shown.record.step}",
        "title": f"{name} · step {shown.record.step:,}",
        "where": {"run": shown.run_id, "tag": shown.tag, "rank": shown.rank, "step": shown.record.step},
        "boxes": [vars(box) for box in image.boxes[:MAX_BOXES]],
        "masks": [
            {"src": f"{address}&part={number}", "group": one.group, "labels": _named(one.labels)}
            for number, one in enumerate(image.masks)
        ],
    }


def _is_too_large(image: Image) -> bool:
    width, height = size(image.png)
    return width * height > MAX_PIXELS


def size(png: bytes) -> tuple[int, int]:
    """Width and height as the PNG itself tells them, which is what a browser will make room for."""
    width, height = _SIZE.unpack_from(png, 16) if len(png) >= 24 else (0, 0)
    return width, height


def _named(labels: dict[int, str]) -> list[dict[str, Any]]:
    return [{"number": number, "label": label} for number, label in labels.items()]


def _is_whole(png: bytes) -> bool:
    """Whether every part of a PNG file is there and fits its checksum."""
    from PIL import Image as pil

    try:
        pil.open(io.BytesIO(png), formats=["PNG"]).verify()
    except (OSError, SyntaxError, ValueError):
        return False
    except (pil.DecompressionBombError, pil.DecompressionBombWarning):
        return True
    return True
