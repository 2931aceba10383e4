"""One record as an event: what TensorBoard shows of it, and the record itself beside that."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

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
from .samples import shown_together
from .shown import to_tensorboard
from .shown.graph import graph_definition
from .target import Target

_Shown = tuple[bytes, list[int | None]]
"""An event, and for each record which of the strings that it shows is its body, if one is."""


class Series(NamedTuple):
    """A series, what TensorBoard is to call it, and what is said of it, in Markdown."""

    key: SeriesKey
    tag: str
    description: str


class Sample(NamedTuple):
    """A record that is written in one value with the first of several, and its series."""

    key: SeriesKey
    value: Any


def write_record(record: Record, others: Sequence[Sample], place: Placed, series: Series, to: Target) -> None:
    """Write a record of a series, and others in one value with it. Raises ``OSError``."""
    wall = record.wall_time if math.isfinite(record.wall_time) else to.wall
    told = record.value
    if place.is_shown and isinstance(told, Raw) and told.message == "file":
        if write_raw_file(told, series.key.tag, wall, to.folder):
            return
        place = place._replace(is_shown=False)
    samples = [Sample(series.key, told), *others]
    if place.is_shown:
        event, bodies = _shown(record._replace(wall_time=wall), samples, series, to)
    else:
        event, bodies = values_event(record.step, wall, []), [None] * len(samples)
    if place.is_kept:
        for (of, value), body_at in zip(samples, bodies, strict=True):
            event += Kept(of.kind, of.tag, KINDS[of.kind].encode(value), body_at).to_bytes()
        event += kept_wall(record.wall_time)
    else:
        event += ONLY_SHOWN
    to.file.add(event)


def _shown(record: Record, samples: Sequence[Sample], series: Series, to: Target) -> _Shown:
    step, wall, told = record
    key = series.key
    if isinstance(told, Raw):
        return _raw(told, step, wall)
    if isinstance(told, Graph):
        return graph_event(step, wall, graph_definition(told)), [None]
    if isinstance(told, Embedding):
        to.projector.add(told, key.tag, step)
    elif isinstance(told, Trace):
        write_trace(told, to.folder, key.tag, step)
    values, bodies = shown_together(
        [to_tensorboard(key.kind, series.tag, sample.value) for sample in samples]
    )
    for value in values:
        value.metadata.summary_description = value.metadata.summary_description or series.description
    return values_event(step, wall, values), bodies


def _raw(told: Raw, step: int, wall: float) -> _Shown:
    try:
        event = raw_event(told, step, wall)
    except DecodeError:
        return values_event(step, wall, []), [None]
    is_all = raw_data(Event.FromString(event), told.message) == told.data
    return event, [ALL if is_all else None]
