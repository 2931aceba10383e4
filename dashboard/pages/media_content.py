"""What fills the sections of the Media page: a card for each run, by kind of record."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any, Protocol

from dash import html, set_props

from ...storage.errors import TrainboardError
from ..cards import (
    audio,
    confusion_matrix,
    embedding,
    event,
    image,
    layout,
    mesh,
    plotly_figure,
    pr_curve,
    raw,
    record,
    table,
    text,
    trace,
    video,
)
from . import step_slider

if TYPE_CHECKING:
    from ...storage import SeriesRecord, Store


class Draw(Protocol):
    """Makes a card of a record, or of none, under its run's name and colour; ``theme`` is for figures."""

    def __call__(
        self, shown: record.Shown | None, name: str = "", color: str = "", theme: str = "light"
    ) -> html.Figure: ...


CARDS: Mapping[str, Draw] = {
    "image": image.draw,
    "audio": audio.draw,
    "video": video.draw,
    "figure": plotly_figure.draw,
    "table": table.draw,
    "pr_curve": pr_curve.draw,
    "confusion_matrix": confusion_matrix.draw,
    "embedding": embedding.draw,
    "mesh": mesh.draw,
    "layout": layout.draw,
    "trace": trace.draw,
    "raw": raw.draw,
}
"""The kinds whose sections have a step slider, and what draws one."""
LISTS: Mapping[str, ModuleType] = {"text": text, "event": event}
"""The kinds that are listed, newest first; each module reads and draws its own."""
KINDS = (*CARDS, *LISTS)
"""All kinds of the page, in the order of its sections."""


class Content:
    """Fills sections, and keeps a print of what each was last filled with.

    ``runs`` are those to show by id, ``drawn`` the prints that the page has.
    """

    def __init__(
        self, store: Store, runs: Mapping[str, Any], drawn: dict[str, str], theme: str = "light"
    ) -> None:
        self._store = store
        self._runs = runs
        self._theme = theme
        self.drawn = drawn

    def send(self, kind: str, tag: str, series: Sequence[SeriesRecord], step: int | None) -> None:
        """Fill the section of a kind and tag, unless the page has just this."""
        state = [[[one.run_id, one.count] for one in series], step, self._theme]
        key, now = f"{kind} {tag}", json.dumps(state)
        if self.drawn.get(key) == now:
            return
        self.drawn[key] = now
        cells = self._listed(kind, series) if kind in LISTS else self._cards(kind, tag, series, step)
        set_props({"type": "media-content", "kind": kind, "tag": tag}, {"children": cells})

    def _cards(
        self, kind: str, tag: str, series: Sequence[SeriesRecord], step: int | None
    ) -> list[html.Figure]:
        found = {
            int(at) for one in series for at in record.steps(self._store, kind, one.run_id, tag, one.rank)
        }
        placed, words = step_slider.place(sorted(found), step)
        set_props({"type": "media-placed", "kind": kind, "tag": tag}, {"data": placed})
        set_props({"type": "media-step", "kind": kind, "tag": tag}, {"children": words})
        return [self._card(kind, one, step) for one in self._ordered(series)]

    def _card(self, kind: str, one: SeriesRecord, step: int | None) -> html.Figure:
        run = self._runs[one.run_id]
        try:
            shown = record.read(self._store, kind, one.run_id, one.tag, step, one.rank)
            return CARDS[kind](shown, run["name"], run["color"], self._theme)
        except TrainboardError:
            return CARDS[kind](None, run["name"], run["color"], self._theme)
        except Exception as error:
            # One record that cannot be read must not empty the page.
            words = record.nothing(f"This {kind.replace('_', ' ')} is damaged and cannot be shown: {error}")
            return html.Figure([html.Figcaption(run["name"]), words], className="media-card")

    def _listed(self, kind: str, series: Sequence[SeriesRecord]) -> list[html.Section]:
        columns = []
        for one in self._ordered(series):
            run = self._runs[one.run_id]
            try:
                records = LISTS[kind].read(self._store, one.run_id, one.tag, one.rank)
            except TrainboardError:
                continue
            columns.append(LISTS[kind].draw(records, run["name"], run["color"], one.count))
        return columns

    def _ordered(self, series: Sequence[SeriesRecord]) -> list[SeriesRecord]:
        places = {run_id: place for place, run_id in enumerate(self._runs)}
        return sorted(series, key=lambda one: (places[one.run_id], one.rank))
