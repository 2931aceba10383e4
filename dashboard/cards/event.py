"""Events, newest first: title, text, step, and the data in a fold."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from dash import html

if TYPE_CHECKING:
    from ...storage import Record, Store

LIMIT = 50
MAX_CHARACTERS = 20_000


def read(store: Store, run_id: str, tag: str, rank: int = 0, limit: int = LIMIT) -> list[Record]:
    """The events at the ``limit`` highest steps, highest first; among equal steps the latest first."""
    _, _, indices = store.record_index(run_id, tag, "event", rank=rank)
    return [store.record_at(run_id, tag, "event", int(index), rank=rank) for index in indices[::-1][:limit]]


def draw(records: Sequence[Record], name: str = "", color: str = "", total: int = 0) -> html.Section:
    """The events of one run; ``total`` is how many there are, to say so when not all are shown."""
    head = [html.Span(className="run-dot", style={"backgroundColor": color or None}), html.Span(name)]
    parts: list[Any] = [html.H4(head, className="card-run")]
    parts += [_entry(record) for record in records]
    if not records:
        parts.append(html.Div("No events yet", className="card-nothing"))
    if total > len(records):
        parts.append(html.Div(f"{total - len(records):,} older ones are not shown", className="card-nothing"))
    return html.Section(parts, className="text-card")


def _entry(record: Record) -> html.Article:
    when = datetime.fromtimestamp(record.wall_time).astimezone()
    head = [
        html.Span(f"step {record.step:,}", className="card-step"),
        html.Time(f"{when:%H:%M:%S}", dateTime=when.isoformat(), title=f"{when:%Y-%m-%d %H:%M:%S %Z}"),
    ]
    event = record.value
    parts: list[Any] = [html.Div(head, className="text-head"), html.Strong(_short(event.title))]
    if event.text:
        parts.append(html.Pre(_short(event.text), className="text-plain"))
    if event.data:
        data = html.Pre(_short(json.dumps(event.data, indent=1)), className="text-plain")
        parts.append(html.Details([html.Summary("Data"), data]))
    return html.Article(parts, className=f"event-{event.level}")


def _short(text: str) -> str:
    return text if len(text) <= MAX_CHARACTERS else f"{text[:MAX_CHARACTERS]}…"
