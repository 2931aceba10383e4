"""What is new of one file of a tree: its light records, those that were put off, a file beside them."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from .contents import Contents, Deferred, Reading
from .followed import UNREAD, FileKey, FollowedFile, digest_of
from .framing import AROUND, MAX_PAYLOAD, Damage, Records, split
from .intake import Piece, RunOfTree
from .side_files import read_side_file
from .summaries import Summaries
from .tree import FoundFile, Tree, as_text

PIECE = 4 << 20
"""Bytes read at once: as fast as more, and memory stays small."""
_HEAVY_PIECE = 16 << 20


@dataclass
class KnownRun:
    """A run and the memory of its summaries, which is ``recalled`` if it has all that the store tells.

    ``removed`` if the run was, from the store and for good. ``grew_at`` is when the newest of its event
    files was changed.
    """

    run: RunOfTree
    summaries: Summaries
    removed: bool = False
    recalled: bool = True
    grew_at: float = -math.inf


@dataclass
class TreeFile:
    """A file as it was found, and how far it is read; to ``damaged_to`` what was read last was damaged."""

    tree: Tree
    of: KnownRun
    found: FoundFile
    followed: FollowedFile
    damaged_to: int = -1

    @property
    def key(self) -> FileKey:
        return self.of.run.id, self.found.name

    @property
    def is_new(self) -> bool:
        """Whether there may be something to read."""
        found, read = self.found, self.followed
        looks = found.name, found.size, found.modified, found.identity
        same = looks == (read.name, read.size, read.modified, read.identity)
        return not same and not self.of.removed

    @property
    def is_other(self) -> bool:
        """Whether this is surely not the file that was read under its name."""
        return bool(self.followed.identity) and self.followed.identity != self.found.identity

    @property
    def bytes_read(self) -> int:
        passed = self.followed.position if self.is_new else self.found.size
        return passed - sum(one.length for one in self.followed.deferred)

    def read(self, start: int, stop: int) -> bytes:
        return self.tree.read(self.found.path, start, stop)

    def piece(self, after: FollowedFile, contents: Contents, again: bool) -> Piece:
        return Piece(self.of.run, as_text(self.found.path), self.followed, after, contents, again)

    def seen_whole(self, after: FollowedFile) -> FollowedFile:
        """Nothing more is to be read until the file looks different."""
        found = self.found
        return replace(after, size=found.size, modified=found.modified, identity=found.identity)


def read_light(file: TreeFile) -> Piece:
    """The next stretch of an event file; of a file that is not what it was, the first one, again."""
    before = file.followed
    now = before.from_start() if before.position and not _goes_on(file) else before
    data, records = _split_next(file, now.position)
    reading = Reading(data, now.position, file.of.summaries, bool(now.deferred))
    contents = reading.light(records)
    end = now.position + records.consumed
    if not records.consumed and len(data) >= PIECE and not any(data):
        end = _skip_zeros(file, end, contents)
    _merge_damage(file, contents, end)
    after = replace(
        now,
        name=file.found.name,
        position=end,
        digest=digest_of(partial(_read_again, file, now.position, data), end),
        size=UNREAD,
        modified=file.found.modified,
        deferred=(*now.deferred, *contents.deferred),
    )
    if end >= file.found.size or end == now.position:
        after = file.seen_whole(after)
    piece = file.piece(after, contents, now.position < now.again)
    return replace(piece, grew_at=file.of.grew_at)


def _goes_on(file: TreeFile) -> bool:
    """Whether a file is the one that was read before, longer maybe."""
    before = file.followed
    return before.position <= file.found.size and digest_of(file.read, before.position) == before.digest


def _read_again(file: TreeFile, position: int, data: bytes, start: int, stop: int) -> bytes:
    """Bytes of a file, from memory if they are among ``data``, which begins at ``position``."""
    among = position <= start and stop <= position + len(data)
    return data[start - position : stop - position] if among else file.read(start, stop)


def _split_next(file: TreeFile, position: int) -> tuple[bytes, Records]:
    """Some whole records, one at least if there is one."""
    data = file.read(position, position + PIECE)
    records = split(data)
    if not records.consumed and len(data) < records.wanted <= file.found.size - position:
        data = file.read(position, position + records.wanted)
        records = split(data)
    return data, records


def _skip_zeros(file: TreeFile, position: int, contents: Contents) -> int:
    """Where to read on after zeros: nowhere, as long as nothing else follows them."""
    found = file.found
    end = file.tree.next_data(found.path, position + PIECE, found.size)
    if end >= found.size:
        return position
    contents.damage.append(Damage(position, end, "there are only zeros"))
    return end


def _merge_damage(file: TreeFile, contents: Contents, end: int) -> None:
    """Tell damage once that goes on from one stretch to the next."""
    damage = contents.damage
    if damage and damage[0].start == file.damaged_to:
        file.damaged_to = damage.pop(0).stop
    if damage:
        file.damaged_to = damage[-1].stop


def read_deferred(file: TreeFile) -> Piece:
    """Some of the records that were put off."""
    taken = _next_deferred(file.followed.deferred)
    contents = Contents()
    for one in taken:
        data = file.read(one.start, one.start + one.length + AROUND)
        contents.add(Reading(data, one.start, file.of.summaries, False).heavy())
    left = file.followed.deferred[len(taken) :]
    after = replace(file.followed, deferred=left)
    return file.piece(after, contents, taken[0].start < after.again)


def _next_deferred(deferred: Sequence[Deferred]) -> list[Deferred]:
    taken: list[Deferred] = []
    total = 0
    for one in deferred:
        total += one.length
        if taken and total > _HEAVY_PIECE:
            break
        taken.append(one)
    return taken


def read_beside(file: TreeFile) -> Piece:
    """What a file beside the event files says, unless it has not changed."""
    data = file.read(0, min(file.found.size, MAX_PAYLOAD))
    digest = hashlib.blake2b(data, digest_size=8).hexdigest()
    after = replace(file.seen_whole(file.followed), position=file.found.size, digest=digest)
    contents = Contents() if digest == file.followed.digest else read_side_file(file.tree, file.found, data)
    return file.piece(after, contents, again=False)
