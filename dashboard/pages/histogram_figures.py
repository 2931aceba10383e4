"""Fills the cards of the Histograms page, for as long as one answer may take."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dash import Patch, html, set_props

from ..cards import histogram as card
from ..cards.figure import nothing
from ..cards.histogram_steps import StepAxis, chooser
from ..merged_histograms import Columns, MergedHistograms
from .histogram_grid import Cell

if TYPE_CHECKING:
    from ...storage import SeriesRecord

ANSWER_SECONDS = 0.5
"""How long one answer may take; what is not drawn by then comes with the next one."""
_LATER = "later"
_NOTHING = Columns([], 1.0, 0.0)

Held = Mapping[tuple[str, str], "SeriesRecord"]
"""Series of histograms by run and tag."""


@dataclass(frozen=True)
class Asked:
    """How the page's controls stand."""

    theme: str
    view: str
    scale: str
    log_counts: bool
    step: int | None
    axis: str
    window: str
    compared: str

    @property
    def look(self) -> list[Any]:
        """What a person's own zoom into a card does not survive when it changes."""
        return [self.theme, self.view, self.scale, self.log_counts, self.axis, self.compared]


class Figures:
    """Fills cards, and keeps a print of what each was last filled with.

    ``runs`` are those to show by id, ``drawn`` the prints that the page has; ``is_done`` tells whether all
    cards asked for are as they should be.
    """

    def __init__(
        self,
        merged: MergedHistograms,
        runs: Mapping[str, Any],
        held: Held,
        asked: Asked,
        drawn: dict[str, str],
    ) -> None:
        self._merged = merged
        self._runs = runs
        self._held = held
        self._asked = asked
        seconds = max(((one.last_wall or 0) - (one.first_wall or 0) for one in held.values()), default=0.0)
        self._axis = StepAxis.of(asked.axis, seconds)
        self._until = time.monotonic() + ANSWER_SECONDS
        self.drawn = drawn
        self.is_done = True

    def send(self, cell: Cell) -> None:
        """Draw a card, unless the page has just this, or time is up."""
        asked = self._asked
        known = [[run, self._held[run, cell.tag].count] for run in cell.runs if (run, cell.tag) in self._held]
        now = json.dumps([known, asked.look, asked.step, asked.window])
        if self.drawn.get(cell.key) == now:
            return
        if time.monotonic() > self._until:
            self.is_done = False
            return
        try:
            lines, read = self._lines(cell, [run for run, _ in known])
        except Exception as error:
            # One record that cannot be read must not leave the other cards empty.
            self.drawn[cell.key] = _LATER
            words = f"Histograms here cannot be read: {error}"
            set_props(cell.id("histogram-figure"), {"figure": nothing(words, asked.theme)})
            return
        if read < 1:
            self.is_done = False
            self.drawn[cell.key] = _LATER
            words = f"Adding up histograms: {100 * read:.0f} %"
            set_props(cell.id("histogram-figure"), {"figure": nothing(words, asked.theme)})
            return
        figure = card.draw(lines, asked.view, self._look())
        is_update = _same_look(self.drawn.get(cell.key), now)
        self.drawn[cell.key] = now
        set_props(cell.id("histogram-figure"), {"figure": _without_zoom(figure) if is_update else figure})
        set_props(cell.id("histogram-note"), {"children": _note(lines, asked.step)})

    def _lines(self, cell: Cell, runs: Sequence[str]) -> tuple[list[card.Line], float]:
        """What to draw, and the share of it that could be read in time."""
        lines: list[card.Line] = []
        for run in runs:
            found = self._columns(run, cell.tag)
            against, other, other_color = self._against(run, cell.tag, runs)
            if found.read < 1 or against.read < 1:
                return [], (found.read + against.read) / 2
            name, color = self._runs[run]["name"], self._runs[run]["color"]
            compared = against.columns, other, other_color
            lines.append(card.Line(name, color, found.columns, found.started, *compared))
        return lines, 1.0

    def _columns(self, run: str, tag: str) -> Columns:
        series, asked = self._held[run, tag], self._asked
        if asked.view == "one":
            return self._merged.at(series, asked.step)
        choose = chooser(asked.window, self._axis) if asked.window else None
        return self._merged.read(series, card.MOST[asked.view], choose, self._until)

    def _against(self, run: str, tag: str, runs: Sequence[str]) -> tuple[Columns, str, str]:
        """What a run's tag is compared with, its name and its colour."""
        if self._asked.view != "compare":
            return _NOTHING, "", ""
        which, _, name = self._asked.compared.partition(":")
        other, wanted = (run, name) if which == "tag" else (name or runs[-1], tag)
        if (other, wanted) == (run, tag) or (other, wanted) not in self._held:
            return _NOTHING, "", ""
        told = name if which == "tag" else self._runs[other]["name"]
        return self._columns(other, wanted), told, self._runs[other]["color"]

    def _look(self) -> card.Look:
        asked = self._asked
        low, comma, high = asked.window.partition(",")
        shown = (low, high) if comma and chooser(asked.window, self._axis) else None
        return card.Look(
            asked.theme, asked.scale, asked.log_counts, asked.step, json.dumps(asked.look), self._axis, shown
        )


def _same_look(before: str | None, now: str) -> bool:
    """Whether two prints of a card differ only in numbers of records, the chosen step and the window."""
    if before in (None, _LATER):
        return False
    (known, look, *_), (new, new_look, *_) = json.loads(before), json.loads(now)
    return look == new_look and [run for run, _ in known] == [run for run, _ in new]


def _without_zoom(figure: dict[str, Any]) -> Patch:
    """A figure as a change of the one before it, that leaves the axes' ranges to the person.

    ``dcc.Graph`` gives Plotly the axes it was sent, and Plotly writes a zoom into them; a whole new
    figure would then end the zoom, whatever its ``uirevision``.
    """
    patch = Patch()
    patch["data"] = figure["data"]
    patch["layout"]["shapes"] = figure["layout"].get("shapes", [])
    patch["layout"]["annotations"] = figure["layout"].get("annotations", [])
    for name in ("xaxis", "yaxis"):
        axis = figure["layout"][name]
        patch["layout"][name]["visible"] = axis.get("visible", True)
        is_ours = axis.get("fixedrange") or name == "xaxis"
        for key in ("tickvals", "ticktext", *(["range"] if is_ours else [])):
            if key in axis:
                patch["layout"][name][key] = axis[key]
    return patch


def _note(lines: Sequence[card.Line], step: int | None) -> list[html.Span]:
    """What bins cannot show of the first line at the chosen step."""
    if not lines or not lines[0].columns:
        return []
    found = card.counters(card.at_step(lines[0].columns, step).value)
    return [
        html.Span(
            f"{name}: {text}",
            className="" if name == "0" else "not-finite",
            title=f"Share or number of {name}",
        )
        for name, text in found
    ]
