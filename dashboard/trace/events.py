"""The events of a trace as spans of time, each within the one around it."""

from __future__ import annotations

import resource
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from .content import BadTrace, Content
from .timeline import Drawing, is_time

MAX_MEMORY = 3 << 30
XPLANE = "xplane"
"""The argument of ``trace.summary`` that says that it is given such a profile."""
_DEVICE_CATEGORIES = frozenset({"kernel", "gpu_memcpy", "gpu_memset"})
_KNOWN = ("External id", "Sequence number")
"""What of the arguments of a span is asked for: there are many spans."""
_APART = frozenset({"python_function", "Trace", "overhead", "gpu_user_annotation", "ac2g", "async_gpu"})
"""Categories that tell the same time once more, or none of the program's."""


@dataclass(eq=False, slots=True)
class Span:
    """Something that took a while: times in microseconds; ``own`` is less what ran within it."""

    name: str
    category: str
    start: float
    duration: float
    args: dict[str, Any]
    is_device: bool
    parent: Span | None = None
    own: float = 0.0
    device: float = 0.0
    """Time of a device's kernels that it started by itself."""
    allocated: int = 0
    """Bytes, less what was freed."""


@dataclass
class Timeline:
    """Spans by thread in the order in which they began, each with the one around it; instants; a note."""

    spans: list[Span] = field(default_factory=list)
    threads: dict[tuple[Any, Any], list[Span]] = field(default_factory=dict)
    instants: list[dict[str, Any]] = field(default_factory=list)
    total: int = 0
    """Spans in the trace, with those that tell the same time once more."""
    note: str = ""


def read(events: Content, drawing: Drawing) -> Timeline:
    """The timeline of a trace; of one that ends early, as far as it goes. Raises ``BadTrace``.

    ``drawing`` is given each event as it comes: they are too many to be held, or to be parsed twice.
    """
    timeline = _timeline((event for event in events if isinstance(event, dict)), drawing)
    timeline.note = events.note
    if not timeline.spans:
        raise BadTrace("This trace holds no events that took time.")
    return timeline


def limit_memory() -> None:
    """Let this process take no more than ``MAX_MEMORY``."""
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))


def _timeline(events: Iterable[dict[str, Any]], drawing: Drawing) -> Timeline:
    timeline = Timeline()
    threads: dict[tuple[Any, Any], list[Span]] = defaultdict(list)
    devices: set[Any] = set()
    for event in events:
        drawing.add(event)
        phase, name = event.get("ph"), event.get("name")
        given = event.get("args")
        args: dict[str, Any] = given if isinstance(given, dict) else {}
        if phase == "M" and name == "process_name" and str(args.get("name")).startswith("/device:GPU"):
            devices.add(_key(event.get("pid")))
        elif phase == "i" and is_time(event.get("ts")):
            timeline.instants.append(event)
        elif (
            phase == "X" and isinstance(name, str) and is_time(event.get("ts")) and is_time(event.get("dur"))
        ):
            timeline.total += 1
            category = str(event.get("cat", ""))
            if category in _APART or name.startswith("$"):
                continue
            is_device = category in _DEVICE_CATEGORIES or _key(event.get("pid")) in devices
            known = {one: args[one] for one in _KNOWN if one in args}
            span = Span(name, category, float(event["ts"]), float(event["dur"]), known, is_device)
            threads[_key(event.get("pid")), _key(event.get("tid"))].append(span)
    for spans in threads.values():
        spans.sort(key=lambda span: (span.start, -span.duration))
        timeline.spans += _nested(spans)
    timeline.threads = dict(threads)
    return timeline


def _nested(spans: list[Span]) -> Iterator[Span]:
    """Each span with the one that it began and ended within, and the time that it spent by itself."""
    around: list[Span] = []
    for span in spans:
        end = span.start + span.duration
        while around and around[-1].start + around[-1].duration < end - 1e-3:
            around.pop()
        span.own = span.duration
        if around:
            span.parent = around[-1]
            span.parent.own -= span.duration
        around.append(span)
        yield span


def _key(name: Any) -> Any:
    return name if isinstance(name, int | str) else str(name)
