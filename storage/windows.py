"""The rows of Visdom's environments and windows: what each holds, and how it is found.

An environment is a run, archived from the start so that lists of runs leave it out, with a row of its own.
A window is a row that holds all but what grows: the points of lines are series of the run, and the pieces of
a text or of a history of images are rows of their own.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import Connection, RowMapping, bindparam, func, select

from .schema import clean_text, environments, runs, windows
from .traces import TraceSeries

MAIN = "main"
"""The environment that is always listed."""

PROJECT = "visdom"
_NAMESPACE = uuid.UUID("6f0c4d7e-3a52-5c1f-9d0e-2b7a5b9c8e11")

# Built once: building a query takes longer than SQLite takes to answer it.
_OPEN = (windows.c.run_id == bindparam("run")) & windows.c.closed_at.is_(None)
_WINDOW = select(windows).where(_OPEN, windows.c.window_id == bindparam("window"))
_WINDOWS = select(windows).where(_OPEN).order_by(windows.c.position)
_VERSION = (
    select(windows.c.version)
    .join(runs, runs.c.run_id == windows.c.run_id)
    .where(_OPEN, windows.c.window_id == bindparam("window"), runs.c.deleted_at.is_(None))
)
_RUN = (
    select(runs)
    .join(environments, environments.c.run_id == runs.c.run_id)
    .where(runs.c.run_id == bindparam("run"), runs.c.deleted_at.is_(None))
)
_LOCKED_RUN = _RUN.with_for_update(of=runs)


@dataclass
class Window:
    """A window as kept: ``content`` without the points of ``traces`` and without the ``pieces``.

    A plot's ``content`` is ``{"data": [trace, …], "layout": {…}}``, and ``traces`` says for each of its
    traces which series its x and y are in, or None where they are in the trace itself. ``version`` grows
    with every change, and is never used again by a later window of this name.
    """

    id: str
    position: int
    version: int
    pane: dict[str, Any]
    content: Any = None
    traces: list[TraceSeries | None] = field(default_factory=list)
    pieces: int = 0

    @property
    def type(self) -> str:
        return self.pane["type"]

    def row(self, run_id: str) -> dict[str, Any]:
        return {
            "run_id": run_id,
            "window_id": self.id,
            "position": self.position,
            "version": self.version,
            "pane": self.pane,
            "content": self.content,
            "traces": [trace and asdict(trace) for trace in self.traces],
            "pieces": self.pieces,
            "closed_at": None,
        }


class EnvironmentRecord(NamedTuple):
    """An environment as listed. ``promoted`` says whether it is among the runs of the Charts page."""

    run_id: str
    name: str
    windows: int
    updated_at: float
    promoted: bool
    views: dict[str, Any]


def run_id_of(name: str) -> str:
    """The id of the run that an environment of this name is."""
    return uuid.uuid5(_NAMESPACE, clean_text(name)).hex


def from_row(row: RowMapping) -> Window:
    traces = [trace and TraceSeries(**trace) for trace in row["traces"]]
    kept = ("position", "version", "pane", "content", "pieces")
    return Window(row["window_id"], traces=traces, **{name: row[name] for name in kept})


def environment_run(connection: Connection, run_id: str, *, locked: bool = False) -> RowMapping | None:
    """The row of the run that an environment is, None if it was deleted.

    ``locked`` keeps other writers from it until the transaction ends.
    """
    query = _LOCKED_RUN if locked else _RUN
    return connection.execute(query, {"run": run_id}).mappings().first()


def load_window(connection: Connection, run_id: str, window_id: str) -> Window | None:
    """An open window of an environment."""
    row = connection.execute(_WINDOW, {"run": run_id, "window": window_id}).mappings().first()
    return from_row(row) if row is not None else None


def load_windows(connection: Connection, run_id: str) -> list[Window]:
    """The open windows of an environment, in the order they were made."""
    return [from_row(row) for row in connection.execute(_WINDOWS, {"run": run_id}).mappings()]


def window_version(connection: Connection, name: str, window_id: str) -> int | None:
    """The version of a window, or None if there is none or it is closed."""
    return connection.scalar(_VERSION, {"run": run_id_of(name), "window": window_id})


def read_environments(connection: Connection, names: Sequence[str] | None = None) -> list[EnvironmentRecord]:
    """All environments, or those of these names that exist, in the order they were made."""
    count = (
        select(func.count())
        .where(windows.c.run_id == environments.c.run_id, windows.c.closed_at.is_(None))
        .scalar_subquery()
    )
    query = (
        select(environments, runs.c.updated_at, runs.c.archived_at, count.label("windows"))
        .join(runs, runs.c.run_id == environments.c.run_id)
        .where(runs.c.deleted_at.is_(None))
        .order_by(environments.c.created_at, environments.c.name)
    )
    if names is not None:
        query = query.where(environments.c.run_id.in_([run_id_of(name) for name in names]))
    return [
        EnvironmentRecord(
            row.run_id, row.name, row.windows, row.updated_at, row.archived_at is None, row.views
        )
        for row in connection.execute(query)
    ]
