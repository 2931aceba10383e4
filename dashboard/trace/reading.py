"""Summaries and timelines of traces, made once, by a process of its own that may take so much and so long."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, wait
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, NamedTuple

from ..cards.record import Shown
from ..cards.trace import file
from .events import XPLANE

if TYPE_CHECKING:
    from ...storage import Record, Store

KEPT = 16
"""A timeline of many spans takes a megabyte or two."""
MAX_TRACES = 200
MAX_GZIPPED = 256 << 20
SECONDS = 60.0
SHOWN_AFTER = 0.5
"""Seconds after which an answer says how far the look into a trace is, instead of what it found."""


class LookedInto(NamedTuple):
    """What a trace says, and its timeline as the viewer takes it, gzipped; empty if there is none."""

    summary: dict[str, Any]
    timeline: bytes = b""


class _Look(NamedTuple):
    """A look into a trace: ``shares`` ends with how much of it is read, and is empty before its turn."""

    shares: list[float]
    made: Future[LookedInto]


def traces(store: Store, run_ids: list[str]) -> dict[str, Any]:
    """The traces of runs, newest first, at most ``MAX_TRACES``, without their contents."""
    found = []
    known = [*store.series(run_ids, "trace"), *store.series(run_ids, "raw")] if run_ids else []
    for series in known:
        if series.kind == "raw" and not _is_xplane(series.tag):
            continue
        index = store.record_index(series.run_id, series.tag, series.kind, rank=series.rank)
        for step, wall, position in zip(*(column.tolist() for column in index), strict=True):
            about = {"run": series.run_id, "tag": series.tag, "rank": series.rank}
            found.append(about | {"index": position, "step": step, "wall_time": wall})
    found.sort(key=lambda trace: trace["wall_time"], reverse=True)
    return {"traces": found[:MAX_TRACES], "total": len(found)}


class Summaries:
    """Looks into traces, one at a time, and remembers the last ones; for many threads."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._looks: OrderedDict[tuple[Any, ...], _Look] = OrderedDict()
        self._lock = threading.Lock()
        self._turn = threading.Lock()

    def read(self, run_id: str, tag: str, rank: int, index: int) -> dict[str, Any]:
        """What a trace says, as ``trace.summary.summarize``, or its ``problem`` in words; its name, size and
        address. Until that is known, which ``share`` of it is read; None before its turn has come.

        Raises ``IndexError`` if there is no such trace.
        """
        look = self._look(run_id, tag, rank, index)
        if not wait([look.made], SHOWN_AFTER).done:
            return {"share": look.shares[-1] if look.shares else None}
        return look.made.result().summary

    def timeline(self, run_id: str, tag: str, rank: int, index: int) -> bytes:
        """A trace as the viewer takes it, gzipped; as it was logged where that cannot be made.

        Raises ``IndexError`` if there is no such trace.
        """
        timeline = self._look(run_id, tag, rank, index).made.result().timeline
        return timeline or self._find(run_id, tag, rank, index)[2]

    def _look(self, *where: Any) -> _Look:
        """The look into a trace, begun if it was not; one that failed is begun again."""
        key = self._store.reopened, *where
        with self._lock:
            look = self._looks.get(key)
            if look is None or (look.made.done() and look.made.exception()):
                look = self._looks[key] = _Look([], Future())
                # No server waits for it when it stops; the process ends once nobody hears what it tells.
                threading.Thread(target=self._fulfil, args=(look, *where), daemon=True).start()
            self._looks.move_to_end(key)
            while len(self._looks) > KEPT:
                self._looks.popitem(last=False)
            return look

    def _fulfil(self, look: _Look, *where: Any) -> None:
        with self._turn:
            look.shares.append(0.0)
            try:
                look.made.set_result(self._look_into(look.shares.append, *where))
            except Exception as error:
                look.made.set_exception(error)

    def _look_into(
        self, tell: Callable[[float], None], run_id: str, tag: str, rank: int, index: int
    ) -> LookedInto:
        record, kind, content = self._find(run_id, tag, rank, index)
        name = record.value.name if kind == "trace" else PurePosixPath(tag).name
        told = {"name": name, "size": len(content), "step": record.step}
        if kind == "trace" and file(record.value) is None:
            return LookedInto(told | {"problem": "This trace is damaged: its bytes are not gzipped."})
        told["url"] = Shown(index, record, kind, run_id, tag, rank).url(content)
        told["file"] = f"step-{record.step}.json.gz" if kind == "trace" else name
        if len(content) > MAX_GZIPPED:
            size, limit = len(content) >> 20, MAX_GZIPPED >> 20
            words = f"This trace has {size:,} MB; up to {limit} MB are summed up. Save it to look at it."
            return LookedInto(told | {"problem": words})
        found = _look_into(content, kind, tell)
        return found._replace(summary=told | found.summary)

    def _find(self, run_id: str, tag: str, rank: int, index: int) -> tuple[Record, str, bytes]:
        """A record, its kind, and the bytes of the trace that it holds."""
        if _is_xplane(tag):
            record = self._store.record_at(run_id, tag, "raw", index, rank=rank)
            return record, "raw", record.value.data
        record = self._store.record_at(run_id, tag, "trace", index, rank=rank)
        return record, "trace", record.value.gzipped


def _is_xplane(tag: str) -> bool:
    """Whether a tag is that of a profile of TensorFlow or JAX as an import of its file keeps it."""
    return tag.startswith("profile/") and tag.endswith(".xplane.pb")


def _look_into(content: bytes, kind: str, tell: Callable[[float], None]) -> LookedInto:
    """What a process says of a trace: lines that ``tell`` which share of it is read, the last its summary."""
    command = [sys.executable, "-m", "trainboard.dashboard.trace.summary"]
    command += [XPLANE] if kind == "raw" else []
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL) as process:
        assert process.stdin is not None and process.stdout is not None
        until, limit = time.monotonic() + SECONDS, threading.Timer(SECONDS, process.kill)
        limit.start()
        try:
            with contextlib.suppress(BrokenPipeError):
                process.stdin.write(content)
                process.stdin.close()
            for line in process.stdout:
                told = json.loads(line)
                if "share" not in told:
                    return LookedInto(told, process.stdout.read())
                tell(told["share"])
        except ValueError:
            process.kill()
        finally:
            limit.cancel()
    if time.monotonic() >= until:
        words = f"Looking into this trace took more than {SECONDS:.0f} s; it was given up."
        return LookedInto({"problem": words})
    return LookedInto({"problem": "This trace could not be summed up; the timeline may still open."})
