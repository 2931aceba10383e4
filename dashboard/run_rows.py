"""Runs as the pages list them; one that many pages ask for is read once while it stays as it is."""

from __future__ import annotations

import time
import unicodedata
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from starlette.exceptions import HTTPException

from .colors import run_color

if TYPE_CHECKING:
    from ..storage import RunRecord, Store
    from ..storage.run_list import RunPage
    from ..storage.run_table import RunRow
    from .asked import Page

_BLANK = "\u115f\u1160\u2800\u3164\uffa0"  # letters and a sign by category, but nothing is drawn
_KEPT = 4_096
_KEPT_SECONDS = 2.0
"""Whether a run was killed shows by the time it was last heard of, which changes without a revision."""


class RunRows:
    """Reads rows for any number of pages at once; safe to use from many threads."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._kept: OrderedDict[str, tuple[int, float, dict[str, Any]]] = OrderedDict()

    def some(self, ids: Sequence[str], revisions: Mapping[str, int]) -> list[dict[str, Any]]:
        """The runs of these ids that exist; ``revisions`` are those of all runs."""
        now = time.monotonic()
        found: dict[str, dict[str, Any]] = {}
        for run_id in dict.fromkeys(ids):
            revision, read_at, row = self._kept.get(run_id, (-1, 0.0, {}))
            if revision == revisions.get(run_id) and now - read_at < _KEPT_SECONDS:
                found[run_id] = row
        lacking = [run_id for run_id in ids if run_id in revisions and run_id not in found]
        if lacking:
            page = self._store.run_page(ids=lacking, limit=len(lacking), archived=True)
            for record, row in zip(page.runs, _coloured(page), strict=True):
                found[record.id] = row
                self._kept[record.id] = record.revision, now, row
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return [found[run_id] for run_id in dict.fromkeys(ids) if run_id in found]

    def page(self, asked: Page) -> dict[str, Any]:
        """A page of a project's runs, and the names of all projects; without a name, the newest."""
        projects = self._store.projects()
        project = asked.project
        if project not in projects:
            project = projects[0] if projects else None
        try:
            page = self._store.run_page(**asked._replace(project=project)._asdict())
        except ValueError as error:
            message = f"'after' must be what a page of runs said, not {asked.after!r:.100}."
            raise HTTPException(400, message) from error
        told = {"project": project, "projects": projects, "runs": _coloured(page)}
        return told | {"total": page.total, "after": page.after}


def _coloured(page: RunPage) -> list[dict[str, Any]]:
    rows = zip(page.runs, page.older, strict=True)
    return [run_row(run) | {"color": run_color(older)} for run, older in rows]


def visible_name(run: RunRecord | RunRow) -> str:
    """A run's name, or its id where the name has nothing that could be seen, or clicked on."""
    seen = (mark for mark in run.name if unicodedata.category(mark)[0] in "LNPS" and mark not in _BLANK)
    return run.name if any(seen) else run.id


def run_row(record: RunRecord) -> dict[str, Any]:
    """What pages know of a run."""
    return {
        "id": record.id,
        "project": record.project,
        "name": visible_name(record),
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
