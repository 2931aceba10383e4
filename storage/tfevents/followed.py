"""How far each followed file is in the store: a row a file, written with what was read of it."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from sqlalchemy import Connection, delete, insert, select

from ..engine import in_groups, update_rows
from ..schema import followed
from .contents import Deferred

Read = Callable[[int, int], bytes]
"""The bytes of a file between two places, fewer at its end."""

UNREAD = -1
_TOLD_BY = 64


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


def stored_state(connection: Connection, file: FollowedFile) -> FollowedFile | None:
    """How far a file is in the store."""
    query = select(followed).where(followed.c.run_id == file.run_id, followed.c.name == file.name)
    row = connection.execute(query).mappings().first()
    return _from_row(dict(row)) if row else None


def save_followed(connection: Connection, stored: FollowedFile | None, after: FollowedFile) -> None:
    """Write how far a file is now, in place of what is stored, which may be under another name."""
    if stored and after.name == stored.name:
        update_rows(connection, followed, [after.as_row()])
        return
    if stored:
        these = (followed.c.run_id == stored.run_id) & (followed.c.name == stored.name)
        connection.execute(delete(followed).where(these))
    connection.execute(insert(followed), after.as_row())


def place(file: FollowedFile) -> FollowedFile:
    """What tells how far a file is, whatever it looks like from outside."""
    return replace(file, identity="", size=UNREAD, modified=0.0)


def _from_row(row: dict[str, Any]) -> FollowedFile:
    packed = row.pop("deferred")
    pairs = np.frombuffer(zlib.decompress(packed), "<i8").reshape(-1, 2).tolist() if packed else []
    deferred = tuple(Deferred(*pair) for pair in pairs)
    return FollowedFile(**row, deferred=deferred)
