"""Follows trees of logs into a store: finds runs, reads what is new of each file, and remembers how far."""

from __future__ import annotations

import hashlib
import logging
import math
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlalchemy import update

from ..engine import now
from ..errors import StoreUnavailable
from ..schema import runs
from ..transactions import write
from .followed import UNREAD, FollowedFile, digest_of, read_followed
from .intake import LIVE_S, FollowedElsewhere, Piece, RunOfTree, RunRemoved, take_in
from .pieces import KnownRun, TreeFile, read_beside, read_deferred, read_light
from .postponed import Postponed
from .summaries import Summaries, plugins_of
from .tree import TOP, FoundFile, Tree

if TYPE_CHECKING:
    from ..store import Store

log = logging.getLogger(__name__)

_TRANSACTION_S = 0.2
_TRANSACTION_POINTS = 1 << 18
_TURN_S = 1.0
_HEARTBEAT_S = 5.0
_SOON_READ_BYTES = 50_000_000


@dataclass
class Progress:
    """How much is read: ``bytes`` of ``total_bytes``. ``damage`` tells what could not be, and where."""

    runs: int = 0
    files: int = 0
    total_bytes: int = 0
    bytes: int = 0
    points: int = 0
    records: int = 0
    damage: list[str] = field(default_factory=list)


class Follower:
    """Reads trees into a store. ``project`` is by default the name of each tree's folder."""

    def __init__(self, store: Store, trees: Sequence[Tree], project: str | None = None) -> None:
        self.progress = Progress()
        self._store = store
        self.trees = trees
        self._project = project
        self._runs: dict[str, KnownRun] = {}
        self._files: dict[tuple[str, str], TreeFile] = {}
        self._postponed = Postponed()
        self._heard_at = 0.0
        self._has_more = False

    @property
    def share(self) -> float | None:
        """Which part of all bytes is read, while the rest takes longer than a moment; else None."""
        left = self.progress.total_bytes - self.progress.bytes
        is_long = self._has_more and left > _SOON_READ_BYTES
        return self.progress.bytes / self.progress.total_bytes if is_long else None

    def poll(self) -> bool:
        """Look for what is new and read it for about a second; True if there is more.

        What is light, such as scalars, comes first. Raises ``StoreUnavailable``: to be tried again.
        """
        until = time.monotonic() + _TURN_S
        self._look()
        self._has_more = self._take_in(self._light(), until) or self._take_in(self._heavy(), until)
        self._tell_progress()
        self._stay_alive()
        return self._has_more

    def _look(self) -> None:
        """Note which files there are; of runs not met before, how far they were read."""
        found = [(self._run_of(tree, file), tree, file) for tree in self.trees for file in tree.files()]
        unmet = {run.id: KnownRun(run, Summaries()) for run, _, _ in found if run.id not in self._runs}
        with self._store.reading() as connection:
            known = read_followed(connection, list(unmet))
        self._runs |= unmet
        for file in known:
            self._runs[file.run_id].recalled = False
        stored = {(file.run_id, file.name): file for file in known}
        before, self._files = self._files, {}
        self._note_growth(found)
        for run, tree, file in found:
            key = run.id, file.name
            kept = before.pop(key, None)
            followed = kept.followed if kept else stored.pop(key, None) or FollowedFile(*key)
            damaged_to = kept.damaged_to if kept else -1
            self._files[key] = TreeFile(tree, self._runs[run.id], file, followed, damaged_to)
        self._find_renamed([*stored.values(), *(file.followed for file in before.values())])

    def _note_growth(self, found: Sequence[tuple[RunOfTree, Tree, FoundFile]]) -> None:
        """Note when the newest event file of each run was changed."""
        for known in self._runs.values():
            known.grew_at = -math.inf
        for run, _, file in found:
            if file.kind == "events":
                known = self._runs[run.id]
                known.grew_at = max(known.grew_at, file.modified)

    def _find_renamed(self, gone: Sequence[FollowedFile]) -> None:
        """Of files that are gone and are there by another name, go on reading."""
        replaced = [file for file in self._files.values() if file.is_other]
        lost = [*gone, *(file.followed for file in replaced)]
        by_identity = {(file.run_id, file.identity): file for file in lost if file.identity}
        for key, file in self._files.items():
            old = by_identity.get((key[0], file.found.identity))
            if old and not file.followed.position and digest_of(file.read, old.position) == old.digest:
                file.followed = old
                if old_place := self._files.get((old.run_id, old.name)):
                    old_place.followed = FollowedFile(old.run_id, old.name)

    def _run_of(self, tree: Tree, found: FoundFile) -> RunOfTree:
        top = tree.location.rstrip("/").rpartition("/")[2] or "logs"
        project = self._project or top
        text = f"{project}\0{tree.location}\0{found.run}".encode("utf-8", "surrogateescape")
        name = top if found.run == TOP else found.run
        run_id = hashlib.blake2b(text, digest_size=16).hexdigest()
        return RunOfTree(run_id, project, name, tree.location, self._project is not None)

    def _light(self) -> Iterator[Piece]:
        """Pieces of the event files that have grown, one of each in turn."""
        new = [file for file in self._files.values() if file.found.kind == "events" and file.is_new]
        # Renamed ones first: another file may have their old name.
        waiting = deque(sorted(new, key=lambda file: file.followed.name == file.found.name))
        while waiting:
            file = waiting.popleft()
            if self._postponed.is_waiting(file):
                continue
            self._recall(file.of)
            piece = self._guarded(file, read_light)
            if piece is not None:
                yield piece
                if piece.after.size == UNREAD:
                    waiting.append(file)

    def _heavy(self) -> Iterator[Piece]:
        """What was put off of event files, and the files beside them."""
        for file in [file for file in self._files.values() if not self._postponed.is_waiting(file)]:
            if file.found.kind != "events" and file.is_new and (piece := self._guarded(file, read_beside)):
                yield piece
            while file.followed.deferred and not (file.of.removed or self._postponed.is_waiting(file)):
                self._recall(file.of)
                piece = self._guarded(file, read_deferred)
                if piece is None:
                    break
                yield piece

    def _guarded(self, file: TreeFile, read: Callable[[TreeFile], Piece | None]) -> Piece | None:
        """What is read of a file; None while it cannot be, which is no trouble for other files."""
        try:
            return read(file)
        except Exception as error:
            self._postponed.add(file, error)
            return None

    def _recall(self, known: KnownRun) -> None:
        """Learn from the store for which plugins the tags of a run are that was read before."""
        if not known.recalled:
            known.summaries.plugins.update(plugins_of(self._store.series(known.run.id)))
            known.recalled = True

    def _take_in(self, pieces: Iterator[Piece], until: float) -> bool:
        """Store what was read, some of it at a time; True if time was up before all was."""
        group: list[Piece] = []
        points, begun = 0, time.monotonic()
        for piece in pieces:
            group.append(piece)
            self._file_of(piece).followed = piece.after
            points += piece.contents.point_count
            if points > _TRANSACTION_POINTS or time.monotonic() - begun > _TRANSACTION_S:
                self._store_group(group)
                group, points, begun = [], 0, time.monotonic()
                if begun > until:
                    return True
        self._store_group(group)
        return time.monotonic() > until

    def _store_group(self, group: Sequence[Piece]) -> None:
        if not group:
            return
        try:
            take_in(self._store, group)
        except (FollowedElsewhere, RunRemoved) as error:
            self._reload({piece.run.id for piece in group}, error)
        except Exception as error:
            for piece in reversed(group):
                self._file_of(piece).followed = piece.before
            if isinstance(error, StoreUnavailable):
                raise
            self._store_one_by_one(group, error)
        else:
            for piece in group:
                self._postponed.forget(self._file_of(piece))
                self._count(piece)

    def _store_one_by_one(self, group: Sequence[Piece], error: Exception) -> None:
        """One of these pieces cannot be stored: its file must not hold up all others."""
        if len(group) == 1:
            self._postponed.add(self._file_of(group[0]), error)
            return
        for piece in group:
            file = self._file_of(piece)
            if file.followed is piece.before and not self._postponed.is_waiting(file):
                file.followed = piece.after
                self._store_group([piece])

    def _file_of(self, piece: Piece) -> TreeFile:
        return self._files[piece.run.id, piece.after.name]

    def _reload(self, run_ids: set[str], error: Exception) -> None:
        """Learn again how far runs are: somebody else reads them, too, or removed one."""
        if isinstance(error, RunRemoved):
            self._runs[error.run_id].removed = True
            log.warning("run %s was removed from the store; its files are left alone", error.run_id)
        with self._store.reading() as connection:
            known = {(file.run_id, file.name): file for file in read_followed(connection, list(run_ids))}
        for key, file in self._files.items():
            if key[0] in run_ids:
                file.followed = known.pop(key, None) or FollowedFile(*key)
        self._find_renamed(list(known.values()))

    def _count(self, piece: Piece) -> None:
        told, contents = self.progress, piece.contents
        told.points += contents.point_count
        told.records += len(contents.records)
        for damage in contents.damage:
            told.damage.append(f"{piece.path}, bytes {damage.start:,} to {damage.stop:,}: {damage.reason}")
            log.warning("%s", told.damage[-1])

    def _tell_progress(self) -> None:
        files = self._files.values()
        self.progress.runs = len({file.of.run.id for file in files})
        self.progress.files = len(files)
        self.progress.total_bytes = sum(file.found.size for file in files)
        self.progress.bytes = sum(file.bytes_read for file in files)

    def _stay_alive(self) -> None:
        """Say of runs whose files grew lately that they go on, though nothing may have been written."""
        if time.monotonic() - self._heard_at < _HEARTBEAT_S:
            return
        self._heard_at = time.monotonic()
        since = time.time() - LIVE_S
        alive = {file.of.run.id for file in self._files.values() if file.found.modified > since}
        if alive:
            these = runs.c.run_id.in_(alive) & (runs.c.status == "finishing")
            write(self._store, lambda to: to.execute(update(runs).where(these).values(updated_at=now(to))))
