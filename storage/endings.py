"""How a run ends, told from how each of its ranks does.

A run crashed as soon as any rank has, and keeps the first error. Otherwise rank 0 decides: a run is
"finishing", which readers see as running, from rank 0's finish until no other rank is left.
"""

from __future__ import annotations

import time
from typing import Any, NamedTuple

from sqlalchemy import Connection, select

from .schema import clean_text, spools

ENDINGS = ("finished", "crashed", "stopped")
SPOOL_ENDINGS = (None, *ENDINGS, "killed")
"""What the number in ``spools.finished`` stands for; None: the program has not ended, or nobody knows."""

_INT64 = 2**63


class Other(NamedTuple):
    """A spool of the same run, of another process or an earlier one."""

    rank: int
    ending: str | None


def others_of(connection: Connection, run_id: str, spool_id: str) -> list[Other]:
    """The other spools of a run."""
    query = select(spools.c.rank, spools.c.finished).where(spools.c.run_id == run_id)
    rows = connection.execute(query.where(spools.c.spool_id != spool_id))
    return [Other(row.rank, SPOOL_ENDINGS[row.finished]) for row in rows]


def begun(row: dict[str, Any], launch: str | None, rank: int) -> dict[str, Any]:
    """What changes on a run when a process says that it begins, as a rank of this launch."""
    if launch is not None and launch == row["environment"].get("launch"):
        if row["status"] in ("crashed", "stopped", "finishing"):
            return {}  # by another rank, before this one began
        if row["status"] == "finished" and rank:
            return {"status": "finishing", "ended_at": None}
    return {"status": "running", "exit_code": None, "error": None, "ended_at": None}


def ended(row: dict[str, Any], content: dict[str, Any], rank: int, others: list[Other]) -> dict[str, Any]:
    """What changes on a run when a process says how it ended. Raises ``ValueError`` or ``TypeError``."""
    status = content.get("status")
    if status not in ENDINGS:
        raise ValueError(f"status must be one of {', '.join(ENDINGS)} (got {status!r})")
    code, error = content.get("exit_code"), content.get("error")
    if error is not None and not isinstance(error, str):
        raise TypeError(f"error must be a string (got {error!r})")
    dropped = row["dropped"] + max(0, int(content.get("dropped") or 0))
    changes = {"dropped": min(dropped, _INT64 - 1)}
    if row["status"] == "crashed":
        return changes
    if rank and status != "crashed":
        return changes | _left(row, others)
    if rank:
        error = f"Rank {rank}: {error or f'exit code {code}'}"
    elif status == "finished" and any(other.rank and other.ending is None for other in others):
        status = "finishing"
    return changes | {
        "status": status,
        "exit_code": None if code is None else max(-_INT64, min(int(code), _INT64 - 1)),
        "error": None if error is None else clean_text(error),
        "ended_at": None if status == "finishing" else time.time(),
    }


def abandoned(row: dict[str, Any], others: list[Other]) -> dict[str, Any]:
    """What changes on a run when a process died without a word."""
    if row["status"] == "running" and all(other.ending for other in others):
        return {"status": "killed", "ended_at": row["updated_at"]}
    return _left(row, others)


def _left(row: dict[str, Any], others: list[Other]) -> dict[str, Any]:
    """What changes when a rank ends that does not decide how the run does: it may have been the last."""
    if any(other.ending is None for other in others):
        return {}
    if row["status"] == "finishing":
        return {"status": "finished", "ended_at": time.time()}
    if row["status"] == "running" and any(other == (0, "killed") for other in others):
        return {"status": "killed", "ended_at": row["updated_at"]}
    return {}
