"""The newest events of runs, whatever the length of their series."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import select

from .kinds.base import Encoded
from .kinds.event import Event, decode
from .schema import records
from .series import SeriesKey

if TYPE_CHECKING:
    from .store import Store


class Logged(NamedTuple):
    """An event of a series: the ``position``-th of it to arrive."""

    position: int
    step: int
    wall_time: float
    event: Event


def newest_events(
    store: Store, run_id: str, key: SeriesKey, limit: int, levels: Sequence[str] = ()
) -> list[Logged]:
    """At most ``limit`` events of a series, the last to arrive first; of some ``levels``, or of all."""
    query = select(records).where(records.c.run_id == run_id, records.c.series_id == key.id)
    if levels:
        query = query.where(records.c.header.in_([{"level": level} for level in levels]))
    with store.reading() as connection:
        rows = connection.execute(query.order_by(records.c.position.desc()).limit(limit)).all()
    return [
        Logged(row.position, row.step, row.wall_time or 0.0, decode(Encoded(row.header, row.body or b"")))
        for row in rows
    ]
