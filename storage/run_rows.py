"""The row of a run, and what a program's messages change on it."""

from __future__ import annotations

import math
import time
from typing import Any

from sqlalchemy import Connection, select

from .engine import insert_new, update_rows
from .frames import FrameType
from .location import LONGEST_RUN_ID
from .schema import clean_text, runs

ENDINGS = ("finished", "crashed", "stopped")
_TEXTS = {"project": "project", "name": "name", "group": "group_name", "notes": "notes"}
_MERGED = ("config", "environment", "summary")
_INT32, _INT64 = 2**31, 2**63


def load_run(connection: Connection, run_id: str) -> dict[str, Any]:
    """The row of a run, made if need be, and locked against other writers until the transaction ends."""
    query = select(runs).where(runs.c.run_id == run_id).with_for_update()
    row = connection.execute(query).mappings().first()
    if row is None:
        connection.execute(insert_new(connection, runs), _unheard_of(run_id))
        row = connection.execute(query).mappings().one()
    return dict(row)


def save_run(connection: Connection, row: dict[str, Any]) -> None:
    """Write the row back as heard of now, and as changed."""
    row["updated_at"] = time.time()
    row["revision"] += 1
    update_rows(connection, runs, [row])


def apply_message(row: dict[str, Any], kind: FrameType, content: dict[str, Any], rank: int) -> None:
    """Change the row as a RUN, UPDATE or FINISH message says.

    Raises ``ValueError`` or ``TypeError``, and changes nothing, if the message makes no sense.
    """
    if kind is FrameType.FINISH:
        row.update(_ended(row, content, rank))
        return
    changes = _described(row, content)
    if kind is FrameType.RUN:
        started = float(content.get("created_at", row["created_at"]))
        if not math.isfinite(started):
            raise ValueError("created_at must be finite")
        changes |= {"status": "running", "exit_code": None, "error": None, "ended_at": None}
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


def _unheard_of(run_id: str) -> dict[str, Any]:
    now = time.time()
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
        "status": "running",
        "exit_code": None,
        "error": None,
        "dropped": 0,
        "damaged": 0,
        "created_at": now,
        "updated_at": now,
        "ended_at": None,
        "revision": 0,
        "archived_at": None,
        "deleted_at": None,
    }


def _described(row: dict[str, Any], content: dict[str, Any]) -> dict[str, Any]:
    changes: dict[str, Any] = {
        column: clean_text(content[name]) for name, column in _TEXTS.items() if content.get(name) is not None
    }
    for name in _MERGED:
        if content.get(name):
            changes[name] = row[name] | dict(content[name])
    if content.get("tags"):
        changes["tags"] = [str(tag) for tag in content["tags"]]
    return changes


def _ended(row: dict[str, Any], content: dict[str, Any], rank: int) -> dict[str, Any]:
    status = content.get("status")
    if status not in ENDINGS:
        raise ValueError(f"status must be one of {', '.join(ENDINGS)} (got {status!r})")
    dropped = row["dropped"] + max(0, int(content.get("dropped") or 0))
    changes = {"dropped": min(dropped, _INT64 - 1)}
    if rank and status == "finished":
        return changes  # a run is finished when its first process is; it crashed when any has
    code, error = content.get("exit_code"), content.get("error")
    return changes | {
        "status": status,
        "exit_code": None if code is None else max(-_INT64, min(int(code), _INT64 - 1)),
        "error": None if error is None else clean_text(error),
        "ended_at": time.time(),
    }
