"""What was read of event files into the store, in one transaction with how far they are read."""

from __future__ import annotations

import math
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy import Connection, select

from ..append import append_points
from ..chunks import Columns
from ..frames import FrameType
from ..kinds import KINDS
from ..kinds.event import Event
from ..points import read_since
from ..records import Arrived, append_records, read_index, store_blobs
from ..run_rows import apply_message, load_run, save_run
from ..schema import clean_text, runs
from ..series import SeriesKey
from ..transactions import write
from .contents import Contents, Said
from .followed import FollowedFile, place, save_followed, stored_state

if TYPE_CHECKING:
    from ..store import Store

DAMAGE = "damage"
LIVE_S = 300.0
"""A run whose files grew less than so many seconds ago goes on: PyTorch writes every 120 seconds."""
_TOLD = 20
_Records = dict[SeriesKey, list[Arrived]]


class FollowedElsewhere(Exception):
    """Somebody else has read on in a file meanwhile."""


class RunRemoved(Exception):
    """The run was removed from the store for good; its files are still there."""

    def __init__(self, run_id: str) -> None:
        super().__init__(run_id)
        self.run_id = run_id


@dataclass(frozen=True)
class RunOfTree:
    """The run that a folder of a tree is."""

    id: str
    project: str
    name: str
    location: str


@dataclass(frozen=True)
class Piece:
    """What was read of a file: how far it was before and is after, and what that says.

    With ``again`` the store may have some of it.
    """

    run: RunOfTree
    path: str
    before: FollowedFile
    after: FollowedFile
    contents: Contents
    again: bool


def take_in(store: Store, pieces: Sequence[Piece]) -> None:
    """Store pieces, of one run or of several, in one transaction.

    Raises ``FollowedElsewhere`` and ``RunRemoved``, and ``StoreUnavailable``: nothing was stored then.
    """
    encoded = [_encode(piece) for piece in pieces]
    for records in encoded:
        store_blobs(store, records)
    write(store, lambda connection: _apply(connection, pieces, encoded))


def _encode(piece: Piece) -> _Records:
    arrived: _Records = defaultdict(list)
    for said in [*piece.contents.records, *_told_damage(piece)]:
        encoded = KINDS[said.kind].encode(said.value)
        key = SeriesKey(0, said.kind, clean_text(said.tag))
        arrived[key].append(Arrived.of(said.kind, 0, said.step, said.wall, encoded))
    return arrived


def _told_damage(piece: Piece) -> list[Said]:
    """An event about what could not be read, so that it can be seen beside the run's data."""
    damage = piece.contents.damage
    if not damage:
        return []
    places = [f"{piece.path}, bytes {one.start:,} to {one.stop:,}: {one.reason}" for one in damage]
    more = [f"and {len(places) - _TOLD:,} more"] if len(places) > _TOLD else []
    event = Event("Damaged event file", "\n".join([*places[:_TOLD], *more]), "warning")
    return [Said(DAMAGE, "event", 0, piece.contents.last_wall or time.time(), event)]


def _apply(connection: Connection, pieces: Sequence[Piece], encoded: Sequence[_Records]) -> None:
    for piece, records in zip(pieces, encoded, strict=True):
        run_id = piece.run.id
        is_known = connection.scalar(select(runs.c.run_id).where(runs.c.run_id == run_id)) is not None
        stored = stored_state(connection, piece.before)
        if stored and not is_known:
            raise RunRemoved(run_id)
        if stored and place(stored) != place(piece.before):
            raise FollowedElsewhere
        if not is_known and piece.contents.says_nothing:
            continue
        row = load_run(connection, run_id)
        if not is_known:
            _describe(row, piece)
        _update_run(row, piece)
        save_run(connection, row)
        points = {
            SeriesKey(0, "scalar", clean_text(tag)): some for tag, some in piece.contents.points.items()
        }
        if piece.again:
            points = _new_points(connection, run_id, points)
            records = _new_records(connection, run_id, records)
        append_points(connection, run_id, points)
        append_records(connection, run_id, records)
        save_followed(connection, stored, piece.after)


def _describe(row: dict[str, Any], piece: Piece) -> None:
    """What is told of a run that is new."""
    run = piece.run
    environment = {"logs": run.location}
    said = {"project": run.project, "name": run.name, "environment": environment}
    started = piece.contents.first_wall
    apply_message(row, FrameType.RUN, said | ({} if started is None else {"created_at": started}), 0, [])


def _update_run(row: dict[str, Any], piece: Piece) -> None:
    contents = piece.contents
    row["damaged"] += len(contents.damage)
    if contents.first_wall is not None:
        row["created_at"] = min(row["created_at"], contents.first_wall)
    if contents.last_wall is not None:
        row["ended_at"] = max(row["ended_at"] or -math.inf, contents.last_wall)
    if row["status"] != "crashed":
        row["status"] = "finishing" if time.time() - piece.after.modified < LIVE_S else "finished"
    for about in contents.about:
        row["config"] = row["config"] | about.config
        row["group_name"] = about.group or row["group_name"]
        row["status"] = about.status or row["status"]
        row["tags"] = list(dict.fromkeys([*row["tags"], *about.tags]))
        row["notes"] = row["notes"] or about.notes


def _new_points(
    connection: Connection, run_id: str, points: dict[SeriesKey, Columns]
) -> dict[SeriesKey, Columns]:
    """Only the points that the store does not have: of the same step, wall time and value, to the bit."""
    new: dict[SeriesKey, Columns] = {}
    for key, some in points.items():
        stored = read_since(connection, run_id, key.id, 0)
        known = set(_bits(Columns(stored.step, stored.wall_time, stored.value)))
        fresh = np.array([each not in known for each in _bits(some)], bool)
        if fresh.any():
            new[key] = some.take(fresh)
    return new


def _bits(points: Columns) -> list[tuple[int, ...]]:
    columns = (column.view(np.int64).tolist() for column in points)
    return list(zip(*columns, strict=True))


def _new_records(connection: Connection, run_id: str, records: _Records) -> _Records:
    """Only the records that the store does not have: of the same step and wall time."""
    new: _Records = {}
    for key, items in records.items():
        steps, walls, _ = read_index(connection, run_id, key)
        known = set(zip(steps.tolist(), walls.tolist(), strict=True))
        fresh = [item for item in items if (item.step, item.wall) not in known]
        if fresh:
            new[key] = fresh
    return new
