"""What people change of runs: delete, restore, archive, rename, tag, note. All runs named, or none."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, select, update

from .engine import in_groups, now
from .errors import BadChange, RunIsLive, RunNotFound
from .schema import clean_text, runs
from .series import run_status

BEYOND_RESTORE = 0.0
"""``deleted_at`` of a run whose removal has begun."""


def delete_runs(connection: Connection, run_ids: Iterable[str], force: bool) -> None:
    rows = _load(connection, run_ids, deleted=False)
    heard = now(connection)
    live = [row["name"] for row in rows if run_status(row["status"], row["updated_at"], heard) == "running"]
    if live and not force:
        names = ", ".join(f"'{name}'" for name in live)
        raise RunIsLive(f"Still being written to: {names}. End the program first, or force the deletion.")
    for row in rows:
        _save(connection, row, deleted_at=time.time())


def restore_runs(connection: Connection, run_ids: Iterable[str]) -> None:
    for row in _load(connection, run_ids, deleted=True):
        if row["deleted_at"] == BEYOND_RESTORE:
            raise RunNotFound(f"Run '{row['run_id']}' is partly removed already; it cannot be restored.")
        _save(connection, row, deleted_at=None)


def archive_runs(connection: Connection, run_ids: Iterable[str], archived: bool) -> None:
    for row in _load(connection, run_ids, deleted=False):
        if (row["archived_at"] is not None) != archived:
            _save(connection, row, archived_at=time.time() if archived else None)


def rename_run(connection: Connection, run_id: str, name: str) -> None:
    if not name.strip():
        raise BadChange("A run's name must not be empty.")
    for row in _load(connection, [run_id], deleted=False):
        _save(connection, row, name=clean_text(name))


def tag_runs(connection: Connection, run_ids: Iterable[str], add: list[str], remove: list[str]) -> None:
    for row in _load(connection, run_ids, deleted=False):
        kept = [tag for tag in row["tags"] if tag not in remove]
        tags = list(dict.fromkeys([*kept, *map(clean_text, add)]))
        if tags != row["tags"]:
            _save(connection, row, tags=tags)


def note_run(connection: Connection, run_id: str, notes: str) -> None:
    for row in _load(connection, [run_id], deleted=False):
        _save(connection, row, notes=clean_text(notes))


def _load(connection: Connection, run_ids: Iterable[str], deleted: bool) -> list[dict[str, Any]]:
    """The rows of these runs, locked until the transaction ends. Raises ``RunNotFound``."""
    wanted = list(dict.fromkeys(run_ids))
    found: dict[str, dict[str, Any]] = {}
    for group in in_groups(wanted):
        query = select(runs).where(runs.c.run_id.in_(group)).with_for_update()
        found |= {row["run_id"]: dict(row) for row in connection.execute(query).mappings()}
    missing = [run for run in wanted if run not in found or (found[run]["deleted_at"] is None) == deleted]
    if missing:
        names = ", ".join(f"'{run}'" for run in missing)
        raise RunNotFound(f"No such {'deleted run' if deleted else 'run'}: {names}.")
    return [found[run] for run in wanted]


def _save(connection: Connection, row: dict[str, Any], **changes: Any) -> None:
    """Change the row; that it was changed does not count as being heard of."""
    changes["revision"] = row["revision"] + 1
    connection.execute(update(runs).where(runs.c.run_id == row["run_id"]).values(changes))
