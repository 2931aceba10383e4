"""What only a plugin of TensorBoard can show: which one, how much it is, and a link to save it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dash import html

from .record import File, Shown, frame, nothing

if TYPE_CHECKING:
    from ...storage.kinds.raw import Raw


def file(raw: Raw) -> File:
    """The protobuf, or the file, as it was found."""
    return File(raw.data, "application/octet-stream")


def draw(shown: Shown | None, name: str = "", color: str = "", theme: str = "light") -> html.Figure:
    """The plugin's name and the size of what it logged."""
    return frame(shown, name, color, _body(shown) if shown else [], "trace")


def _body(shown: Shown) -> list[Any]:
    raw: Raw = shown.record.value
    if not raw.data:
        return [nothing("Nothing was logged here but the name.")]
    plugin = f"for TensorBoard's plugin {raw.plugin}" if raw.plugin else "for no plugin of TensorBoard"
    facts = f"{raw.message} {plugin} · {len(raw.data) / 1024:,.1f} KiB"
    save = html.A("Save it as it is", href=shown.url(raw.data), download=f"step-{shown.record.step}.bin")
    return [html.Div(facts, className="media-facts"), html.Div(save, className="media-facts")]
