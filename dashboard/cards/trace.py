"""Traces: what there is of one, and a link to save it for a viewer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from dash import html

from .record import File, Shown, frame, nothing

if TYPE_CHECKING:
    from ...storage.kinds.trace import Trace


def file(trace: Trace) -> File | None:
    """The gzipped JSON; None if it is not gzipped."""
    return File(trace.gzipped, "application/gzip") if trace.gzipped.startswith(b"\x1f\x8b") else None


def draw(shown: Shown | None, name: str = "", color: str = "", theme: str = "light") -> html.Figure:
    """The trace's name and size; words, if its bytes are none."""
    return frame(shown, name, color, _body(shown) if shown else [], "trace")


def _body(shown: Shown) -> list[Any]:
    trace = shown.record.value
    if file(trace) is None:
        return [nothing("This trace is damaged: its bytes are not gzipped.")]
    save = html.A(
        "Save the trace", href=shown.url(trace.gzipped), download=f"step-{shown.record.step}.json.gz"
    )
    look = html.A("Look into it", href=f"/profile?{urlencode({'trace': _key(shown)})}")
    facts = f"{trace.name or 'unnamed'} · {len(trace.gzipped) / 1024:,.0f} KiB"
    return [html.Div(facts, className="media-facts"), html.Div([save, " ", look], className="media-facts")]


def _key(shown: Shown) -> str:
    """What names a trace in the address of the Profile page."""
    return f"{shown.run_id} {shown.rank} {shown.index} {shown.tag}"
