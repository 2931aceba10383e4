"""Which runs have anything of some kinds, and which kinds a run has: most pages show what few runs have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sqlalchemy import exists, select

from .schema import runs, series

if TYPE_CHECKING:
    from .store import Store


def holders(
    store: Store,
    kinds: Sequence[str],
    *,
    project: str | None = None,
    ids: Sequence[str] | None = None,
    limit: int = 100,
) -> list[str]:
    """The newest runs, of a project or of ``ids``, that have a series of one of these kinds.

    Of a project the archived ones are left out.
    """
    held = exists().where(series.c.run_id == runs.c.run_id, series.c.kind.in_(kinds))
    query = select(runs.c.run_id).where(runs.c.deleted_at.is_(None), held)
    if ids is None:
        query = query.where(runs.c.project == project, runs.c.archived_at.is_(None))
    else:
        query = query.where(runs.c.run_id.in_(ids))
    with store.reading() as connection:
        newest = query.order_by(runs.c.created_at.desc(), runs.c.run_id)
        return list(connection.scalars(newest.limit(limit)))


def kinds_of(store: Store, run_id: str) -> list[str]:
    """The different kinds of a run's series, in alphabetical order."""
    query = select(series.c.kind).where(series.c.run_id == run_id).distinct().order_by(series.c.kind)
    with store.reading() as connection:
        return list(connection.scalars(query))
