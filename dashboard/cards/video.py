"""Moving pictures: files for players get the browser's own, animated pictures move by themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dash import html

from ...storage.kinds.video import format_of
from .record import File, Shown, caption, frame, nothing, unplayable

if TYPE_CHECKING:
    from ...storage.kinds.video import Video

MEDIA_TYPES = {"gif": "image/gif", "png": "image/png", "mp4": "video/mp4", "webm": "video/webm"}


def file(video: Video) -> File | None:
    """The file, of the format that its own bytes tell; None for bytes of no such format."""
    found = format_of(video.data)
    return File(video.data, MEDIA_TYPES[found]) if found else None


def draw(shown: Shown | None, name: str = "", color: str = "", theme: str = "light") -> html.Figure:
    """A video; in its place, words, if it cannot be shown."""
    return frame(shown, name, color, _body(shown) if shown else [], "video")


def _body(shown: Shown) -> list[Any]:
    video = shown.record.value
    found = file(video)
    if found is None:
        return [nothing("This video is damaged: its bytes are not a GIF, PNG, MP4 or WebM file.")]
    address = shown.url(video.data)
    if found.media_type.startswith("video/"):
        player = html.Video(
            src=address, controls=True, loop=True, muted=True, preload="metadata", key=address
        )
        picture = [player, unplayable("video")]
    else:
        picture = html.Img(src=address, alt=video.caption or f"Video at step {shown.record.step}")
    known = {"frames": video.frames, "frames a second": video.fps}
    facts = " · ".join(f"{number:,g} {what}" for what, number in known.items() if number)
    return [
        html.Div(picture, className="video-frame"),
        html.Div(facts, className="media-facts"),
        *caption(video.caption),
    ]
