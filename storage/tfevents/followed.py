"""How far each followed file is in the store: a row a file, written with what was read of it."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from sqlalchemy import Connection, delete, insert, select, tuple_

from ..engine import in_groups, update_rows
from ..schema import followed
from .contents import Deferred

Read = Callable[[int, int], bytes]
"""The bytes of a file between two places, fewer at its end."""

FileKey = tuple[str, str]
"""The id of a file's run, and its name."""

UNREAD = -1
_TOLD_BY = 64
_KEY = tuple_(followed.c.run_id, followed.c.name)


@dataclass(frozen=True)
class FollowedFile:
    """How far one file of a run is in the store.

    All before ``position`` is, but for the records that are ``deferred``. ``digest`` is of bytes before it,
    so that another file in its place is noticed. ``size``, ``modified`` and ``identity`` are the file's when
    nothing was left to read, else ``size`` is ``UNREAD``. Up to ``again`` bytes were read of what was in its
    place before: of as much of this file, points and records that the store has are not added once more.
    """

    run_id: str
    name: str
    identity: str = ""
    size: int = UNREAD
    modified: float = 0.0
    position: int = 0
    digest: str = ""
    again: int = 0
    deferred: tuple[Deferred, ...] = ()

    def from_start(self) -> FollowedFile:
        """The same file, to be read again because it is not what it was."""
        return FollowedFile(self.run_id, self.name, again=max(self.again, self.position))

    def as_row(self) -> dict[str, Any]:
        row = {each.name: getattr(self, each.name) for each in fields(self)}
        packed = zlib.compress(np.array(self.deferred, "<i8").tobytes(), 1) if self.deferred else b""
        return row | {"deferred": packed}


def digest_of(read: Read, position: int) -> str:
    """Tells whether bytes before a position are still the same, by the first and the last few of them."""
    head = read(0, min(_TOLD_BY, position))
    tail = read(max(position - _TOLD_BY, 0), position)
    return hashlib.blake2b(head + tail, digest_size=8).hexdigest()


def read_followed(connection: Connection, run_ids: Sequence[str]) -> list[FollowedFile]:
    """Every file of some runs that was followed."""
    found: list[FollowedFile] = []
    for group in in_groups(run_ids):
        rows = connection.execute(select(followed).where(followed.c.run_id.in_(group))).mappings()
        found += [_from_row(dict(row)) for row in rows]
    return found


def stored_states(connection: Connection, keys: Sequence[FileKey]) -> dict[FileKey, FollowedFile]:
    """How far files are in the store, those that are."""
    found: dict[FileKey, FollowedFile] = {}
    for group in in_groups(keys):
        rows = connection.execute(select(followed).where(_KEY.in_(group))).mappings()
        found |= {(row["run_id"], row["name"]): _from_row(dict(row)) for row in rows}
    return found


def save_followed(
    connection: Connection, stored: Container[FileKey], files: Mapping[FileKey, FollowedFile | None]
) -> None:
    """Write how far files are now, in place of those that are ``stored``; None for one that is gone."""
    gone = [key for key, file in files.items() if file is None and key in stored]
    for group in in_groups(gone):
        connection.execute(delete(followed).where(_KEY.in_(group)))
    rows = {key: file.as_row() for key, file in files.items() if file is not None}
    if changed := [row for key, row in rows.items() if key in stored]:
        update_rows(connection, followed, changed)
    if new := [row for key, row in rows.items() if key not in stored]:
        connection.execute(insert(followed), new)


def place(file: FollowedFile) -> FollowedFile:
    """What tells how far a file is, whatever it looks like from outside."""
    return replace(file, identity="", size=UNREAD, modified=0.0)


def _from_row(row: dict[str, Any]) -> FollowedFile:
    packed = row.pop("deferred")
    pairs = np.frombuffer(zlib.decompress(packed), "<i8").reshape(-1, 2).tolist() if packed else []
    deferred = tuple(Deferred(*pair) for pair in pairs)
    return FollowedFile(**row, deferred=deferred)
