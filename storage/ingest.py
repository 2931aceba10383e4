"""Take a spool's frames into the store, each exactly once."""

from __future__ import annotations

import json
import logging
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, bindparam, insert, select, update

from .append import append_points
from .chunks import Columns
from .endings import SPOOL_ENDINGS, Other, abandoned, others_of
from .engine import now, update_rows
from .errors import SpoolGap
from .frame_reader import Content, Message, read_frames
from .frames import FRAME_SIZE, FrameType
from .kinds import KINDS
from .kinds.base import Encoded
from .records import Arrived, append_records, store_blobs
from .run_rows import apply_message, load_run, save_run, to_rank, to_run_id
from .schema import clean_text, runs, spools
from .series import SeriesKey
from .sinks import Stored
from .transactions import write

if TYPE_CHECKING:
    from .store import Store

log = logging.getLogger(__name__)
_Records = dict[SeriesKey, list[Arrived]]
# Built once: building a query takes longer than SQLite takes to answer it.
_SPOOL = select(spools).where(spools.c.run_id == bindparam("run"), spools.c.spool_id == bindparam("spool"))
_NONSENSE = (ValueError, TypeError, KeyError, AttributeError, RecursionError)


class Ingest:
    """One spool's way into a store. For one thread at a time; get one from ``store.ingest``."""

    def __init__(self, store: Store, spool_id: str) -> None:
        self.spool_id = clean_text(spool_id)
        self._store = store
        self._rank = 0
        self._segment = -1
        self._known_to = 0
        self._keys: dict[int, SeriesKey] = {}
        self._run_id = self._stored_run() or self.spool_id

    def feed(self, segment: int, data: bytes | bytearray | memoryview, offset: int) -> int:
        """Take in the frames of ``data``, which begins at byte ``offset`` of a segment.

        Returns the offset of the first byte not consumed: feed again from there when there is more.
        Frames the store has already are not applied again, so feeding a segment again from 0 is always
        safe; a new ``Ingest`` must, to learn its series. All but blobs is written in one transaction with
        the new position: after any exception nothing was. Raises ``SpoolGap`` if bytes were skipped, and
        ``StoreUnavailable``.
        """
        self._enter(segment, offset)
        content = self._learn(read_frames(data))
        records, unreadable = self._group_records(content.messages)
        content = content.with_damage(unreadable)
        end = offset + content.consumed * FRAME_SIZE
        if content.consumed:
            store_blobs(self._store, records)
            write(self._store, lambda to: self._apply(to, segment, offset, content, records))
        self._known_to = max(self._known_to, end)
        return end

    def stored(self) -> Stored:
        """How far the spool is in the store."""
        with self._store.reading() as connection:
            query = select(spools.c.segment, spools.c.position).where(spools.c.spool_id == self.spool_id)
            row = connection.execute(query).first()
        segment, position = (row.segment, row.position) if row else (0, 0)
        known_to = self._known_to if segment == self._segment else 0
        return Stored(segment, position, min(known_to, position))

    def heartbeat(self) -> None:
        """Say that the program lives, though it has nothing to say."""
        mine = runs.c.run_id == self._run_id
        write(self._store, lambda to: to.execute(update(runs).where(mine).values(updated_at=now(to))))

    def abandon(self) -> None:
        """Say that the program is dead: unless it said how it ended, its run was killed."""
        if self._stored_run() is None:
            return  # it died before it said which run this was
        write(self._store, self._end_run)

    def _stored_run(self) -> str | None:
        with self._store.reading() as connection:
            query = select(spools.c.run_id).where(spools.c.spool_id == self.spool_id)
            return connection.scalar(query)

    def _end_run(self, connection: Connection) -> None:
        run = load_run(connection, self._run_id)
        spool = self._load_spool(connection)
        if spool["finished"]:
            return
        spool["finished"] = SPOOL_ENDINGS.index("killed")
        run |= abandoned(run, others_of(connection, self._run_id, self.spool_id))
        save_run(connection, run)
        update_rows(connection, spools, [spool])

    def _enter(self, segment: int, offset: int) -> None:
        if segment != self._segment:
            self._segment, self._known_to = segment, 0
            self._keys = {}
        if offset > self._known_to:
            raise SpoolGap(
                f"Spool '{self.spool_id}', segment {segment}: fed from byte {offset} after {self._known_to}."
            )

    def _learn(self, content: Content) -> Content:
        """Note whose spool this is and its series; messages that make no sense count as damaged."""
        nonsense: list[int] = []
        for message in content.messages:
            try:
                if message.type is FrameType.OPEN:
                    opened = json.loads(message.payload)
                    self._run_id, self._rank = to_run_id(opened["run"]), to_rank(opened.get("rank", 0))
                elif message.type is FrameType.SERIES:
                    declared = json.loads(message.payload)
                    self._keys[message.series] = SeriesKey(
                        self._rank, clean_text(declared["kind"]), clean_text(declared["tag"])
                    )
            except _NONSENSE:
                nonsense.append(message.at)
        return content.with_damage(nonsense)

    def _apply(
        self, connection: Connection, segment: int, offset: int, content: Content, records: _Records
    ) -> None:
        run = load_run(connection, self._run_id)
        spool = self._load_spool(connection)
        stored = (spool["segment"], spool["position"])
        if offset and stored < (segment, offset):
            raise SpoolGap(
                f"Spool '{self.spool_id}' was fed from segment {segment}, byte {offset}; the store has it to "
                f"segment {stored[0]}, byte {stored[1]}."
            )
        end = (segment, offset + content.consumed * FRAME_SIZE)
        if end <= stored:
            return
        if segment == stored[0]:
            first = (stored[1] - offset) // FRAME_SIZE
            content, records = content.since(first), _since(records, first)
        spool |= {"segment": end[0], "position": end[1]}
        self._write(connection, run, spool, content, records)

    def _write(
        self,
        connection: Connection,
        run: dict[str, Any],
        spool: dict[str, Any],
        content: Content,
        records: _Records,
    ) -> None:
        """Apply what is new. The run's row comes first: all others refer to it."""
        nonsense = self._tell_run(connection, run, spool, content.messages)
        points, strays = self._group_points(content.scalars, content.scalars_at)
        damaged = len(content.with_damage([*nonsense, *strays]).damaged_at)
        if damaged:
            log.warning(
                "spool %s, segment %d: %d damaged parts left out", self.spool_id, self._segment, damaged
            )
        run["damaged"] += damaged
        spool["damaged"] += damaged
        save_run(connection, run)
        append_points(connection, self._run_id, points)
        append_records(connection, self._run_id, records)
        update_rows(connection, spools, [spool])

    def _tell_run(
        self, connection: Connection, run: dict[str, Any], spool: dict[str, Any], messages: list[Message]
    ) -> list[int]:
        """Apply RUN, UPDATE and FINISH; returns where the ones that make no sense were."""
        nonsense: list[int] = []
        others: list[Other] = []
        if any(message.type is FrameType.FINISH for message in messages):
            others = others_of(connection, self._run_id, self.spool_id)
        for message in messages:
            if message.type not in (FrameType.RUN, FrameType.UPDATE, FrameType.FINISH):
                continue
            try:
                told = json.loads(message.payload)
                apply_message(run, message.type, told, self._rank, others)
                if message.type is FrameType.FINISH:
                    spool["finished"] = SPOOL_ENDINGS.index(told["status"])
            except _NONSENSE:
                nonsense.append(message.at)
        return nonsense

    def _group_points(
        self, scalars: NDArray[np.void], at: NDArray[np.intp]
    ) -> tuple[dict[SeriesKey, Columns], list[int]]:
        """Points by series; and where points are that no scalar series can hold."""
        numbers = scalars["series"]
        if not len(numbers):
            return {}, []
        # Numpy's stable sort of 16-bit integers is a radix sort, many times quicker than the other.
        narrow = numbers.astype(np.uint16) if numbers.max() < 1 << 16 else numbers
        order = np.argsort(narrow, kind="stable")
        ordered = scalars[order]
        starts = np.flatnonzero(np.diff(ordered["series"], prepend=ordered["series"][0] + 1))
        parts: dict[SeriesKey, list[Columns]] = defaultdict(list)
        strays: list[int] = []
        whole = Columns(*(np.ascontiguousarray(ordered[name]) for name in ("step", "wall", "value")))
        stops = [*starts[1:].tolist(), len(ordered)]
        for number, start, stop in zip(
            ordered["series"][starts].tolist(), starts.tolist(), stops, strict=True
        ):
            key = self._key(number)
            if key.kind in KINDS and KINDS[key.kind].stored == "records":
                strays.append(int(at[order[start]]))
                continue
            parts[key].append(whole.take(slice(start, stop)))
        return {key: Columns.concatenate(some) for key, some in parts.items()}, strays

    def _group_records(self, messages: list[Message]) -> tuple[_Records, list[int]]:
        """Records by series; and where the ones are that cannot be read or have no series."""
        arrived: _Records = defaultdict(list)
        unreadable: list[int] = []
        for message in messages:
            if message.type is not FrameType.RECORD:
                continue
            key = self._keys.get(message.series)
            try:
                encoded = Encoded.from_bytes(message.payload)
            except Exception:
                encoded = None
            if key is None or encoded is None or key.kind in KINDS and KINDS[key.kind].stored == "chunks":
                unreadable.append(message.at)
            else:
                place = (message.at, message.step, message.wall)
                arrived[key].append(Arrived.of(key.kind, *place, encoded))
        return arrived, unreadable

    def _key(self, number: int) -> SeriesKey:
        """The series of this number; if its declaration was damaged, one by a made-up name."""
        tag = f"undeclared/{self.spool_id}/{self._segment}/{number}"
        return self._keys.get(number) or SeriesKey(self._rank, "scalar", tag)

    def _load_spool(self, connection: Connection) -> dict[str, Any]:
        """The row of this spool, made if need be."""
        row = connection.execute(_SPOOL, {"run": self._run_id, "spool": self.spool_id}).mappings().first()
        if row is not None:
            return dict(row)
        empty = {"segment": 0, "position": 0, "damaged": 0, "finished": 0}
        new = {"run_id": self._run_id, "spool_id": self.spool_id, "rank": self._rank, **empty}
        connection.execute(insert(spools), new)
        return new


def _since(records: _Records, frame: int) -> _Records:
    """Only the records that are said at or after this frame."""
    later = {key: [item for item in items if item.at >= frame] for key, items in records.items()}
    return {key: items for key, items in later.items() if items}
