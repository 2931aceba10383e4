"""Runs as the pages list them; one that many pages ask for is read once while it stays as it is."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .colors import run_color

if TYPE_CHECKING:
    from ..storage import RunRecord, Store

_KEPT = 4_096
_KEPT_SECONDS = 2.0
"""Whether a run was killed shows by the time it was last heard of, which changes without a revision."""


class RunRows:
    """Reads rows for any number of pages at once; safe to use from many threads."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._kept: OrderedDict[str, tuple[int, float, dict[str, Any]]] = OrderedDict()

    def some(self, ids: Sequence[str], revisions: Mapping[str, int]) -> list[dict[str, Any]]:
        """The runs of these ids that exist, without their colours; ``revisions`` are those of all runs."""
        now = time.monotonic()
        found: dict[str, dict[str, Any]] = {}
        for run_id in dict.fromkeys(ids):
            revision, read_at, row = self._kept.get(run_id, (-1, 0.0, {}))
            if revision == revisions.get(run_id) and now - read_at < _KEPT_SECONDS:
                found[run_id] = row
        lacking = [run_id for run_id in ids if run_id in revisions and run_id not in found]
        for record in self._store.runs(ids=lacking) if lacking else []:
            found[record.id] = run_row(record)
            self._kept[record.id] = record.revision, now, found[record.id]
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return [found[run_id] for run_id in dict.fromkeys(ids) if run_id in found]

    def of_project(self, project: str | None, archived: bool) -> dict[str, Any]:
        """A project's runs, newest first and coloured, and the names of all; the newest without a name."""
        records = self._store.runs(archived=True)
        listed = [record for record in records if archived or record.archived_at is None]
        projects = list(dict.fromkeys(record.project for record in [*listed, *records]))
        if project not in projects:
            project = projects[0] if projects else None
        colors = self._colors(project, records)
        runs = [run_row(run) | {"color": colors[run.id]} for run in listed if run.project == project]
        return {"project": project, "projects": projects, "runs": runs}

    def _colors(self, project: str | None, records: Sequence[RunRecord]) -> dict[str, str]:
        """A colour for each run of a project, which stays when others are archived or deleted."""
        ever = [*self._store.runs(project, deleted=True), *(run for run in records if run.project == project)]
        ever.sort(key=lambda run: (-run.created_at, run.id))
        return {run.id: run_color(len(ever) - 1 - at) for at, run in enumerate(ever)}


def run_row(record: RunRecord) -> dict[str, Any]:
    """What pages know of a run."""
    return {
        "id": record.id,
        "project": record.project,
        "name": record.name,
        "group": record.group,
        "tags": list(record.tags),
        "status": record.status,
        "error": record.error,
        "created_at": record.created_at,
        "updated_at": record.updated_at,
        "ended_at": record.ended_at,
        "archived": record.archived_at is not None,
        "world_size": record.environment.get("world_size", 1),
    }
