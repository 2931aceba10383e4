"""A trace as the viewer takes it: ``python -m trainboard.dashboard.trace.timeline``, gzipped JSON.

speedscope gives up on a trace whose processes and threads are not all numbers, as in all traces of
``torch.profiler``, and on one that was cut off.
"""

from __future__ import annotations

import gzip
import json
import sys
from typing import Any

from .events import XPLANE, events_of, limit_memory

_DRAWN = frozenset({"X", "B", "E"})
_FIRST_NUMBER = 2**31
"""Beyond all that a system gives its processes and threads."""


def main() -> None:
    """Make one of the trace of standard input, gzipped, or a profile of XLA if that is the argument.

    Ends with a status that is not 0 if it is none.
    """
    limit_memory()
    events, _ = events_of(sys.stdin.buffer.read(), sys.argv[1:] == [XPLANE])
    told = json.dumps({"traceEvents": drawable(events)}).encode()
    sys.stdout.buffer.write(gzip.compress(told, 1))


def drawable(events: list[Any]) -> list[dict[str, Any]]:
    """The events that take time, with numbers for processes and threads, and the names of those."""
    numbers: dict[Any, int] = {}
    drawn = [_plain(event, numbers) for event in events if _is(event, _DRAWN)]
    processes = {event["pid"] for event in drawn}
    names = [event | _place(event, numbers) for event in events if _is(event, frozenset({"M"}))]
    return [*(event for event in names if event["pid"] in processes), *drawn]


def _is(event: Any, phases: frozenset[str]) -> bool:
    return isinstance(event, dict) and event.get("ph") in phases and isinstance(event.get("name"), str)


def _plain(event: dict[str, Any], numbers: dict[Any, int]) -> dict[str, Any]:
    """Without what an event was called with, of which the viewer shows nothing."""
    return {name: one for name, one in event.items() if name != "args"} | _place(event, numbers)


def _place(event: dict[str, Any], numbers: dict[Any, int]) -> dict[str, int]:
    return {name: _number(event.get(name), numbers) for name in ("pid", "tid")}


def _number(name: Any, numbers: dict[Any, int]) -> int:
    if isinstance(name, int):
        return name
    return numbers.setdefault(str(name), _FIRST_NUMBER + len(numbers))


if __name__ == "__main__":
    main()
