"""The state of the machine while a run trained, in panels whose lines share a unit."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ...storage.errors import SeriesNotFound

if TYPE_CHECKING:
    from ...storage import Store

PANELS: tuple[tuple[str, str, re.Pattern[str]], ...] = (
    ("Processor", "%", re.compile(r"^(cpu|process_cpu)$")),
    ("Memory", "%", re.compile(r"^memory$")),
    ("Memory of the process", "GB", re.compile(r"^process_memory_gb$")),
    ("GPU utilisation", "%", re.compile(r"^gpu\d+_utilization$")),
    ("GPU memory", "%", re.compile(r"^gpu\d+_memory$")),
    ("GPU power", "W", re.compile(r"^gpu\d+_power_w$")),
    ("GPU temperature", "°C", re.compile(r"^gpu\d+_temperature$")),
    ("Disk", "MB/s", re.compile(r"^disk_(read|write)_mb_per_s$")),
    ("Network", "MB/s", re.compile(r"^network_(sent|received)_mb_per_s$")),
)
"""Titles, units and the tags below ``system/`` that each shows."""

WIDTH = 300
MAX_LINES = 16
_PREFIX = "system/"
_UNIT = re.compile(r"_(mb_per_s|gb|w|utilization|temperature)$|(?<=\d)_memory$")


def read(store: Store, run_id: str, rank: int) -> list[dict[str, Any]]:
    """The panels that have lines: mean values along wall time, at most ``2 * WIDTH`` places a line."""
    tags = [
        one.tag.removeprefix(_PREFIX)
        for one in store.series(run_id, "scalar", prefix=_PREFIX)
        if one.rank == rank
    ]
    panels = []
    for title, unit, pattern in PANELS:
        names = [name for name in tags if pattern.match(name)][:MAX_LINES]
        lines = [line for name in names if (line := _line(store, run_id, rank, name))]
        if lines:
            panels.append({"title": title, "unit": unit, "lines": lines})
    return panels


def _line(store: Store, run_id: str, rank: int, name: str) -> dict[str, Any] | None:
    try:
        points = store.points(run_id, _PREFIX + name, rank=rank, axis="wall", width=WIDTH)
    except SeriesNotFound:
        return None
    values = points.value if points.mean is None else points.mean
    return {
        "name": _UNIT.sub("", name).replace("_", " "),
        "step": points.step.tolist(),
        "wall": points.wall_time.tolist(),
        "value": [float(f"{value:.5g}") if abs(value) < float("inf") else None for value in values.tolist()],
    }
