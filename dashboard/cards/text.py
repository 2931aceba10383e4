"""Texts, newest first: plain ones as they are, Markdown formatted but without the HTML it may hold."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from dash import dcc, html

if TYPE_CHECKING:
    from ...storage import Record, Store
    from ...storage.kinds.text import Text

LIMIT = 12
MAX_CHARACTERS = 20_000


def read(store: Store, run_id: str, tag: str, rank: int = 0, limit: int = LIMIT) -> list[Record]:
    """The texts at the ``limit`` highest steps, highest first; among equal steps the latest first."""
    _, _, indices = store.record_index(run_id, tag, "text", rank=rank)
    return [store.record_at(run_id, tag, "text", int(index), rank=rank) for index in indices[::-1][:limit]]


def draw(records: Sequence[Record], name: str = "", color: str = "", total: int = 0) -> html.Section:
    """The texts of one run; ``total`` is how many there are, to say so when not all are shown."""
    head = [html.Span(className="run-dot", style={"backgroundColor": color or None}), html.Span(name)]
    parts: list[Any] = [html.H4(head, className="card-run")]
    parts += [_entry(record) for record in records]
    if not records:
        parts.append(html.Div("No text yet", className="card-nothing"))
    if total > len(records):
        parts.append(html.Div(f"{total - len(records):,} older ones are not shown", className="card-nothing"))
    return html.Section(parts, className="text-card")


def _entry(record: Record) -> html.Article:
    when = datetime.fromtimestamp(record.wall_time).astimezone()
    head = [
        html.Span(f"step {record.step:,}", className="card-step"),
        html.Time(f"{when:%H:%M:%S}", dateTime=when.isoformat(), title=f"{when:%Y-%m-%d %H:%M:%S %Z}"),
    ]
    return html.Article([html.Div(head, className="text-head"), _body(record.value)])


def _body(value: Text) -> Any:
    text = value.text
    if len(text) > MAX_CHARACTERS:
        text = f"{text[:MAX_CHARACTERS]}\n… {len(value.text) - MAX_CHARACTERS:,} more characters"
    if value.format == "markdown":
        return dcc.Markdown(
            text, dangerously_allow_html=False, link_target="_blank", className="text-markdown"
        )
    return html.Pre(text, className="text-plain")
