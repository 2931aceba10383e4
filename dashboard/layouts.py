"""Layouts of charts, as TensorBoard's custom scalars: which tags of some runs each chart is for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from starlette.exceptions import HTTPException

from ..storage.kinds.layout import Chart
from ..storage.layouts import read_layout
from ..storage.patterns import BadPattern, search, time_limit
from . import asked

if TYPE_CHECKING:
    from ..storage import Store

MAX_RUNS = 200
MAX_CHARTS = 200
MAX_SOURCES = 40
"""Tags on one chart; the rest is counted."""

_TEXT = 1_000
_MATCH_SECONDS = 1.0


def asked_layout(body: Mapping[str, Any]) -> tuple[list[str], list[Chart] | None]:
    """The runs and the charts of a request, checked. Raises ``HTTPException``."""
    try:
        ids, given = asked.texts(body["runs"]), body["charts"]
        if given is None:
            charts = None
        else:
            charts = [_chart(**one) for one in given]
    except (KeyError, TypeError, ValueError) as error:
        raise HTTPException(422, f"These are not the charts of a layout: {error!s:.300}.") from error
    if len(ids) > MAX_RUNS or len(charts or ()) > MAX_CHARTS:
        raise HTTPException(413, f"{MAX_RUNS} runs and {MAX_CHARTS} charts are allowed.")
    return ids, charts


def resolve(store: Store, ids: Sequence[str], charts: Sequence[Chart] | None) -> list[dict[str, Any]]:
    """Each chart with the tags ``found`` for it, and what is wrong with it; without charts, the logged ones.

    All regular expressions together may take a second.
    """
    chosen = read_layout(store, ids)[:MAX_CHARTS] if charts is None else charts
    listed = store.series_list(ids, "scalar", limit=asked.MAX_SERIES).series
    tags = list(dict.fromkeys(tag for tag, _, _ in listed))
    with time_limit(_MATCH_SECONDS):
        return [_resolved(chart, tags) for chart in chosen]


def _resolved(chart: Chart, tags: Sequence[str]) -> dict[str, Any]:
    told = {"category": chart.category, "title": chart.title, "type": chart.type, "tags": chart.tags}
    if chart.type == "margin":
        missing = [tag for tag in chart.tags if tag not in tags]
        names = ", ".join(f"“{tag}”" for tag in missing)
        problem = f"No shown run has {names}." if missing else ""
        return told | {"found": [] if chart.tags[0] in missing else chart.tags, "problem": problem}
    found: list[str] = []
    try:
        for pattern in chart.tags:
            found += [pattern] if pattern in tags else [tag for tag in tags if search(f"^(?:{pattern})", tag)]
    except BadPattern as problem:
        return told | {"found": [], "problem": str(problem)}
    found = list(dict.fromkeys(found))
    problem = "" if found else "No shown run has such a tag."
    if len(found) > MAX_SOURCES:
        problem = f"The first {MAX_SOURCES} of {len(found)} tags are drawn."
    return told | {"found": found[:MAX_SOURCES], "problem": problem}


def _chart(category: Any, title: Any, type: Any, tags: Any) -> Chart:
    texts = asked.texts([category, title, *asked.texts(tags)])
    if any(len(text) > _TEXT for text in texts):
        raise ValueError(f"a text has more than {_TEXT:,} characters")
    if not texts[2:] or not all(texts[2:]):
        raise ValueError(f"the chart {texts[1]!r:.100} has no tags, or an empty one")
    return Chart(texts[0], texts[1], type, texts[2:])
