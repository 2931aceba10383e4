"""A trace summed up: ``python -m trainboard.dashboard.trace.summary`` reads one and writes a line of JSON.

Before it come lines that say which share is read, behind it the timeline, gzipped. It runs as a process of
its own, with bounds on memory and time: a trace is large, Python takes one thing at a time, and a server
must not stand still for it, let alone die.
"""

from __future__ import annotations

import gc
import json
import re
import sys
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from .content import BadTrace, Content
from .events import XPLANE, Span, Timeline, limit_memory, read
from .layers import by_layer
from .timeline import LONGEST_NAME, MAX_DRAWN, Drawing

MAX_OPERATORS = 100
MAX_PLACES = 600
_TENSORFLOW = re.compile(r"([^:]+):([A-Za-z_]\w*)")
"""A place in the graph and a type: ``model/dense/MatMul:MatMul``."""


def main() -> None:
    """Sum up the trace of standard input: gzipped, or a profile of XLA if that is the argument."""
    limit_memory()
    # Millions of spans are kept to the end: to look through them for garbage took a fifth of the time.
    gc.disable()
    drawing = Drawing()
    try:
        told = summarize(Content(sys.stdin.buffer.read(), sys.argv[1:] == [XPLANE], _tell), drawing)
    except BadTrace as error:
        told = {"problem": str(error)}
    except MemoryError:
        told = {"problem": "This trace is too large to be summed up here. Save it, or profile fewer steps."}
    sys.stdout.buffer.write(json.dumps(told).encode() + b"\n" + drawing.gzipped())


def _tell(share: float) -> None:
    print(json.dumps({"share": share}), flush=True)


def summarize(content: Content, drawing: Drawing) -> dict[str, Any]:
    """Top operators, layers and memory. Times are in microseconds. Raises ``BadTrace``.

    ``drawing`` gets the events, too.
    """
    timeline = read(content, drawing)
    _give_kernels_to_operations(timeline)
    curves = _memory(timeline)
    begin = min(span.start for span in timeline.spans)
    end = max(span.start + span.duration for span in timeline.spans)
    return {
        "note": timeline.note,
        "events": len(timeline.spans),
        "left_out": max(timeline.total - MAX_DRAWN, 0),
        "duration": end - begin,
        "operators": _operators(timeline),
        "layers": by_layer(timeline),
        "memory": curves,
    }


def _give_kernels_to_operations(timeline: Timeline) -> None:
    """A kernel's time goes to the operation that launched it, which PyTorch's trace names by an id."""
    operations = {
        span.args["External id"]: span
        for span in timeline.spans
        if span.category == "cpu_op" and isinstance(span.args.get("External id"), int)
    }
    for span in timeline.spans:
        launcher = operations.get(span.args.get("External id")) if span.is_device else None
        if launcher is not None:
            launcher.device += span.duration


def _operators(timeline: Timeline) -> list[dict[str, Any]]:
    """By name and where it ran: calls, time with and without what ran within, on the device, memory."""
    rows: dict[tuple[str, bool], dict[str, Any]] = {}
    is_tensorflow = any(_is_tensorflow(span) for span in timeline.spans)
    for span in timeline.spans:
        if span.category == "user_annotation":
            continue
        if is_tensorflow and not (span.is_device or _is_tensorflow(span)):
            continue  # TensorFlow's runtime, which mostly waits for its operations
        name = _operation(span)
        row = rows.setdefault(
            (name, span.is_device),
            {"name": name, "where": "GPU" if span.is_device else "CPU", "calls": 0}
            | dict.fromkeys(("own", "total", "device", "allocated"), 0),
        )
        row["calls"] += 1
        row["own"] += max(span.own, 0.0)
        row["device"] += span.device
        row["allocated"] += span.allocated
        if all(_operation(outer) != name for outer in _around(span)):
            row["total"] += span.duration
    ordered = sorted(rows.values(), key=lambda row: -row["own"])[:MAX_OPERATORS]
    return [row | {"name": row["name"][:LONGEST_NAME]} for row in ordered]


def _is_tensorflow(span: Span) -> bool:
    return not span.category and _TENSORFLOW.fullmatch(span.name) is not None


def _operation(span: Span) -> str:
    """The name of an operation; of TensorFlow's its type."""
    return span.name.rpartition(":")[2] if _is_tensorflow(span) else span.name


def _around(span: Span) -> Iterator[Span]:
    while span.parent is not None:
        span = span.parent
        yield span


def _memory(timeline: Timeline) -> list[dict[str, Any]]:
    """Allocated bytes over time for each device, at most ``MAX_PLACES`` places, each its greatest value."""
    found: dict[str, list[tuple[float, int]]] = defaultdict(list)
    for event in timeline.instants:
        args = event.get("args")
        if event.get("name") != "[memory]" or not isinstance(args, dict):
            continue
        total, change = args.get("Total Allocated"), args.get("Bytes")
        if isinstance(total, int) and isinstance(change, int):
            device = "CPU" if args.get("Device Type") == 0 else f"GPU {args.get('Device Id')}"
            found[device].append((float(event["ts"]), total))
            _give_to_operation(timeline, event, change)
    begin = min(span.start for span in timeline.spans)
    return [_curve(device, sorted(points), begin) for device, points in sorted(found.items())]


def _give_to_operation(timeline: Timeline, event: dict[str, Any], change: int) -> None:
    """The innermost operation that ran where and when memory was taken or given back."""
    spans = timeline.threads.get((event.get("pid"), event.get("tid")), [])
    at = bisect_right(spans, event["ts"], key=lambda span: span.start) - 1
    span = spans[at] if at >= 0 else None
    while span is not None and span.start + span.duration < event["ts"]:
        span = span.parent
    if span is not None:
        span.allocated += change


def _curve(device: str, points: list[tuple[float, int]], begin: float) -> dict[str, Any]:
    size = -(-len(points) // MAX_PLACES)
    places = [max(points[at : at + size], key=lambda one: one[1]) for at in range(0, len(points), size)]
    return {
        "device": device,
        "time": [time - begin for time, _ in places],
        "bytes": [total for _, total in places],
        "peak": max(total for _, total in points),
    }


if __name__ == "__main__":
    main()
