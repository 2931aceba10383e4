"""One event of an event file, as bytes: what TensorBoard is given to show, and what it skips."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary

from ..kinds.base import Encoded
from .protobuf import KEPT_RECORD, KEPT_RUN, KEPT_WALL, SHOWN_ONLY, data, double, whole

FILE_VERSION = "brain.Event:2"
ONLY_SHOWN = whole(SHOWN_ONLY, 1)
"""The mark of what is shown and is kept elsewhere, or is no record."""


ALL = -1


class Kept(NamedTuple):
    """A record as the store has it.

    Its body is left out where it is the ``body_at``-th string shown, or ``ALL`` that is.
    """

    kind: str
    tag: str
    encoded: Encoded
    body_at: int | None = None

    def to_bytes(self) -> bytes:
        header = json.dumps(self.encoded.header, separators=(",", ":"))
        if self.body_at is None:
            body = data(4, self.encoded.body)
        else:
            body = whole(6, 1) if self.body_at == ALL else whole(5, self.body_at)
        return data(KEPT_RECORD, data(1, self.kind) + data(2, self.tag) + data(3, header) + body)


def beginning(wall: float) -> bytes:
    """The first event of a file. Without it TensorBoard forgets points whenever a step is a lower one."""
    return Event(wall_time=wall, file_version=FILE_VERSION).SerializeToString()


def values_event(step: int, wall: float, values: Sequence[Summary.Value]) -> bytes:
    summary = Summary(value=values) if values else None
    return Event(wall_time=wall, step=step, summary=summary).SerializeToString()


def graph_event(step: int, wall: float, definition: bytes) -> bytes:
    """An event with the bytes of a ``GraphDef``."""
    return Event(wall_time=wall, step=step, graph_def=definition).SerializeToString()


def kept_wall(wall: float) -> bytes:
    """A field for an event that keeps a wall time, if TensorBoard would not take it."""
    return b"" if math.isfinite(wall) else double(KEPT_WALL, wall)


def kept_run(run: Mapping[str, Any]) -> bytes:
    """A field for an event that says what the store knows of a run, or some of it."""
    return data(KEPT_RUN, json.dumps(run, separators=(",", ":")))
