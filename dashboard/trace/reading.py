"""Summaries and timelines of traces, made once, by a process of its own that may take so much and so long."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections import OrderedDict
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, NamedTuple

from ..cards.record import Shown, digest
from ..cards.trace import file
from .events import XPLANE

if TYPE_CHECKING:
    from ...storage import Record, Store

KEPT = 16
"""A timeline of many spans takes a megabyte or two."""
MAX_TRACES = 200
MAX_GZIPPED = 256 << 20
SECONDS = 60.0


class LookedInto(NamedTuple):
    """What a trace says, and its timeline as the viewer takes it, gzipped; empty if there is none."""

    summary: dict[str, Any]
    timeline: bytes = b""


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
        self._kept: OrderedDict[str, LookedInto] = OrderedDict()
        self._turn = threading.Lock()

    def read(self, run_id: str, tag: str, rank: int, index: int) -> dict[str, Any]:
        """What a trace says, as ``trace.summary.summarize``, or its ``problem`` in words; its name, size and
        address. Raises ``IndexError`` if there is no such trace."""
        record, kind, content = self._find(run_id, tag, rank, index)
        name = record.value.name if kind == "trace" else PurePosixPath(tag).name
        told = {"name": name, "size": len(content), "step": record.step}
        if kind == "trace" and file(record.value) is None:
            return told | {"problem": "This trace is damaged: its bytes are not gzipped."}
        told["url"] = Shown(index, record, kind, run_id, tag, rank).url(content)
        told["file"] = f"step-{record.step}.json.gz" if kind == "trace" else name
        if len(content) > MAX_GZIPPED:
            size, limit = len(content) >> 20, MAX_GZIPPED >> 20
            words = f"This trace has {size:,} MB; up to {limit} MB are summed up. Save it to look at it."
            return told | {"problem": words}
        return told | self._look_into(content, kind).summary

    def timeline(self, run_id: str, tag: str, rank: int, index: int) -> bytes:
        """A trace as the viewer takes it, gzipped; as it was logged where that cannot be made.

        Raises ``IndexError`` if there is no such trace.
        """
        _, kind, content = self._find(run_id, tag, rank, index)
        return self._look_into(content, kind).timeline or content

    def _find(self, run_id: str, tag: str, rank: int, index: int) -> tuple[Record, str, bytes]:
        """A record, its kind, and the bytes of the trace that it holds."""
        if _is_xplane(tag):
            record = self._store.record_at(run_id, tag, "raw", index, rank=rank)
            return record, "raw", record.value.data
        record = self._store.record_at(run_id, tag, "trace", index, rank=rank)
        return record, "trace", record.value.gzipped

    def _look_into(self, content: bytes, kind: str) -> LookedInto:
        name = digest(content)
        with self._turn:
            if name not in self._kept:
                self._kept[name] = _look_into(content, kind)
                while len(self._kept) > KEPT:
                    self._kept.popitem(last=False)
            self._kept.move_to_end(name)
            return self._kept[name]


def _is_xplane(tag: str) -> bool:
    """Whether a tag is that of a profile of TensorFlow or JAX as an import of its file keeps it."""
    return tag.startswith("profile/") and tag.endswith(".xplane.pb")


def _look_into(content: bytes, kind: str) -> LookedInto:
    command = [sys.executable, "-m", "trainboard.dashboard.trace.summary"]
    command += [XPLANE] if kind == "raw" else []
    try:
        run = subprocess.run(command, input=content, capture_output=True, timeout=SECONDS, check=True)
        summary, _, timeline = run.stdout.partition(b"\n")
        return LookedInto(json.loads(summary), timeline)
    except subprocess.TimeoutExpired:
        return LookedInto(
            {"problem": f"Looking into this trace took more than {SECONDS:.0f} s; it was given up."}
        )
    except (subprocess.CalledProcessError, ValueError):
        return LookedInto({"problem": "This trace could not be summed up; the timeline may still open."})
