"""Texts, newest first: plain ones as they are, Markdown formatted but without the HTML it may hold."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
from dash import dcc, html

if TYPE_CHECKING:
    from ...storage import Record, Store
    from ...storage.kinds.text import Text

LIMIT = 12
MAX_CHARACTERS = 20_000
MAX_SEARCHED = 20_000
"""Texts that a search reads at most, the newest ones."""
_READ_AT_ONCE = 500


def read(
    store: Store,
    run_id: str,
    tag: str,
    rank: int = 0,
    limit: int = LIMIT,
    step: int | None = None,
    words: str = "",
) -> list[Record]:
    """The texts at the ``limit`` highest steps, highest first; among equal steps the latest first.

    Only those up to ``step``, if there is one, and that contain ``words``, whatever their case.
    """
    steps, _, indices = store.record_index(run_id, tag, "text", rank=rank)
    reached = len(steps) if step is None else int(np.searchsorted(steps, step, side="right"))
    newest = indices[:reached][::-1][: MAX_SEARCHED if words else limit]
    found: list[Record] = []
    for start in range(0, len(newest), _READ_AT_ONCE):
        group = newest[start : start + _READ_AT_ONCE].tolist()
        records = store.records_at(run_id, tag, "text", group, rank=rank)[::-1]
        found += [record for record in records if words.lower() in record.value.text.lower()]
        if len(found) >= limit:
            break
    return found[:limit]


def draw(
    records: Sequence[Record], name: str = "", color: str = "", total: int = 0, words: str = ""
) -> html.Section:
    """The texts of one run; ``total`` is how many there are, to say so when not all are shown.

    ``words`` is what was searched for.
    """
    head = [html.Span(className="run-dot", style={"backgroundColor": color or None}), html.Span(name)]
    parts: list[Any] = [html.H4(head, className="card-run")]
    parts += [_entry(record, words) for record in records]
    if not records:
        parts.append(html.Div("No text with this" if words else "No text yet", className="card-nothing"))
    elif total > len(records):
        parts.append(html.Div(_rest(total, len(records), words), className="card-nothing"))
    return html.Section(parts, className="text-card")


def _rest(total: int, shown: int, words: str) -> str:
    if words:
        return f"The newest {shown:,} with this, of {min(total, MAX_SEARCHED):,} texts searched"
    return f"{total - shown:,} others are not shown: move the slider, or search"


def _entry(record: Record, words: str) -> html.Article:
    when = datetime.fromtimestamp(record.wall_time).astimezone()
    head = [
        html.Span(f"step {record.step:,}", className="card-step"),
        html.Time(f"{when:%H:%M:%S}", dateTime=when.isoformat(), title=f"{when:%Y-%m-%d %H:%M:%S %Z}"),
    ]
    return html.Article([html.Div(head, className="text-head"), _body(record.value, words)])


def _body(value: Text, words: str) -> Any:
    text = value.text
    if len(text) > MAX_CHARACTERS:
        text = f"{text[:MAX_CHARACTERS]}\n… {len(value.text) - MAX_CHARACTERS:,} more characters"
    if value.format == "markdown":
        return dcc.Markdown(
            text, dangerously_allow_html=False, link_target="_blank", className="text-markdown"
        )
    return html.Pre(_marked(text, words), className="text-plain")


def _marked(text: str, words: str) -> list[Any] | str:
    """The text with the words in it marked."""
    if not words:
        return text
    parts = re.split(f"({re.escape(words)})", text, flags=re.IGNORECASE)
    return [html.Mark(part) if at % 2 else part for at, part in enumerate(parts)]
