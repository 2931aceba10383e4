"""The programs of the load benchmark: threads that send spools' frames as drains do."""

from __future__ import annotations

import json
import math
import threading
import time
from typing import Any

TAGS = [f"layer{number}/loss" for number in range(10)]
PROJECT = "load"
_STEP_SECONDS, _SEND_SECONDS = 0.1, 0.2


def write_for(port: int, number: int, seconds: float) -> dict[str, Any]:
    """Log for ``seconds``; returns what feeding took, the errors met, and how many steps each run has."""
    programs = [_Program(port, index, seconds, number) for index in range(number)]
    for program in programs:
        program.start()
    for program in programs:
        program.join()
    return {
        "feed": [took for program in programs for took in program.took],
        "errors": sum(program.errors for program in programs),
        "steps": {program.run_id: program.steps for program in programs},
    }


class _Program(threading.Thread):
    def __init__(self, port: int, index: int, seconds: float, number: int) -> None:
        super().__init__()
        from trainboard.storage.remote import RemoteStore

        self.run_id = f"run-{index:03}"
        self.took: list[float] = []
        self.errors = self.steps = 0
        self._server = RemoteStore(f"http://127.0.0.1:{port}")
        self._seconds = seconds
        self._late = index / number * _SEND_SECONDS
        self._spool = bytearray()

    def run(self) -> None:
        from trainboard.storage.errors import TrainboardError

        time.sleep(self._late)
        begun = time.monotonic()
        self._say_hello()
        ingest, at, beat = self._server.ingest(self.run_id), 0, begun
        while at < len(self._spool) or time.monotonic() - begun < self._seconds:
            due = min(time.monotonic() - begun, self._seconds) / _STEP_SECONDS
            self._log_until(int(due))
            asked = time.monotonic()
            try:
                at = ingest.feed(0, self._spool[at:], at)
                self.took.append(time.monotonic() - asked)
                if asked - beat > 1.5:
                    ingest.heartbeat()
                    beat = asked
            except TrainboardError:
                self.errors += 1
                time.sleep(1)
            time.sleep(max(0.0, asked + _SEND_SECONDS - time.monotonic()))

    def _say_hello(self) -> None:
        from trainboard.storage.frames import FrameType, message

        opening = {"format": 1, "spool": self.run_id, "run": self.run_id, "rank": 0}
        said = [(FrameType.OPEN, opening, 0), (FrameType.RUN, {"project": PROJECT, "name": self.run_id}, 0)]
        said += [(FrameType.SERIES, {"tag": tag, "kind": "scalar"}, at) for at, tag in enumerate(TAGS)]
        for kind, content, series in said:
            self._spool += message(kind, json.dumps(content).encode(), series).data

    def _log_until(self, steps: int) -> None:
        from trainboard.storage.frames import FrameType, scalar_batch

        while self.steps < steps:
            fields: list[float] = []
            for at in range(len(TAGS)):
                value = math.exp(-self.steps / 100) + at
                fields += [self.steps, time.time(), value, at, FrameType.SCALAR | at << 8]
            self._spool += scalar_batch(fields).data
            self.steps += 1
