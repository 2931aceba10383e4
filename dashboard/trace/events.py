"""The events of a trace in Chrome's format, from bytes that may be damaged, bounded in size."""

from __future__ import annotations

import json
import resource
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from . import xplane

MAX_BYTES = 128 << 20
"""So much of unpacked JSON is looked into: as objects it takes about ten times as much memory."""

MAX_XPLANE = 32 << 20
"""A profile of XLA is a fifth to a third as large as the JSON that says the same."""

MAX_MEMORY = 3 << 30
XPLANE = "xplane"
"""The argument of the programs of this package that says that they are given such a profile."""
_PIECE = 1 << 20
_DEVICE_CATEGORIES = frozenset({"kernel", "gpu_memcpy", "gpu_memset"})
_APART = frozenset({"python_function", "Trace", "overhead", "gpu_user_annotation", "ac2g", "async_gpu"})
"""Categories that tell the same time once more, or none of the program's."""


class BadTrace(ValueError):
    """A trace that cannot be looked into; the message says why, and what still can be done."""


@dataclass(eq=False)
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
    note: str = ""


def unpacked(gzipped: bytes) -> tuple[bytes, bool]:
    """What is gzipped, and whether all of it is there. Raises ``BadTrace`` for more than ``MAX_BYTES``."""
    unpacker = zlib.decompressobj(wbits=31)
    parts: list[bytes] = []
    size = 0
    data = gzipped
    try:
        while data and not unpacker.eof:
            part = unpacker.decompress(data, _PIECE)
            data = unpacker.unconsumed_tail
            size += len(part)
            if size > MAX_BYTES:
                raise BadTrace(
                    f"This trace is larger than {MAX_BYTES >> 20} MB when unpacked: too large to be "
                    "summed up here. Save it, or profile fewer steps; the timeline may still open."
                )
            parts.append(part)
    except zlib.error as error:
        if not parts:
            raise BadTrace("This trace is damaged: its bytes are not gzipped.") from error
        return b"".join(parts), False
    return b"".join(parts), unpacker.eof


def events_of(content: bytes, is_xplane: bool = False) -> tuple[list[Any], bool]:
    """The events of gzipped JSON or a profile of XLA, and whether it was whole. Raises ``BadTrace``."""
    if not is_xplane:
        text, is_whole = unpacked(content)
        events, is_parsed = parsed(text)
        return events, is_whole and is_parsed
    if len(content) > MAX_XPLANE:
        raise BadTrace(f"This profile is larger than {MAX_XPLANE >> 20} MB: too large to be summed up here.")
    try:
        return list(xplane.events(content)), True
    except xplane.BadProfile as error:
        raise BadTrace(f"This profile is damaged: {error}.") from error


def read(content: bytes, is_xplane: bool = False) -> Timeline:
    """The timeline of a trace; of one that ends early, as far as it goes. Raises ``BadTrace``."""
    events, is_whole = events_of(content, is_xplane)
    timeline = _timeline(event for event in events if isinstance(event, dict))
    if not is_whole:
        timeline.note = "This trace ends early; what is there is shown."
    if not timeline.spans:
        raise BadTrace("This trace holds no events that took time.")
    return timeline


def limit_memory() -> None:
    """Let this process take no more than ``MAX_MEMORY``."""
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))


def parsed(text: bytes) -> tuple[list[Any], bool]:
    """The events of a trace, and whether it was whole. Raises ``BadTrace``."""
    if not text.strip():
        raise BadTrace("This trace is empty.")
    for candidate, is_whole in ((text, True), (_mended(text), False)):
        try:
            found = json.loads(candidate)
        except (ValueError, RecursionError):
            continue
        events = found.get("traceEvents") if isinstance(found, dict) else found
        if isinstance(events, list):
            return events, is_whole
        raise BadTrace("This is JSON, but not a trace: it has no list of traceEvents.")
    raise BadTrace("This trace is not JSON that can be read.")


def _mended(text: bytes) -> bytes:
    """A trace that was cut off, closed after its last whole event."""
    cut = text[: text.rfind(b"},") + 1]
    return cut + (b"]}" if text.lstrip()[:1] == b"{" else b"]")


def _timeline(events: Iterable[dict[str, Any]]) -> Timeline:
    timeline = Timeline()
    threads: dict[tuple[Any, Any], list[Span]] = defaultdict(list)
    devices: set[Any] = set()
    for event in events:
        phase, name = event.get("ph"), event.get("name")
        given = event.get("args")
        args: dict[str, Any] = given if isinstance(given, dict) else {}
        if phase == "M" and name == "process_name" and str(args.get("name")).startswith("/device:GPU"):
            devices.add(_key(event.get("pid")))
        elif phase == "i" and _is_time(event.get("ts")):
            timeline.instants.append(event)
        elif (
            phase == "X"
            and isinstance(name, str)
            and _is_time(event.get("ts"))
            and _is_time(event.get("dur"))
        ):
            category = str(event.get("cat", ""))
            if category in _APART or name.startswith("$"):
                continue
            is_device = category in _DEVICE_CATEGORIES or _key(event.get("pid")) in devices
            span = Span(name, category, float(event["ts"]), float(event["dur"]), args, is_device)
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


def _is_time(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e18
