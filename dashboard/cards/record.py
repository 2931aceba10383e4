"""What cards of records share: the record at a step, its frame, and the address of its bytes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlencode

import numpy as np
from dash import html

if TYPE_CHECKING:
    from ...storage import Record, Store

ROUTE = "/api/v1/media/{kind}/{digest}"


class File(NamedTuple):
    """Bytes that a browser may be given, under this media type."""

    content: bytes
    media_type: str


@dataclass(frozen=True)
class Shown:
    """One record of a series: its number in the order of arrival, and what an address of its bytes names."""

    index: int
    record: Record
    kind: str
    run_id: str
    tag: str
    rank: int = 0

    def url(self, content: bytes) -> str:
        """Where these bytes of the record are served."""
        where = urlencode({"run": self.run_id, "tag": self.tag, "rank": self.rank, "index": self.index})
        return f"{ROUTE.format(kind=self.kind, digest=digest(content))}?{where}"

    @property
    def step_id(self) -> dict[str, Any]:
        """The id of the words that tell the step. A page can show several steps of a series."""
        told = {"kind": self.kind, "run": self.run_id, "tag": self.tag, "rank": self.rank}
        return {"type": "media-card-step", **told}


def digest(content: bytes) -> str:
    """What names bytes in their address."""
    return hashlib.sha256(content).hexdigest()[:32]


def steps(store: Store, kind: str, run_id: str, tag: str, rank: int = 0) -> np.ndarray:
    """The steps of a series, sorted."""
    return store.record_index(run_id, tag, kind, rank=rank)[0]


def read(
    store: Store, kind: str, run_id: str, tag: str, step: int | None = None, rank: int = 0
) -> Shown | None:
    """The last record at or before ``step``; the newest without one. None if there is none."""
    found, _, indices = store.record_index(run_id, tag, kind, rank=rank)
    last = len(found) if step is None else int(np.searchsorted(found, step, side="right"))
    if not last:
        return None
    index = int(indices[last - 1])
    record = store.record_at(run_id, tag, kind, index, rank=rank)
    return Shown(index, record, kind, run_id, tag, rank)


def frame(shown: Shown | None, name: str, color: str, body: list[Any], kind: str) -> html.Figure:
    """A card under its run's name and its step."""
    parts = [html.Span(className="run-dot", style={"backgroundColor": color or None}), html.Span(name)]
    known: Any = {"id": shown.step_id} if shown and kind == "plotly" else {}
    step = html.Span(step_text(shown) if shown else "", className="card-step", **known)
    head = html.Figcaption([html.Span(parts, className="card-run"), step])
    if shown is None:
        body = [nothing("Nothing logged up to this step")]
    return html.Figure([head, *body], className=f"media-card {kind}-card")


def step_text(shown: Shown) -> str:
    return f"step {shown.record.step:,}"


def nothing(words: str) -> html.Div:
    """Words in the place of what cannot be shown."""
    return html.Div(words, className="card-nothing")


def unplayable(what: str) -> html.Div:
    """Words that are seen in the place of the player before them, if it cannot play."""
    words = f"This {what} cannot be played: it is damaged, or of a coding that this browser does not know."
    return html.Div(words, className="unplayable")


def caption(text: str) -> list[html.Div]:
    return [html.Div(text, className="media-caption")] if text else []
