"""What Visdom's updates do to a window that is there.

A named trace is appended to, replaced, removed or added; traces without a name are paired by position. Where
Visdom's own server fails, something sensible happens: of traces that are too few the first are updated, and
what cannot be appended is left out.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from .heatmap import update_heatmap

if TYPE_CHECKING:
    from ...storage.environment import Environment
    from ...storage.windows import Window

Message = dict[str, Any]

_UPDATED = ("scatter", "scattergl", "scatter3d", "custom", "heatmap")
_FIXED = ("command", "id", "type", "content", "contentID", "i")
"""Keys of a window that no option overwrites."""


def refusal(window: Window) -> str | None:
    """Why a window takes no updates, in the words of Visdom's server; None if it does."""
    if window.type in ("text", "image_history", "embeddings"):
        return None
    data = window.content["data"] if window.type == "plot" else [{"type": window.type}]
    if not data or data[0].get("type") in _UPDATED:
        return None
    kinds = "scatter, heatmap, custom, image_history, embeddings, or text"
    return f"win is not {kinds}; was {data[0].get('type')}"


def apply_update(environment: Environment, window: Window, message: Message) -> None:
    """Change a window as an /update says."""
    if window.type in ("text", "image_history"):
        environment.add_pieces(window, [part.get("content") for part in message["data"][:1]])
        if window.type == "image_history":
            window.pane = {**window.pane, "selected": window.pieces - 1}
    elif window.type == "embeddings":
        _update_embeddings(window, message["data"])
    else:
        _update_plot(environment, window, message)
    environment.touch(window)


def _update_embeddings(window: Window, data: Message) -> None:
    content = dict(window.content)
    if data.get("update_type") == "EntitySelected":
        content["selected"] = data.get("selected")
    elif data.get("update_type") == "RegionSelected":
        window.pane = {**window.pane, "old_content": [*window.pane["old_content"], content.get("data")]}
        content |= {"selected": None, "has_previous": True, "data": data.get("points")}
    window.content = content


def pop_embeddings(window: Window) -> None:
    """Go back to what was shown before the last region was selected."""
    *older, last = window.pane["old_content"]
    window.pane = {**window.pane, "old_content": older}
    window.content = {**window.content, "selected": None, "data": last, "has_previous": bool(older)}


def _update_plot(environment: Environment, window: Window, message: Message) -> None:
    _update_options(window, message)
    name, new, append = message.get("name"), message.get("data"), bool(message.get("append"))
    if name is None and new is None:
        return
    data = window.content["data"]
    found = [at for at, trace in enumerate(data) if name is None or trace.get("name") == name]
    if message.get("delete"):
        environment.remove_traces(window, found)
    elif not new:
        return
    elif len(found) == 1 and data[found[0]].get("type") == "heatmap":
        data[found[0]] = update_heatmap(data[found[0]], new[0], message.get("updateDir"), append)
    elif not found:
        added = new if name is None else [{**new[0], "name": name}]
        for trace in added:
            environment.add_trace(window, trace)
    else:
        for at, trace in zip(found, new, strict=False):
            _update_trace(environment, window, at, trace, append)


def _update_options(window: Window, message: Message) -> None:
    layout = {key: value for key, value in (message.get("layout") or {}).items() if value is not None}
    window.content = {**window.content, "layout": {**window.content["layout"], **layout}}
    options = message.get("opts") or {}
    changed = {key: value for key, value in options.items() if value is not None and key not in _FIXED}
    window.pane = {**window.pane, **changed}
    if options.get("legend"):
        renamed = zip(window.content["data"], options["legend"], strict=False)
        names = [{**trace, "name": name} for trace, name in renamed]
        window.content["data"] = [*names, *window.content["data"][len(names) :]]


def _update_trace(environment: Environment, window: Window, at: int, new: Message, append: bool) -> None:
    x, y = new.get("x") or [], new.get("y") or []
    if all(value is None or (isinstance(value, float) and math.isnan(value)) for value in x):
        return
    if append:
        environment.extend(window, at, x, y)
    else:
        environment.set_points(window, at, x, y)
    trace = dict(window.content["data"][at])
    if trace.get("type") == "scatter3d":
        trace["z"] = [*((trace.get("z") or []) if append else []), *(new.get("z") or [])]
    if "marker" in new:
        trace["marker"] = _marker(trace.get("marker") or {}, new["marker"] or {}, append)
    window.content["data"][at] = trace


def _marker(old: Message, new: Message, append: bool) -> Message:
    """Only the colours of points are changed by an update."""
    if "color" not in new:
        return old
    both = [old.get("color"), new["color"]]
    if append and all(isinstance(color, list) for color in both):
        return {**old, "color": both[0] + both[1]}
    return {**old, "color": new["color"]}
