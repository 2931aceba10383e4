"""Which runs have had their time: those beyond an age, or beyond the newest few of a project."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Sequence

from .series import RunRecord

KEEP = "keep"
"""A run with this tag is never beyond anything; nor is an archived one."""

_DAY_S = 86_400.0


def beyond(
    records: Sequence[RunRecord], keep_days: float | None = None, keep_last: int | None = None
) -> list[RunRecord]:
    """The runs to delete, of those given, newest first.

    They ended more than ``keep_days`` ago and are not among the ``keep_last`` newest of their project,
    as far as each is given. Runs that are running, archived or tagged "keep" stay, and do not count.
    """
    if keep_days is None and keep_last is None:
        return []
    before = time.time() - (keep_days or 0.0) * _DAY_S
    seen: dict[str, int] = defaultdict(int)
    found: list[RunRecord] = []
    for run in sorted(records, key=lambda run: run.created_at, reverse=True):
        if run.status == "running" or run.archived_at is not None or KEEP in run.tags:
            continue
        seen[run.project] += 1
        ended_at = run.ended_at or run.updated_at
        if ended_at < before and seen[run.project] > (keep_last or 0):
            found.append(run)
    return found
