"""What a stretch of an event file says, as columns of points and records of ours."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from tensorboard.compat.proto.event_pb2 import Event as EventProto
from tensorboard.compat.proto.event_pb2 import SessionLog

from ..chunks import Columns
from ..kinds import KINDS
from ..kinds.event import Event
from ..kinds.graph import Graph
from ..kinds.raw import Raw
from .checksums import masked
from .framing import AROUND, FOOTER, HEADER, Damage, Records
from .kept import read_kept
from .mappings import graph
from .mappings.hparams import AboutRun
from .scalars import Part, in_order, read_scalars
from .summaries import Summaries

HEAVY = 4096
"""Events of more bytes than these are put off until the light ones, such as scalars, are read."""

_KINDS = {kind.type: name for name, kind in KINDS.items()}
_KEPT = ("tagged_run_metadata", "log_message")
_PLUGINS = {
    "graph_def": "graphs",
    "meta_graph_def": "graphs",
    "tagged_run_metadata": "graph_tagged_run_metadata",
}
SESSION = "session"


class Said(NamedTuple):
    """A record: the series it is for, when it was said, and what."""

    tag: str
    kind: str
    step: int
    wall: float
    value: Any


class Deferred(NamedTuple):
    """A record that was put off: where its event begins in the file, and how long it is."""

    start: int
    length: int


@dataclass
class Contents:
    """What some bytes of an event file say. ``first_wall`` is None where they say nothing."""

    points: dict[str, Columns] = field(default_factory=dict)
    records: list[Said] = field(default_factory=list)
    about: list[AboutRun] = field(default_factory=list)
    deferred: list[Deferred] = field(default_factory=list)
    damage: list[Damage] = field(default_factory=list)
    first_wall: float | None = None
    last_wall: float | None = None

    @property
    def point_count(self) -> int:
        return sum(len(points.steps) for points in self.points.values())

    @property
    def says_nothing(self) -> bool:
        """Whether there was not a single event."""
        return self.first_wall is None and not self.deferred

    def add(self, later: Contents) -> None:
        """Also what a later stretch says."""
        for tag, points in later.points.items():
            before = self.points.get(tag)
            self.points[tag] = Columns.concatenate([before, points]) if before else points
        self.records += later.records
        self.about += later.about
        self.deferred += later.deferred
        self.damage += later.damage
        for wall in (later.first_wall, later.last_wall):
            if wall is not None:
                self.note_wall(wall)

    def note_wall(self, wall: float) -> None:
        if math.isfinite(wall):
            self.first_wall = wall if self.first_wall is None else min(self.first_wall, wall)
            self.last_wall = wall if self.last_wall is None else max(self.last_wall, wall)


class Reading:
    """Reads one stretch of a file: ``data``, which is ``base`` bytes into it.

    ``summaries`` is the memory of the run, which learns from what is read. With ``waiting``, records of
    the file have been put off, and so may be what says what a value is for.
    """

    def __init__(self, data: bytes, base: int, summaries: Summaries, waiting: bool) -> None:
        self.contents = Contents()
        self._data = data
        self._base = base
        self._summaries = summaries
        self._waiting = waiting
        self._numbers: dict[str, list[tuple[int, int, float, float]]] = defaultdict(list)

    def light(self, records: Records) -> Contents:
        """All that is said in few bytes; the places of what is put off."""
        known = {tag for tag, plugin in self._summaries.plugins.items() if plugin == "scalars"}
        found = read_scalars(self._data, records, known)
        heavy = records.lengths[found.others] > HEAVY
        for number, is_heavy in zip(found.others.tolist(), heavy.tolist(), strict=True):
            start, length = int(records.starts[number]), int(records.lengths[number])
            if is_heavy:
                self._defer(start, length)
            else:
                self._read(start, length, self._unknown)
        self._add_points(found.parts)
        if found.descriptions:
            self.contents.about.append(AboutRun(descriptions=found.descriptions))
        self.contents.damage += [damage.moved(self._base) for damage in records.damage]
        return self.contents

    def heavy(self) -> Contents:
        """The one record that ``data`` is, which was put off."""
        length = len(self._data) - AROUND
        if length < 0:
            self.contents.damage.append(Damage(self._base, self._base, "a record is gone"))
        else:
            self._read(0, length, lambda event: False)
        self._add_points({})
        return self.contents

    def _defer(self, start: int, length: int) -> None:
        self.contents.deferred.append(Deferred(self._base + start, length))

    def _unknown(self, event: EventProto) -> bool:
        """Whether what says what a value is for may be among what was put off."""
        if not (self._waiting or self.contents.deferred):
            return False
        return any(
            value.WhichOneof("value") == "tensor"
            and not value.HasField("metadata")
            and not self._summaries.knows(value.tag)
            for value in event.summary.value
        )

    def _read(self, start: int, length: int, later: Callable[[EventProto], bool]) -> None:
        stop = start + HEADER + length
        payload = self._data[start + HEADER : stop]
        try:
            if masked(payload) != int.from_bytes(self._data[stop : stop + FOOTER], "little"):
                raise ValueError("a record has a wrong checksum")
            event = EventProto.FromString(payload)
            kept = read_kept(payload, event)
        except Exception as error:  # protobuf's DecodeError is no ValueError
            reason = str(error) if isinstance(error, ValueError) else "a record is no event"
            self.contents.damage.append(Damage(start, stop + FOOTER, reason).moved(self._base))
            return
        if kept is not None:
            self.contents.note_wall(event.wall_time)
            for tag, value in kept:
                self._keep(tag, value, event, start)
        elif later(event):
            self._defer(start, length)
        else:
            self._say(event, start)

    def _say(self, event: EventProto, start: int) -> None:
        self.contents.note_wall(event.wall_time)
        what = event.WhichOneof("what")
        if what == "summary":
            for tag, value in self._summaries.read(event.summary, event.step):
                self._keep(tag, value, event, start)
        elif what == "session_log":
            self._keep(SESSION, _session(event.session_log, event.step), event, start)
        elif what == "graph_def":
            self._summaries.has_graph = True
            self._keep_graph(event, lambda: graph.of_definition(event.graph_def))
        elif what == "meta_graph_def":
            known = self._summaries.has_graph
            self._keep_graph(event, lambda: None if known else graph.of_meta_graph(event.meta_graph_def))
        elif what in _KEPT:
            self._keep_raw(event, what)

    def _keep(self, tag: str, value: Any, event: EventProto, start: int) -> None:
        if isinstance(value, AboutRun):
            self.contents.about.append(value)
        elif isinstance(value, float):
            self._numbers[tag].append((start, event.step, event.wall_time, value))
        else:
            said = Said(tag, _KINDS[type(value)], event.step, event.wall_time, value)
            self.contents.records.append(said)

    def _keep_graph(self, event: EventProto, draw: Callable[[], Graph | None]) -> None:
        try:
            if (drawn := draw()) is not None:
                self._keep(graph.TAG, drawn, event, 0)
        except Exception as error:  # whatever is wrong with a graph, its bytes are kept
            self.contents.damage.append(Damage(self._base, self._base, f"a graph cannot be drawn: {error}"))
        self._keep_raw(event, event.WhichOneof("what") or "")

    def _keep_raw(self, event: EventProto, what: str) -> None:
        content = getattr(event, what)
        data = content if isinstance(content, bytes) else content.SerializeToString()
        tag = event.tagged_run_metadata.tag if what == "tagged_run_metadata" else what
        self._keep(tag or what, Raw(_PLUGINS.get(what, ""), data, what), event, 0)

    def _add_points(self, parts: dict[str, list[Part]]) -> None:
        for tag, numbers in self._numbers.items():
            starts, *columns = zip(*numbers, strict=True)
            steps, walls, values = columns
            points = Columns(np.array(steps, np.int64), np.array(walls, float), np.array(values, float))
            parts.setdefault(tag, []).append(Part(np.array(starts, np.int64), points))
        for tag, some in parts.items():
            points = self.contents.points[tag] = in_order(some)
            self.contents.note_wall(float(points.walls[0]))
            self.contents.note_wall(float(points.walls[-1]))


def _session(log: SessionLog, step: int) -> Event:
    names: dict[int, str] = {number: name for name, number in SessionLog.SessionStatus.items()}
    status = names.get(log.status, str(log.status))
    titles: dict[int, str] = {
        SessionLog.START: f"Started at step {step}",
        SessionLog.STOP: "Stopped",
        SessionLog.CHECKPOINT: f"Checkpoint {log.checkpoint_path}",
    }
    data = {"status": status, "checkpoint_path": log.checkpoint_path}
    return Event(titles.get(log.status, status), log.msg, data=data)
