"""Whole windows as Visdom's protocol knows them, and thinned ones, which cost what a picture does."""

from __future__ import annotations

from typing import Any

import numpy as np
from sqlalchemy import Connection

from .chunk_rows import Window as Range
from .lookup import series_row
from .pieces import read_pieces
from .points import query_points, read_since
from .series import Points
from .traces import TraceSeries, as_json, x_of
from .windows import Window, environment_run, load_window, load_windows, run_id_of

EXACT_POINTS = 4_000
"""A trace of no more points than this is told point by point, in the order they came."""

TEXT_BREAK = "<br>"


def read_pane(
    connection: Connection,
    name: str,
    window_id: str,
    width: int | None = None,
    span: Range | None = None,
) -> dict[str, Any] | None:
    """A window of an environment, or None. With a ``width`` in pixels long lines are thinned.

    ``span`` is the first and the last x to tell of lines, of all if left out; it needs a ``width``.
    """
    run_id = run_id_of(name)
    if environment_run(connection, run_id) is None:
        return None
    window = load_window(connection, run_id, window_id)
    return window and make_pane(connection, run_id, window, width, span)


def read_panes(connection: Connection, name: str) -> dict[str, dict[str, Any]] | None:
    """All windows of an environment by id, or None if there is no such environment."""
    run_id = run_id_of(name)
    if environment_run(connection, run_id) is None:
        return None
    return {window.id: make_pane(connection, run_id, window) for window in load_windows(connection, run_id)}


def make_pane(
    connection: Connection,
    run_id: str,
    window: Window,
    width: int | None = None,
    span: Range | None = None,
) -> dict[str, Any]:
    """A window with its content whole, or with its lines thinned."""
    return {
        "command": "window",
        "id": window.id,
        **window.pane,
        "contentID": f"{window.version:x}",
        "i": window.position,
        "content": _content(connection, run_id, window, width, span),
    }


def _content(
    connection: Connection, run_id: str, window: Window, width: int | None, span: Range | None
) -> Any:
    if window.type == "text" and window.pieces:
        return TEXT_BREAK.join(map(str, read_pieces(connection, run_id, window.id)))
    if window.pieces:
        return read_pieces(connection, run_id, window.id)
    if not any(window.traces):
        return window.content
    pairs = zip(window.content["data"], window.traces, strict=True)
    data = [
        {**head, **_points(connection, run_id, trace, width if _is_outline(head) else None, span)}
        for head, trace in pairs
    ]
    return {**window.content, "data": data}


def _is_outline(head: dict[str, Any]) -> bool:
    """Whether a trace has but x and y for each of its points: no texts, no colours."""
    parts = [value.values() if isinstance(value, dict) else [value] for value in head.values()]
    return not any(isinstance(value, list) for part in parts for value in part)


def _points(
    connection: Connection, run_id: str, trace: TraceSeries | None, width: int | None, span: Range | None
) -> dict[str, Any]:
    if trace is None:
        return {}
    if width is None or (trace.count <= EXACT_POINTS and span is None):
        found = read_since(connection, run_id, trace.key.id, 0)
        return {"x": as_json(x_of(trace, found)), "y": as_json(found.value)}
    row = series_row(connection, run_id, trace.key, "")
    # Without a span lines are told in the order of their points, so that one that turns back still does.
    axis = trace.x if span else "step"
    found = query_points(connection, row, axis=axis, origin=0.0, window=span, width=width)
    x, y = _outline(x_of(trace, found), found)
    return {"x": as_json(x), "y": as_json(y), "thinned": not found.exact, "points": trace.count}


def _outline(x: Any, found: Points) -> tuple[Any, Any]:
    """Each bucket as two points, its lowest and its highest, so that no spike is lost."""
    if found.exact:
        return x, found.value
    assert found.minimum is not None and found.maximum is not None
    return np.repeat(x, 2), np.column_stack([found.minimum, found.maximum]).ravel()
