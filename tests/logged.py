"""What a run logged, and what it warned of."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import trainboard as tb
from trainboard.loggers.run import Run
from trainboard.storage.store import Store


def stored(run: Run) -> Store:
    run.finish()
    return tb.open_store(run.store)


def warned(act: Callable[[], Any]) -> list[str]:
    """The texts of the warnings that ``act`` causes when done twice."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        act()
        act()
    # What is never closed is told whenever it is collected, be it another test's.
    return [str(warning.message) for warning in caught if warning.category is not ResourceWarning]
