"""Layouts of charts: those that runs logged last, and those that people log to runs afterwards."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from .kinds.layout import Chart, Layout, encode
from .lookup import run_row
from .records import Arrived, tell
from .series import SeriesKey

if TYPE_CHECKING:
    from .store import Store

KEPT_KEY = SeriesKey(0, "layout", "layout")
"""Where a layout that people made is kept; the newest counts."""


def read_layout(store: Store, run_ids: Sequence[str]) -> list[Chart]:
    """The charts of the newest layout of every series, each once.

    Of a run for which people made one, that one alone.
    """
    found: dict[tuple[str, str, str, tuple[str, ...]], Chart] = {}
    series = store.series(run_ids, "layout")
    made = {one.run_id for one in series if one.tag == KEPT_KEY.tag}
    for one in series:
        if one.tag == KEPT_KEY.tag or one.run_id not in made:
            newest = store.record_at(one.run_id, one.tag, "layout", one.count - 1, rank=one.rank)
            for chart in newest.value.charts:
                found.setdefault((chart.category, chart.title, chart.type, tuple(chart.tags)), chart)
    return list(found.values())


def keep_layout(store: Store, run_ids: Sequence[str], layout: Layout) -> None:
    """Log a layout to runs, in one transaction. Raises ``RunNotFound``."""
    kept = {one.run_id: one.count for one in store.series(run_ids, "layout") if one.tag == KEPT_KEY.tag}
    with store.writing() as connection:
        for run_id in run_ids:
            run_row(connection, run_id, "the store")
            # TensorBoard takes of equal steps any.
            step = kept.get(run_id, 0)
            tell(connection, run_id, KEPT_KEY, [Arrived.of("layout", 0, step, time.time(), encode(layout))])
