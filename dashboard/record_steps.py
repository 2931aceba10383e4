"""At which steps a series of records has one: what a slider needs to know."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..storage.errors import TrainboardError
from ..storage.records import spread

if TYPE_CHECKING:
    from ..storage import SeriesRecord, Store

MAX_STEPS = 1_000


def steps_of(store: Store, series: SeriesRecord) -> dict[str, list[int]]:
    """``{"steps", "indices"}``: the steps, sorted, at most 1,000, and which record is the last of each."""
    try:
        steps, _, indices = store.record_index(series.run_id, series.tag, series.kind, rank=series.rank)
    except TrainboardError:
        return {"steps": [], "indices": []}
    last = np.append(steps[1:] != steps[:-1], True)[: len(steps)]
    chosen = spread(int(last.sum()), MAX_STEPS)
    return {"steps": steps[last][chosen].tolist(), "indices": indices[last][chosen].tolist()}
