"""What a run logged, which faults it met, and what it warned of."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import trainboard as tb
from trainboard.loggers.run import Run
from trainboard.storage.kinds.event import Event
from trainboard.storage.store import Store


def stored(run: Run) -> Store:
    run.finish()
    return tb.open_store(run.store)


def faults(run: Run) -> list[Event]:
    """What the flight recorder reported and the store knows by now."""
    assert run.flush(60)
    store = tb.open_store(run.store)
    if not any(series.kind == "event" for series in store.series(run.id)):
        return []
    return [record.value for record in store.records(run.id, "flight_recorder", "event")]


def warned(act: Callable[[], Any]) -> list[str]:
    """The texts of the warnings that ``act`` causes when done twice."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        act()
        act()
    # What is never closed is told whenever it is collected, be it another test's.
    return [str(warning.message) for warning in caught if warning.category is not ResourceWarning]
