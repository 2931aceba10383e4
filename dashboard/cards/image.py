"""Images: the one of a run at a step, shown by an address that changes only with its bytes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import numpy as np
from dash import html

if TYPE_CHECKING:
    from ...storage import Record, Store

ROUTE = "/api/v1/images/{digest}"
MAX_PIXELS = 64_000_000
_SIGNATURE = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True)
class Shown:
    """One image of a series: its number in the order of arrival, its record, and its address."""

    index: int
    record: Record
    url: str


def steps(store: Store, run_id: str, tag: str, rank: int = 0) -> np.ndarray:
    """The steps of a series, sorted."""
    return store.record_index(run_id, tag, "image", rank=rank)[0]


def read(store: Store, run_id: str, tag: str, step: int | None = None, rank: int = 0) -> Shown | None:
    """The last image at or before ``step``; the newest without one. None if there is none."""
    found, _, indices = store.record_index(run_id, tag, "image", rank=rank)
    last = len(found) if step is None else int(np.searchsorted(found, step, side="right"))
    if not last:
        return None
    index = int(indices[last - 1])
    record = store.record_at(run_id, tag, "image", index, rank=rank)
    where = urlencode({"run": run_id, "tag": tag, "rank": rank, "index": index})
    return Shown(index, record, f"{ROUTE.format(digest=digest(record.value.png))}?{where}")


def digest(png: bytes) -> str:
    """What names the bytes of an image in its address."""
    return hashlib.sha256(png).hexdigest()[:32]


def is_png(data: bytes) -> bool:
    """Whether a browser may be given these bytes as a PNG image."""
    return data.startswith(_SIGNATURE)


def draw(shown: Shown | None, name: str = "", color: str = "") -> html.Figure:
    """An image under its run's name and its step; in its place, words, if it cannot be shown."""
    return html.Figure([_head(shown, name, color), *_body(shown)], className="image-card")


def _head(shown: Shown | None, name: str, color: str) -> html.Figcaption:
    parts = [html.Span(className="run-dot", style={"backgroundColor": color or None}), html.Span(name)]
    step = html.Span(f"step {shown.record.step:,}" if shown else "", className="card-step")
    return html.Figcaption([html.Span(parts, className="card-run"), step])


def _body(shown: Shown | None) -> list[html.A | html.Div]:
    if shown is None:
        return [html.Div("Nothing logged up to this step", className="card-nothing")]
    image = shown.record.value
    if not is_png(image.png):
        return [html.Div("This image is damaged: its bytes are not a PNG file.", className="card-nothing")]
    if image.width * image.height > MAX_PIXELS:
        size = f"{image.width:,} × {image.height:,}"
        return [html.Div(f"This image of {size} pixels is too large to show.", className="card-nothing")]
    picture = html.Img(
        src=shown.url,
        alt=image.caption or f"Image at step {shown.record.step}",
        title=f"{image.width} × {image.height} pixels",
        width=image.width,
        height=image.height,
    )
    link = html.A(picture, href=shown.url, target="_blank", rel="noopener", className="image-frame")
    caption = [html.Div(image.caption, className="image-caption")] if image.caption else []
    return [link, *caption]
