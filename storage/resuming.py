"""What a program must know of a stored run to go on with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select

from .schema import series
from .sinks import Resumable

if TYPE_CHECKING:
    from .store import Store


def resumable(store: Store, run_id: str) -> Resumable:
    """What a program must know of a run to continue it. A method of ``Store``; raises ``RunNotFound``."""
    run = store.run(run_id)
    began = any(one.rank == 0 for one in store.ranks(run_id))
    with store.reading() as connection:
        greatest = select(func.max(series.c.last_step)).where(series.c.run_id == run_id)
        last_step = connection.scalar(greatest)
    kept = ("project", "name", "group", "tags", "notes", "config", "created_at")
    return Resumable(
        **{name: getattr(run, name) for name in kept},
        launch=None if began else run.environment.get("launch"),
        next_step=0 if last_step is None else last_step + 1,
        last_request=max((request.number for request in store.requests(run_id)), default=0),
    )
