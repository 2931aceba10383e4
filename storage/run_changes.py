"""What people change of runs: delete, restore, archive, rename, tag, note. All runs named, or none."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Row, select, update

from .engine import in_groups, now
from .errors import BadChange, RunIsLive, RunNotFound
from .schema import clean_text, runs
from .series import run_status

BEYOND_RESTORE = 0.0
"""``deleted_at`` of a run whose removal has begun."""

_MOST_NAMED = 10
_LOOKED_AT = tuple(
    runs.c[name] for name in ("run_id", "name", "tags", "status", "updated_at", "archived_at", "deleted_at")
)


def delete_runs(connection: Connection, run_ids: Iterable[str], force: bool) -> None:
    rows = _load(connection, run_ids, deleted=False)
    heard = now(connection)
    live = [row.name for row in rows if run_status(row.status, row.updated_at, heard) == "running"]
    if live and not force:
        told = f"Still being written to: {_listed(live)}."
        raise RunIsLive(f"{told} End the program first, or force the deletion.")
    _save(connection, rows, deleted_at=time.time())


def restore_runs(connection: Connection, run_ids: Iterable[str]) -> None:
    rows = _load(connection, run_ids, deleted=True)
    if begun := [row.run_id for row in rows if row.deleted_at == BEYOND_RESTORE]:
        raise RunNotFound(f"Removed already, at least in part, and beyond restoring: {_listed(begun)}.")
    _save(connection, rows, deleted_at=None)


def archive_runs(connection: Connection, run_ids: Iterable[str], archived: bool) -> None:
    rows = _load(connection, run_ids, deleted=False)
    others = [row for row in rows if (row.archived_at is not None) != archived]
    _save(connection, others, archived_at=time.time() if archived else None)


def rename_run(connection: Connection, run_id: str, name: str) -> None:
    if not name.strip():
        raise BadChange("A run's name must not be empty.")
    _save(connection, _load(connection, [run_id], deleted=False), name=clean_text(name))


def tag_runs(connection: Connection, run_ids: Iterable[str], add: list[str], remove: list[str]) -> None:
    of_tags: dict[tuple[str, ...], list[Row[Any]]] = {}
    for row in _load(connection, run_ids, deleted=False):
        kept = [tag for tag in row.tags if tag not in remove]
        tags = tuple(dict.fromkeys([*kept, *map(clean_text, add)]))
        if tags != tuple(row.tags):
            of_tags.setdefault(tags, []).append(row)
    for tags, rows in of_tags.items():
        _save(connection, rows, tags=list(tags))


def note_run(connection: Connection, run_id: str, notes: str) -> None:
    _save(connection, _load(connection, [run_id], deleted=False), notes=clean_text(notes))


def _load(connection: Connection, run_ids: Iterable[str], deleted: bool) -> list[Row[Any]]:
    """What is looked at of these runs, locked until the transaction ends. Raises ``RunNotFound``."""
    wanted = list(dict.fromkeys(run_ids))
    found: dict[str, Row[Any]] = {}
    for group in in_groups(wanted):
        query = select(*_LOOKED_AT).where(runs.c.run_id.in_(group)).with_for_update()
        found |= {row.run_id: row for row in connection.execute(query)}
    missing = [run for run in wanted if run not in found or (found[run].deleted_at is None) == deleted]
    if missing:
        raise RunNotFound(f"No such {'deleted run' if deleted else 'run'}: {_listed(missing)}.")
    return [found[run] for run in wanted]


def _save(connection: Connection, rows: Sequence[Row[Any]], **changes: Any) -> None:
    """Change the rows; that they were changed does not count as being heard of."""
    for group in in_groups([row.run_id for row in rows]):
        these = update(runs).where(runs.c.run_id.in_(group))
        connection.execute(these.values(revision=runs.c.revision + 1, **changes))


def _listed(names: Sequence[str]) -> str:
    told = ", ".join(f"'{name}'" for name in names[:_MOST_NAMED])
    return told if len(names) <= _MOST_NAMED else f"{told} and {len(names) - _MOST_NAMED:,} more"
