"""Histograms of one tag over steps, or of several runs at one step, as Plotly figures.

The same bins serve every step and run of a card, so that what differs in the picture differs in the
data. Figures are plain dicts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from . import histogram_bands, histogram_compare, histogram_shapes
from .figure import nothing
from .histogram_line import Line, Look, at_step

if TYPE_CHECKING:
    from ...storage.kinds.histogram import Histogram

__all__ = ["MOST", "VIEWS", "Line", "Look", "at_step", "counters", "draw"]

MOST: Mapping[str, int] = {"ridge": 40, "overlay": 40, "heat": 128, "bands": 128, "compare": 128, "one": 1}
"""Views, and how many columns of histograms each one draws at most."""

VIEWS: Mapping[str, Callable[[Sequence[Line], Look], dict[str, Any]]] = {
    "ridge": histogram_shapes.ridge,
    "overlay": histogram_shapes.overlay,
    "heat": histogram_shapes.heat,
    "bands": histogram_bands.bands,
    "compare": histogram_compare.compare,
    "one": histogram_shapes.one,
}


def draw(lines: Sequence[Line], view: str, look: Look) -> dict[str, Any]:
    """The figure of one of ``VIEWS``. "ridge", "overlay" and "heat" draw the first line only; others all."""
    if not any(line.columns for line in lines):
        return nothing("No histogram yet", look.theme)
    finite = [line for line in lines if any(column.value.finite_count for column in line.columns)]
    if not finite:
        newest = next(line for line in lines if line.columns).columns[-1].value
        told = ", ".join(f"{name}: {text}" for name, text in counters(newest))
        return nothing(f"No finite values in these histograms{told and f' ({told})'}", look.theme)
    return VIEWS[view](finite, look)


def counters(histogram: Histogram) -> list[tuple[str, str]]:
    """What bins cannot show, where it occurs: ``("0", "12 %")``, ``("NaN", "3")``, ``("+Inf", "1")``."""
    occurring = [("NaN", histogram.nans), ("+Inf", histogram.pos_infs), ("−Inf", histogram.neg_infs)]
    shown = [(name, f"{count:,}") for name, count in occurring if count]
    if histogram.zeros:
        shown.insert(0, ("0", f"{100 * histogram.zeros / histogram.finite_count:.3g} %"))
    return shown
