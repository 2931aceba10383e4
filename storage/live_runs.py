"""The runs whose rules may have something to say: those that run, ended a moment ago, or came lately."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import or_, select

from .engine import in_groups, now
from .schema import runs
from .series import run_status

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .store import Store

_LATELY_SECONDS = 86_400.0
_ALIVE = ("running", "finishing")


class LiveRun(NamedTuple):
    """What rules look at of a run itself; ``status`` is what a reader would see at ``moment``."""

    id: str
    project: str
    name: str
    status: str
    revision: int
    created_at: float
    updated_at: float
    rules: dict[str, Any]
    summary: dict[str, Any]
    moment: float

    @property
    def token(self) -> tuple[int, str]:
        """What differs whenever rules should look again."""
        return self.revision, self.status


def tokens(store: Store, watched: Iterable[str]) -> dict[str, tuple[int, str]]:
    """The token of every run that rules follow: those that run or began within a day, and the ``watched``."""
    columns = (runs.c.run_id, runs.c.revision, runs.c.status, runs.c.updated_at)
    query = select(*columns).where(runs.c.deleted_at.is_(None))
    with store.reading() as connection:
        moment = now(connection)
        lately = or_(runs.c.status.in_(_ALIVE), runs.c.created_at > moment - _LATELY_SECONDS)
        rows = list(connection.execute(query.where(lately)))
        known = {row.run_id for row in rows}
        for group in in_groups([run_id for run_id in watched if run_id not in known]):
            rows += connection.execute(query.where(runs.c.run_id.in_(group)))
    return {row.run_id: (row.revision, run_status(row.status, row.updated_at, moment)) for row in rows}


def live_runs(store: Store, run_ids: Iterable[str]) -> list[LiveRun]:
    """These runs, in full; one that was deleted meanwhile is left out."""
    columns = [runs.c[name] for name in LiveRun._fields if name in runs.c]
    query = select(runs.c.run_id.label("id"), *columns).where(runs.c.deleted_at.is_(None))
    found: list[LiveRun] = []
    with store.reading() as connection:
        moment = now(connection)
        for group in in_groups(list(run_ids)):
            for row in connection.execute(query.where(runs.c.run_id.in_(group))).mappings():
                status = run_status(row["status"], row["updated_at"], moment)
                found.append(LiveRun(**{**row, "status": status, "moment": moment}))
    return found
