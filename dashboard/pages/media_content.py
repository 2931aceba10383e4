"""What fills the sections of the Media page: a card for each run, by kind of record."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from dash import html, set_props

from ...storage.errors import TrainboardError
from ...storage.records import spread
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
from . import media_cells, step_slider
from .media_cells import Cell

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
"""The kinds with a card for each run, and what draws one."""
GRIDS = frozenset({"image", "video"})
"""The kinds of which a page can show several steps of each run."""
GRID_STEPS = 8
LISTS: Mapping[str, ModuleType] = {"text": text, "event": event}
"""The kinds that are listed, newest first; each module reads and draws its own."""
NAMED = (*(kind for kind in CARDS if kind != "raw"), *LISTS)
"""The kinds that the page is about, in the order of its sections."""
KINDS = (*NAMED, "raw")
"""All kinds of the page: last what no page has a picture of."""


STEPPED = frozenset({*CARDS, "text"})
"""The kinds whose sections have a step slider."""


@dataclass(frozen=True)
class Asked:
    """How the page's controls stand: its theme, what texts must contain, and "step" or "grid"."""

    theme: str = "light"
    words: str = ""
    view: str = "step"


class Content:
    """Fills sections, and keeps a print of what each was last filled with.

    ``runs`` are those to show by id, ``drawn`` the prints that the page has.
    """

    def __init__(
        self, store: Store, runs: Mapping[str, Any], drawn: dict[str, str], asked: Asked = Asked()
    ) -> None:
        self._store = store
        self._runs = runs
        self._asked = asked
        self.drawn = drawn

    def send(self, kind: str, tag: str, series: Sequence[SeriesRecord], step: int | None) -> None:
        """Fill the section of a kind and tag, unless the page has just this."""
        is_grid = self._asked.view == "grid" and kind in GRIDS
        words = self._asked.words if kind == "text" else ""
        state = [[[one.run_id, one.count] for one in series], step, self._asked.theme, words, is_grid]
        key, now = f"{kind} {tag}", json.dumps(state)
        if self.drawn.get(key) == now:
            return
        self.drawn[key] = now
        if kind in STEPPED:
            self._place(kind, tag, series, step)
        if kind in LISTS:
            cells = self._listed(kind, series, step)
        else:
            draw = self._row if is_grid else self._cell
            cells = [draw(kind, one, step) for one in self._ordered(series)]
        held = f"{key} cells"
        self.drawn[held] = media_cells.show(kind, tag, cells, self.drawn.get(held))

    def _place(self, kind: str, tag: str, series: Sequence[SeriesRecord], step: int | None) -> None:
        """Put the section's slider where it belongs."""
        found = {
            int(at) for one in series for at in record.steps(self._store, kind, one.run_id, tag, one.rank)
        }
        placed, words = step_slider.place(step_slider.spread(sorted(found)), step)
        set_props({"type": "media-placed", "kind": kind, "tag": tag}, {"data": placed})
        set_props({"type": "media-step", "kind": kind, "tag": tag}, {"children": words})

    def _row(self, kind: str, one: SeriesRecord, step: int | None) -> Cell:
        """A card for each of a few steps of a run, evenly spread up to the chosen one."""
        steps = record.steps(self._store, kind, one.run_id, one.tag, one.rank)
        reached = len(steps) if step is None else int(np.searchsorted(steps, step, side="right"))
        chosen = steps[spread(reached, GRID_STEPS)].tolist()
        row = html.Div([self._cell(kind, one, at).card for at in chosen], className="media-row")
        return Cell(one.run_id, one.rank, row)

    def _cell(self, kind: str, one: SeriesRecord, step: int | None) -> Cell:
        shown, card = self._card(kind, one, step)
        return Cell(one.run_id, one.rank, card, shown if kind == "figure" else None, self._asked.theme)

    def _card(
        self, kind: str, one: SeriesRecord, step: int | None
    ) -> tuple[record.Shown | None, html.Figure]:
        run = self._runs[one.run_id]
        try:
            shown = record.read(self._store, kind, one.run_id, one.tag, step, one.rank)
            return shown, CARDS[kind](shown, run["name"], run["color"], self._asked.theme)
        except TrainboardError:
            return None, CARDS[kind](None, run["name"], run["color"], self._asked.theme)
        except Exception as error:
            # One record that cannot be read must not empty the page.
            words = record.nothing(f"This {kind.replace('_', ' ')} is damaged and cannot be shown: {error}")
            return None, html.Figure([html.Figcaption(run["name"]), words], className="media-card")

    def _listed(self, kind: str, series: Sequence[SeriesRecord], step: int | None) -> list[Cell]:
        cells = []
        words = self._asked.words
        chosen = {"step": step, "words": words} if kind == "text" else {}
        told = {"words": words} if kind == "text" else {}
        for one in self._ordered(series):
            run = self._runs[one.run_id]
            try:
                records = LISTS[kind].read(self._store, one.run_id, one.tag, one.rank, **chosen)
            except TrainboardError:
                continue
            card = LISTS[kind].draw(records, run["name"], run["color"], one.count, **told)
            cells.append(Cell(one.run_id, one.rank, card))
        return cells

    def _ordered(self, series: Sequence[SeriesRecord]) -> list[SeriesRecord]:
        places = {run_id: place for place, run_id in enumerate(self._runs)}
        return sorted(series, key=lambda one: (places[one.run_id], one.rank))
