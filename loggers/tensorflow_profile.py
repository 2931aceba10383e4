"""TensorFlow's profiler, from when it is made until it is stopped."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import tensorflow as tf
from tensorflow.tsl.profiler.protobuf import xplane_pb2

_PICOSECONDS = 1e-6  # in microseconds, which Chrome's format counts in


class TensorFlowProfile:
    """Profiles the host and every device. TensorFlow allows one profile at a time."""

    def __init__(self) -> None:
        self._folder = TemporaryDirectory(prefix="trainboard-")
        tf.profiler.experimental.start(self._folder.name)

    def stop(self, folder: Path) -> Path:
        tf.profiler.experimental.stop()
        space: Any = xplane_pb2.XSpace()
        with self._folder:
            (written,) = Path(self._folder.name).rglob("*.xplane.pb")
            space.ParseFromString(written.read_bytes())
        path = folder / "trace.json"
        path.write_text(json.dumps({"traceEvents": list(_events(space))}))
        return path


def _events(space: Any) -> Iterator[dict[str, Any]]:
    """Planes (the host, devices) become processes, their lines threads."""
    for process, plane in enumerate(space.planes):
        yield _name("process_name", process, 0, plane.name)
        for thread, line in enumerate(plane.lines):
            yield _name("thread_name", process, thread, line.display_name or line.name)
            for event in line.events:
                yield {
                    "ph": "X",
                    "pid": process,
                    "tid": thread,
                    "name": plane.event_metadata[event.metadata_id].name,
                    "ts": line.timestamp_ns / 1000 + event.offset_ps * _PICOSECONDS,
                    "dur": event.duration_ps * _PICOSECONDS,
                }


def _name(what: str, process: int, thread: int, name: str) -> dict[str, Any]:
    return {"ph": "M", "pid": process, "tid": thread, "name": what, "args": {"name": name}}
