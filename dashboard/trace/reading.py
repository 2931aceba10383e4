"""Summaries of traces, each made once, by a process of its own that may take so much and so long."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections import OrderedDict
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ..cards.record import Shown, digest
from ..cards.trace import file

if TYPE_CHECKING:
    from ...storage import Store

KEPT = 32
MAX_TRACES = 200
MAX_GZIPPED = 256 << 20
SECONDS = 60.0


def traces(store: Store, run_ids: list[str]) -> dict[str, Any]:
    """The traces of runs, newest first, at most ``MAX_TRACES``, without their contents."""
    found = []
    for series in store.series(run_ids, kind="trace") if run_ids else []:
        index = store.record_index(series.run_id, series.tag, "trace", rank=series.rank)
        for step, wall, position in zip(*(column.tolist() for column in index), strict=True):
            about = {"run": series.run_id, "tag": series.tag, "rank": series.rank}
            found.append(about | {"index": position, "step": step, "wall_time": wall})
    found.sort(key=lambda trace: trace["wall_time"], reverse=True)
    return {"traces": found[:MAX_TRACES], "total": len(found)}


class Summaries:
    """Makes summaries, one at a time, and remembers the last ones; for many threads."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._kept: OrderedDict[str, dict[str, Any]] = OrderedDict()
        self._turn = threading.Lock()

    def read(self, run_id: str, tag: str, rank: int, index: int) -> dict[str, Any]:
        """What a trace says, as ``trace.summary.summarize``, or its ``problem`` in words; its name, size and
        address. Raises ``IndexError`` if there is no such trace."""
        record = self._store.record_at(run_id, tag, "trace", index, rank=rank)
        content = record.value.gzipped
        told = {"name": record.value.name, "size": len(content), "step": record.step}
        if file(record.value) is None:
            return told | {"problem": "This trace is damaged: its bytes are not gzipped."}
        told["url"] = Shown(index, record, "trace", run_id, tag, rank).url(content)
        if len(content) > MAX_GZIPPED:
            size, limit = len(content) >> 20, MAX_GZIPPED >> 20
            words = (
                f"This trace has {size:,} MB gzipped; up to {limit} MB are summed up. Save it to look at it."
            )
            return told | {"problem": words}
        return told | self._summary(content)

    def timeline(self, run_id: str, tag: str, rank: int, index: int) -> bytes:
        """A trace as the viewer takes it, gzipped; as it was logged where that cannot be made.

        Raises ``IndexError`` if there is no such trace.
        """
        content = self._store.record_at(run_id, tag, "trace", index, rank=rank).value.gzipped
        with self._turn, suppress(subprocess.SubprocessError):
            return _run("timeline", content)
        return content

    def _summary(self, content: bytes) -> dict[str, Any]:
        name = digest(content)
        with self._turn:
            if name not in self._kept:
                self._kept[name] = _summed_up(content)
                while len(self._kept) > KEPT:
                    self._kept.popitem(last=False)
            self._kept.move_to_end(name)
            return self._kept[name]


def _run(program: str, content: bytes) -> bytes:
    """What a program of this package makes of a trace. Raises ``SubprocessError``."""
    command = [sys.executable, "-m", f"trainboard.dashboard.trace.{program}"]
    return subprocess.run(command, input=content, capture_output=True, timeout=SECONDS, check=True).stdout


def _summed_up(content: bytes) -> dict[str, Any]:
    try:
        return json.loads(_run("summary", content))
    except subprocess.TimeoutExpired:
        return {"problem": f"Summing this trace up took more than {SECONDS:.0f} s and was given up."}
    except (subprocess.CalledProcessError, ValueError):
        return {"problem": "This trace could not be summed up; the timeline may still open."}
