"""A trace as the viewer takes it: gzipped JSON.

speedscope gives up on a trace whose processes and threads are not all numbers, as in all traces of
``torch.profiler``, on one that was cut off, and loses its way where a span ends a billionth of a second
after the one around it. It stands still for half a minute over 200,000 spans.
"""

from __future__ import annotations

import gzip
import heapq
import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any, NamedTuple

MAX_DRAWN = 60_000
"""Of more spans, the longest are drawn."""
LONGEST_NAME = 300
_MARKS = frozenset({"B", "E"})
_NAMES = frozenset({"process_name", "thread_name"})

_Place = tuple[str, str]
"""A process and a thread, as the trace names them."""


class _Span(NamedTuple):
    duration: float
    start: float
    name: str
    place: _Place


class Drawing:
    """Takes the events of a trace one by one, and keeps of them what is drawn."""

    def __init__(self) -> None:
        self._longest: list[_Span] = []
        self._marks: dict[_Place, list[dict[str, Any]]] = defaultdict(list)
        self._names: dict[tuple[str, _Place], str] = {}

    def add(self, event: dict[str, Any]) -> None:
        """Take an event."""
        phase, name = event.get("ph"), event.get("name")
        if not isinstance(name, str):
            return
        place = str(event.get("pid")), str(event.get("tid"))
        if phase == "X" and is_time(event.get("ts")) and is_time(event.get("dur")):
            span = _Span(float(event["dur"]), float(event["ts"]), name[:LONGEST_NAME], place)
            push = heapq.heappush if len(self._longest) < MAX_DRAWN else heapq.heappushpop
            push(self._longest, span)
        elif phase in _MARKS and is_time(event.get("ts")):
            self._marks[place].append({"ph": phase, "name": name[:LONGEST_NAME], "ts": event["ts"]})
        elif phase == "M" and name in _NAMES and isinstance(event.get("args"), dict):
            self._names[name, place] = str(event["args"].get("name", ""))[:LONGEST_NAME]

    def events(self) -> list[dict[str, Any]]:
        """Begins and ends of what took time, by thread, the busiest process and thread first; their names."""
        threads: dict[_Place, list[_Span]] = defaultdict(list)
        for span in self._longest:
            threads[span.place].append(span)
        places = {*threads, *self._marks}
        busy = Counter({place: len(threads[place]) + len(self._marks[place]) for place in places})
        return [
            event | numbers
            for place, numbers in _numbered(busy)
            for event in (*_named(place, self._names), *self._marks[place], *_nested(threads[place]))
        ]

    def gzipped(self) -> bytes:
        """These events as a file in Chrome's format."""
        return gzip.compress(json.dumps({"traceEvents": self.events()}).encode(), 1)


def _numbered(busy: Counter[_Place]) -> Iterator[tuple[_Place, dict[str, int]]]:
    """Threads with numbers of their own, in an order that the viewer keeps."""
    processes: Counter[str] = Counter()
    for (process, _), count in busy.items():
        processes[process] += count
    order = {process: number for number, (process, _) in enumerate(processes.most_common())}
    for number, (place, _) in enumerate(busy.most_common()):
        yield place, {"pid": order[place[0]], "tid": number}


def _named(place: _Place, names: dict[tuple[str, _Place], str]) -> Iterator[dict[str, Any]]:
    process = next(
        (told for (what, one), told in names.items() if what == "process_name" and one[0] == place[0]), ""
    )
    thread = names.get(("thread_name", place)) or f"thread {place[1]}"
    for what, told in (("process_name", process or f"process {place[0]}"), ("thread_name", thread)):
        yield {"ph": "M", "name": what, "args": {"name": told}}


def _nested(spans: list[_Span]) -> Iterator[dict[str, Any]]:
    """Each span's begin and end, none after the end of the one around it."""
    around: list[tuple[float, str]] = []
    for span in sorted(spans, key=lambda one: (one.start, -one.duration)):
        yield from _ended(around, span.start)
        end = span.start + span.duration
        yield {"ph": "B", "name": span.name, "ts": span.start}
        around.append((min(end, around[-1][0]) if around else end, span.name))
    yield from _ended(around, float("inf"))


def _ended(around: list[tuple[float, str]], now: float) -> Iterator[dict[str, Any]]:
    """Take away what is over at a time, the innermost first."""
    while around and around[-1][0] <= now:
        end, name = around.pop()
        yield {"ph": "E", "name": name, "ts": end}


def is_time(value: Any) -> bool:
    """Whether a value can be a time, in microseconds."""
    return type(value) in (int, float) and 0 <= value < 1e18
