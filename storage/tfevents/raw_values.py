"""What came from TensorBoard's logs and was kept as it is, on its way back into some."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Connection, select
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.plugins.mesh.metadata import get_instance_name
from tensorboard.plugins.mesh.plugin_data_pb2 import MeshPluginData

from ..kinds.raw import Raw
from ..schema import records, series
from ..series import SeriesKey
from .event import graph_event, values_event
from .names import safe_path

_GRAPHS = ("graphs", "graph_run_metadata", "graph_run_metadata_graph", "graph_keras_model")


def write_raw(raw: Raw, tag: str, step: int, wall: float, folder: Path) -> Iterator[bytes]:
    """The events that hold it again; a file is written below ``folder``.

    Raises ``OSError``, and ``DecodeError`` for what never was a protobuf.
    """
    if raw.message == "file":
        path = folder / "plugins" / safe_path(tag)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(raw.data)
    elif raw.message == "summary_value":
        yield values_event(step, wall, [Summary.Value.FromString(raw.data)])
    elif raw.message == "graph_def":
        yield graph_event(step, wall, raw.data)
    else:
        event = Event(wall_time=wall, step=step)
        if raw.message == "meta_graph_def":
            event.meta_graph_def = raw.data
        else:
            getattr(event, raw.message).ParseFromString(raw.data)
        yield event.SerializeToString()


def written_as_raw(connection: Connection, run_id: str, key: SeriesKey) -> set[tuple[int, float]]:
    """When (step, wall time) records of a series were made of raw ones, which are written instead.

    These are graphs, and meshes whose parts came one by one.
    """
    raw = select(series.c.series_id).where(
        series.c.run_id == run_id, series.c.kind == "raw", series.c.rank == key.rank
    )
    if key.kind == "mesh":
        names = {key.tag, re.sub(r"/\d+$", "", key.tag)}
        parts = [
            get_instance_name(name, part) for name in names for part in MeshPluginData.ContentType.values()
        ]
        raw, plugins = raw.where(series.c.tag.in_(parts)), ("mesh",)
    elif key.kind == "graph":
        plugins = _GRAPHS
    else:
        return set()
    query = select(records.c.step, records.c.wall_time, records.c.header).where(
        records.c.run_id == run_id, records.c.series_id.in_(raw)
    )
    rows = connection.execute(query)
    return {(row.step, row.wall_time) for row in rows if row.header["plugin"] in plugins}
