"""One record as an event: what TensorBoard shows of it, and the record itself beside that."""

from __future__ import annotations

import math

from google.protobuf.message import DecodeError
from tensorboard.compat.proto.event_pb2 import Event

from ..kinds import KINDS
from ..kinds.embedding import Embedding
from ..kinds.graph import Graph
from ..kinds.raw import Raw
from ..kinds.trace import Trace
from ..records import Record
from ..series import SeriesKey
from .assets import write_trace
from .event import ALL, ONLY_SHOWN, Kept, graph_event, kept_wall, values_event
from .placing import Placed
from .raw_values import raw_data, raw_event, write_raw_file
from .shown import to_tensorboard
from .shown.graph import graph_definition
from .target import Target

_Shown = tuple[bytes, int | None]
"""An event, and which of the strings that it shows is the record's body, if one is."""


def write_record(record: Record, place: Placed, key: SeriesKey, shown_tag: str, to: Target) -> None:
    """Write a record of a series, that TensorBoard is to call ``shown_tag``. Raises ``OSError``."""
    wall = record.wall_time if math.isfinite(record.wall_time) else to.wall
    told = record.value
    if place.is_shown and isinstance(told, Raw) and told.message == "file":
        if write_raw_file(told, key.tag, wall, to.folder):
            return
        place = place._replace(is_shown=False)
    if place.is_shown:
        event, body_at = _shown(record._replace(wall_time=wall), key, shown_tag, to)
    else:
        event, body_at = values_event(record.step, wall, []), None
    if place.is_kept:
        event += Kept(key.kind, key.tag, KINDS[key.kind].encode(told), body_at).to_bytes()
        event += kept_wall(record.wall_time)
    else:
        event += ONLY_SHOWN
    to.file.add(event)


def _shown(record: Record, key: SeriesKey, shown_tag: str, to: Target) -> _Shown:
    step, wall, told = record
    if isinstance(told, Raw):
        return _raw(told, step, wall)
    if isinstance(told, Graph):
        return graph_event(step, wall, graph_definition(told)), None
    if isinstance(told, Embedding):
        to.projector.add(told, key.tag, step)
    elif isinstance(told, Trace):
        write_trace(told, to.folder, key.tag, step)
    values, body_at = to_tensorboard(key.kind, shown_tag, told)
    return values_event(step, wall, values), body_at


def _raw(told: Raw, step: int, wall: float) -> _Shown:
    try:
        event = raw_event(told, step, wall)
    except DecodeError:
        return values_event(step, wall, []), None
    is_all = raw_data(Event.FromString(event), told.message) == told.data
    return event, ALL if is_all else None
