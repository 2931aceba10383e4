"""Images: the one of a run at a step."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from dash import html

from .record import File, Shown, caption, frame, nothing

if TYPE_CHECKING:
    from ...storage.kinds.image import Image

MAX_PIXELS = 64_000_000
_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def file(image: Image) -> File | None:
    """The PNG; None for bytes that are none."""
    return File(image.png, "image/png") if image.png.startswith(_SIGNATURE) else None


def draw(shown: Shown | None, name: str = "", color: str = "", theme: str = "light") -> html.Figure:
    """An image; in its place, words, if it cannot be shown."""
    return frame(shown, name, color, _body(shown) if shown else [], "image")


def _body(shown: Shown) -> list[Any]:
    image = shown.record.value
    if file(image) is None:
        return [nothing("This image is damaged: its bytes are not a PNG file.")]
    if image.width * image.height > MAX_PIXELS:
        return [nothing(f"This image of {image.width:,} × {image.height:,} pixels is too large to show.")]
    address = shown.url(image.png)
    if not _is_whole(image.png):
        return [nothing("This image is damaged: its PNG file is cut off or has been changed.")]
    picture = html.Img(
        src=address,
        alt=image.caption or f"Image at step {shown.record.step}",
        title=f"{image.width} × {image.height} pixels",
        width=image.width,
        height=image.height,
    )
    link = html.A(picture, href=address, target="_blank", rel="noopener", className="image-frame")
    return [link, *caption(image.caption)]


def _is_whole(png: bytes) -> bool:
    """Whether every part of a PNG file is there and fits its checksum."""
    from PIL import Image as pil

    try:
        pil.open(io.BytesIO(png), formats=["PNG"]).verify()
    except (OSError, SyntaxError, ValueError):
        return False
    return True
