"""The row of a run, and what a program's messages change on it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, select

from .descriptions import described
from .endings import Other, begun, ended
from .engine import in_groups, insert_new, now, update_rows
from .frames import FrameType
from .location import LONGEST_RUN_ID
from .schema import clean_text, runs

_TEXTS = {"project": "project", "name": "name", "group": "group_name", "notes": "notes"}
_MERGED = ("config", "environment", "summary", "controls", "rules")
_INT32 = 2**31
# Built once: building a query takes longer than SQLite takes to answer it.
_RUNS = (
    select(runs)
    .where(runs.c.run_id.in_(bindparam("runs", expanding=True)))
    .order_by(runs.c.run_id)
    .with_for_update()
)


def load_run(connection: Connection, run_id: str) -> dict[str, Any]:
    """The row of a run, made if need be, and locked against other writers until the transaction ends."""
    return load_runs(connection, [run_id])[run_id]


def load_runs(connection: Connection, run_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The rows of runs, see ``load_run``, by id."""
    found = _stored_runs(connection, run_ids)
    if missing := [run_id for run_id in run_ids if run_id not in found]:
        heard_at = now(connection)
        connection.execute(insert_new(connection, runs), [_unheard_of(each, heard_at) for each in missing])
        found |= _stored_runs(connection, missing)
    return found


def _stored_runs(connection: Connection, run_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for group in in_groups(run_ids):
        rows = connection.execute(_RUNS, {"runs": group}).mappings()
        found |= {row["run_id"]: dict(row) for row in rows}
    return found


def save_run(connection: Connection, row: dict[str, Any]) -> None:
    """Write the row back as heard of now, and as changed."""
    save_runs(connection, [row])


def save_runs(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Write rows back, see ``save_run``."""
    heard_at = now(connection)
    for row in rows:
        row["updated_at"] = heard_at
        row["revision"] += 1
    update_rows(connection, runs, rows)


def apply_message(
    row: dict[str, Any], kind: FrameType, content: dict[str, Any], rank: int, others: list[Other]
) -> None:
    """Change the row as a RUN, UPDATE or FINISH message of a rank says; ``others`` are its other spools.

    Raises ``ValueError`` or ``TypeError``, and changes nothing, if the message makes no sense.
    """
    if kind is FrameType.FINISH:
        changes = ended(row, content, rank, others)
        if changes.get("error") is not None:
            changes["error"] = clean_text(changes["error"])
        row.update(changes)
        return
    changes = _described(row, content, rank)
    if kind is FrameType.RUN:
        started = float(content.get("created_at", row["created_at"]))
        if not math.isfinite(started):
            raise ValueError("created_at must be finite")
        changes |= begun(row, dict(content.get("environment") or {}).get("launch"), rank)
        changes["created_at"] = min(row["created_at"], started)
    row.update(changes)


def to_run_id(given: Any) -> str:
    """A run's id as every database takes it. Raises ``TypeError`` or ``ValueError`` if it is none."""
    run_id = clean_text(given)
    if not 0 < len(run_id) <= LONGEST_RUN_ID:
        raise ValueError(f"a run's id has 1 to {LONGEST_RUN_ID} characters (got {len(run_id)})")
    return run_id


def to_rank(given: Any) -> int:
    """A rank as every database takes it. Raises ``TypeError`` or ``ValueError`` if it is none."""
    rank = int(given)
    if not -_INT32 <= rank < _INT32:
        raise ValueError(f"a rank has 32 bits (got {rank})")
    return rank


def _unheard_of(run_id: str, heard_at: float) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "project": "",
        "name": run_id,
        "group_name": None,
        "tags": [],
        "notes": "",
        "config": {},
        "environment": {},
        "summary": {},
        "controls": {},
        "rules": {},
        "descriptions": {},
        "status": "running",
        "exit_code": None,
        "error": None,
        "dropped": 0,
        "damaged": 0,
        "created_at": heard_at,
        "updated_at": heard_at,
        "ended_at": None,
        "revision": 0,
        "archived_at": None,
        "deleted_at": None,
    }


def _described(row: dict[str, Any], content: dict[str, Any], rank: int) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    if not rank or not row["project"]:  # ranks but the first name a run only until rank 0 has
        changes = {
            column: clean_text(content[name])
            for name, column in _TEXTS.items()
            if content.get(name) is not None
        }
        if content.get("tags"):
            changes["tags"] = [str(tag) for tag in content["tags"]]
    for name in _MERGED:
        if content.get(name):
            changes[name] = row[name] | dict(content[name])
    if told := content.get("descriptions"):
        changes["descriptions"] = described(row["descriptions"], dict(told))
    if "environment" in changes:
        _keep_hosts(row["environment"], changes["environment"])
    return changes


def _keep_hosts(before: dict[str, Any], now: dict[str, Any]) -> None:
    """Every rank tells only its own host."""
    if now.get("hosts") and now.get("launch") == before.get("launch"):
        now["hosts"] = dict(before.get("hosts") or {}) | dict(now["hosts"])
