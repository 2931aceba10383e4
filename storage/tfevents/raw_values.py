"""What came from TensorBoard's logs and was kept as it is, on its way back into some."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

from sqlalchemy import Connection, select
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.plugins.mesh.metadata import get_instance_name
from tensorboard.plugins.mesh.plugin_data_pb2 import MeshPluginData

from ..engine import in_groups
from ..kinds.raw import Raw
from ..schema import records, series
from ..series import SeriesKey
from .event import graph_event, values_event
from .names import safe_path
from .tree import told_by_path

_GRAPHS = ("graphs", "graph_run_metadata", "graph_run_metadata_graph", "graph_keras_model")
_LATEST = 2.0**33  # a time in seconds that every file system takes


def raw_event(raw: Raw, step: int, wall: float) -> bytes:
    """The event that holds it again. Raises ``DecodeError`` for what never was a protobuf."""
    if raw.message == "summary_value":
        return values_event(step, wall, [Summary.Value.FromString(raw.data)])
    if raw.message == "graph_def":
        return graph_event(step, wall, raw.data)
    event = Event(wall_time=wall, step=step)
    if raw.message == "meta_graph_def":
        event.meta_graph_def = raw.data
    else:
        getattr(event, raw.message).ParseFromString(raw.data)
    return event.SerializeToString()


def raw_data(event: Event, message: str) -> bytes:
    """What an event that ``raw_event`` made holds."""
    held = event.summary.value[0] if message == "summary_value" else getattr(event, message)
    return held if isinstance(held, bytes) else held.SerializeToString()


def write_raw_file(raw: Raw, tag: str, wall: float, folder: Path) -> bool:
    """Write what was a file below the folder of its run; False if it would not be found there again.

    The time of the file is the record's. Raises ``OSError``.
    """
    name = f"plugins/{safe_path(tag)}"
    is_found = told_by_path(name) is not None and name == f"plugins/{tag}"
    if not is_found or not 0 <= wall < _LATEST:
        return False
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(raw.data)
    nanoseconds = int(Fraction(wall) * 10**9)  # as a float it would be rounded once more
    os.utime(path, ns=(nanoseconds, nanoseconds))
    return True


def written_as_raw(
    connection: Connection, run_id: str, key: SeriesKey, wanted: Callable[[str], bool]
) -> set[tuple[int, float | None]]:
    """When (step, wall time) records of a series were made of raw ones, which are shown instead.

    These are graphs, and meshes that were several of one value or whose parts came one by one. ``wanted``
    says which tags are written at all.
    """
    if key.kind not in ("mesh", "graph"):
        return set()
    raw = (series.c.run_id == run_id) & (series.c.kind == "raw") & (series.c.rank == key.rank)
    if key.kind == "mesh":
        raw &= series.c.tag.in_(_tags_of_parts(key.tag))
    found = connection.execute(select(series.c.series_id, series.c.tag).where(raw))
    plugins = ("mesh",) if key.kind == "mesh" else _GRAPHS
    told: set[tuple[int, float | None]] = set()
    for group in in_groups([row.series_id for row in found if wanted(row.tag)]):
        query = select(records.c.step, records.c.wall_time, records.c.header).where(
            records.c.run_id == run_id, records.c.series_id.in_(group)
        )
        rows = connection.execute(query)
        told |= {(row.step, row.wall_time) for row in rows if row.header["plugin"] in plugins}
    return told


def _tags_of_parts(tag: str) -> list[str]:
    """The tags that the parts of a mesh may have in logs, of TensorBoard's plugin and of tensorboardX."""
    names = {tag, re.sub(r"/\d+$", "", tag)}
    parts = [(name, part) for name in names for part in MeshPluginData.ContentType.values()]
    return [told for name, part in parts for told in (get_instance_name(name, part), f"{name}_{part}")]
