"""What was read of event files into the store, in one transaction with how far they are read."""

from __future__ import annotations

import math
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy import Connection, select

from ..append import append_points
from ..chunks import Columns
from ..descriptions import described
from ..engine import in_groups
from ..frames import FrameType
from ..kinds import KINDS
from ..kinds.event import Event
from ..points import read_since
from ..records import Arrived, append_records, read_index, store_blobs
from ..run_rows import apply_message, load_runs, save_runs
from ..schema import clean_text, runs
from ..series import SeriesKey
from ..transactions import write
from .contents import Contents, Said
from .followed import FileKey, FollowedFile, place, save_followed, stored_states

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
    """The run that a folder of a tree is. ``is_assigned`` if somebody has said to which project."""

    id: str
    project: str
    name: str
    location: str
    is_assigned: bool = False


@dataclass(frozen=True)
class Piece:
    """What was read of a file: how far it was before and is after, and what that says.

    With ``again`` the store may have some of it. ``grew_at`` is when the newest event file of its run was
    changed, unless this is no news of one.
    """

    run: RunOfTree
    path: str
    before: FollowedFile
    after: FollowedFile
    contents: Contents
    again: bool
    grew_at: float | None = None


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
    """Together, since each statement costs more than what it writes for a run."""
    # The runs first: who has these locked knows that what is stored of their files will not change.
    rows = load_runs(connection, _runs_of(connection, pieces))
    new = {run_id for run_id, row in rows.items() if not row["revision"]}
    names = {(piece.run.id, file.name) for piece in pieces for file in (piece.before, piece.after)}
    stored = stored_states(connection, sorted(names))
    if removed := next((run_id for run_id, _ in stored if run_id in new or run_id not in rows), None):
        raise RunRemoved(removed)
    after = _states_after(pieces, stored)
    arrived = {run_id: _Arrived() for run_id in rows}
    for piece, records in zip(pieces, encoded, strict=True):
        if (run_id := piece.run.id) in rows:
            if run_id in new:
                new.remove(run_id)
                _describe(rows[run_id], piece)
            _update_run(rows[run_id], piece)
            arrived[run_id].add(connection, piece, records)
    save_runs(connection, list(rows.values()))
    for run_id, all_of_it in arrived.items():
        all_of_it.append(connection, run_id)
    save_followed(connection, stored, {key: file for key, file in after.items() if key[0] in rows})


def _runs_of(connection: Connection, pieces: Sequence[Piece]) -> list[str]:
    """The runs that pieces are of; but for those that nobody knows, and of which nothing is said."""
    ids = sorted({piece.run.id for piece in pieces})
    queries = [select(runs.c.run_id).where(runs.c.run_id.in_(group)) for group in in_groups(ids)]
    there = {run_id for query in queries for run_id in connection.scalars(query)}
    there |= {piece.run.id for piece in pieces if not piece.contents.says_nothing}
    return [run_id for run_id in ids if run_id in there]


def _states_after(
    pieces: Sequence[Piece], stored: Mapping[FileKey, FollowedFile]
) -> dict[FileKey, FollowedFile | None]:
    """How far files are after some pieces, by run id and name; None under a name that a file had before.

    Raises ``FollowedElsewhere`` where a piece does not begin at what is stored.
    """
    after: dict[FileKey, FollowedFile | None] = {}
    for piece in pieces:
        key = piece.run.id, piece.before.name
        expected = after[key] if key in after else stored.get(key)
        if expected and place(expected) != place(piece.before):
            raise FollowedElsewhere
        after[key] = None
        after[piece.run.id, piece.after.name] = piece.after
    return after


class _Arrived:
    """What pieces of a run say: points and records by series."""

    def __init__(self) -> None:
        self._points: dict[SeriesKey, list[Columns]] = defaultdict(list)
        self._records: _Records = defaultdict(list)

    def add(self, connection: Connection, piece: Piece, records: _Records) -> None:
        """What a piece says; of one that is read again, what the store does not have."""
        tags = piece.contents.points.items()
        points = {SeriesKey(0, "scalar", clean_text(tag)): some for tag, some in tags}
        if piece.again:
            points = _new_points(connection, piece.run.id, points)
            records = _new_records(connection, piece.run.id, records)
        for key, some in points.items():
            self._points[key].append(some)
        for key, items in records.items():
            self._records[key] += items

    def append(self, connection: Connection, run_id: str) -> None:
        points = {key: Columns.concatenate(parts) for key, parts in self._points.items()}
        append_points(connection, run_id, points)
        append_records(connection, run_id, self._records)


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
    if piece.grew_at is not None and row["status"] in ("running", "finishing", "finished"):
        row["status"] = "finishing" if time.time() - piece.grew_at < LIVE_S else "finished"
    for about in contents.about:
        row["config"] = row["config"] | about.config
        row["group_name"] = about.group or row["group_name"]
        if about.status is not None:
            row |= {"status": about.status, "exit_code": about.exit_code, "error": about.error}
        row["tags"] = list(dict.fromkeys([*row["tags"], *about.tags]))
        row["notes"] = row["notes"] or about.notes
        row["descriptions"] = described(row["descriptions"], about.descriptions)
        if about.name and row["name"] == clean_text(piece.run.name):
            row["name"] = clean_text(about.name)
        if about.project and row["project"] == clean_text(piece.run.project) and not piece.run.is_assigned:
            row["project"] = clean_text(about.project)


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
