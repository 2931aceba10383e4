"""All that a store tells, as something that can be compared with what another one does."""

from __future__ import annotations

from typing import Any

import numpy as np

from trainboard.storage import Store
from trainboard.storage.kinds import KINDS

_ABOUT = (
    *("project", "name", "group", "tags", "notes", "config", "descriptions"),
    *("status", "exit_code", "error", "created_at", "ended_at"),
)
Told = tuple[int, bytes, bytes]
"""A step, the bytes of a wall time, and those of a value."""


def series_of(store: Store) -> dict[tuple[str, int, str, str], list[Told]]:
    """Of each run (by name), rank, kind and tag everything in the order in which it came, to the bit."""
    found: dict[tuple[str, int, str, str], list[Told]] = {}
    for run in store.runs():
        for one in store.series(run.id):
            key = (run.name, one.rank, one.kind, one.tag)
            if one.kind == "scalar":
                points = store.points_since(run.id, one.tag, 0, rank=one.rank)
                walls, values = points.wall_time.tolist(), points.value.tolist()
                found[key] = [
                    (step, np.float64(wall).tobytes(), np.float64(value).tobytes())
                    for step, wall, value in zip(points.step.tolist(), walls, values, strict=True)
                ]
            else:
                records = store.records(run.id, one.tag, one.kind, rank=one.rank)
                arrival = np.argsort(store.record_index(run.id, one.tag, one.kind, rank=one.rank)[2])
                encode = KINDS[one.kind].encode
                found[key] = [
                    (each.step, np.float64(each.wall_time).tobytes(), encode(each.value).to_bytes())
                    for each in (records[at] for at in arrival)
                ]
    return found


def runs_of(store: Store) -> list[dict[str, Any]]:
    """What is told of each run, by name."""
    found = [{name: getattr(run, name) for name in _ABOUT} for run in store.runs()]
    return sorted(found, key=lambda told: told["name"])
