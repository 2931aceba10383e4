"""Damaged chunks of points, set aside: their bytes are kept, and nothing stumbles over them again.

They go to levels below zero, which nobody reads points from. What was *sealed* leaves a hole: the places of
its points stay theirs, and readers count them as unreadable. What was *open* leaves none: the points
that follow move up, so that the series can be sealed on.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, and_, func, insert, select, update

from .schema import chunks, runs

HOLES = -1
"""The level of sealed chunks set aside, each at the start it had."""
CLOSED_UP = -2
"""The level of open chunks set aside, numbered as they come."""

log = logging.getLogger(__name__)


def set_aside_open(connection: Connection, row: Mapping[str, Any]) -> None:
    """Keep an open chunk's row, which is deleted already or will be, as closed up; count its points."""
    of_series = and_(chunks.c.run_id == row["run_id"], chunks.c.series_id == row["series_id"])
    number = connection.scalar(
        select(func.count()).select_from(chunks).where(of_series, chunks.c.level == CLOSED_UP)
    )
    connection.execute(insert(chunks), {**row, "level": CLOSED_UP, "start": number})
    _count(connection, row)


def set_aside_sealed(connection: Connection, row: Mapping[str, Any]) -> None:
    """Move a sealed chunk to where its hole is known; count its points."""
    its_key = [column == row[column.name] for column in chunks.primary_key]
    connection.execute(update(chunks).where(*its_key).values(level=HOLES))
    _count(connection, row)


def closed_up(connection: Connection, run_id: str, series_id: int) -> int:
    """How many points of a series were in open chunks that were set aside."""
    of_series = and_(chunks.c.run_id == run_id, chunks.c.series_id == series_id)
    total = select(func.coalesce(func.sum(chunks.c.count), 0)).where(of_series, chunks.c.level == CLOSED_UP)
    return int(connection.scalar(total) or 0)


def _count(connection: Connection, row: Mapping[str, Any]) -> None:
    log.warning("run %s: a damaged chunk of %d points was set aside", row["run_id"], row["count"])
    of_run = update(runs).where(runs.c.run_id == row["run_id"])
    connection.execute(of_run.values(damaged=runs.c.damaged + row["count"], revision=runs.c.revision + 1))
