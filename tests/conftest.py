"""What all tests share: proof that they test this checkout, spool segments, and a browser for pages."""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import trainboard
from trainboard.storage.frames import Frames, FrameType, message, scalar_batch

pytest_plugins = ["dashboard_fixtures", "engine_fixtures"]

CHECKOUT = Path(__file__).resolve().parents[1]
LONGEST = {"test_accessibility", "test_demo", "test_docs", "test_examples"}
"""Files of few tests that take long: they begin first."""
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

# An editable install names absolute paths: in a second checkout, tests would pass on the first one's code.
_tested = Path(trainboard.__file__).resolve()
if not _tested.is_relative_to(CHECKOUT / "src"):
    raise RuntimeError(f"trainboard comes from {_tested.parent}, not from {CHECKOUT}: run `make setup` here.")

# Threads that share the work on an array wait for one another by looking again and again: where more programs
# compute than there are cores, a small step of training took thirty times as long.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# A developer's own store is not for tests to write to.
os.environ.pop("TRAINBOARD_STORE", None)
# A test that takes long would find more in its runs than it logged.
os.environ["TRAINBOARD_SYSTEM_EVERY"] = "0"


def pytest_xdist_auto_num_workers() -> int:
    """Tests wait for browsers and programs more than a third of their time: one more than there are cores."""
    return (os.cpu_count() or 1) + 1


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What begins last is waited for by all other workers: files of many tests begin before those of few."""
    tests = Counter(item.path for item in items)
    items.sort(key=lambda item: (item.path.stem not in LONGEST, -tests[item.path]))


class Segment:
    """The bytes of one spool segment, as a training process would write them."""

    def __init__(self, run: str = "run", rank: int = 0, **described: Any) -> None:
        self.data = bytearray()
        self.ends = [0]
        self._numbers: dict[tuple[str, str], int] = {}
        self.say(FrameType.OPEN, {"format": 1, "spool": "spool", "run": run, "rank": rank})
        if described:
            self.say(FrameType.RUN, described)

    def say(self, kind: FrameType, content: dict[str, Any], series: int = 0) -> None:
        self.add(message(kind, json.dumps(content).encode(), series))

    def scalars(self, step: int, values: dict[str, float], wall: float = 0.0) -> None:
        fields: list[float] = []
        for position, (tag, value) in enumerate(values.items()):
            mark = FrameType.SCALAR | position << 8
            fields += [step, wall or 1000.0 + step, value, self.number(tag, "scalar"), mark]
        self.add(scalar_batch(fields))

    def record(self, tag: str, kind: str, payload: bytes, step: int, wall: float = 0.0) -> None:
        number = self.number(tag, kind)
        self.add(message(FrameType.RECORD, payload, number, step, wall or 1000.0 + step))

    def number(self, tag: str, kind: str) -> int:
        if (tag, kind) not in self._numbers:
            self._numbers[tag, kind] = len(self._numbers)
            self.say(FrameType.SERIES, {"tag": tag, "kind": kind}, self._numbers[tag, kind])
        return self._numbers[tag, kind]

    def add(self, frames: Frames) -> None:
        self.data += frames.data
        self.ends.append(len(self.data))


@pytest.fixture(scope="session")
def segment() -> type[Segment]:
    return Segment


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """Start the machine's Chromium. Without one, a browser test is skipped, or fails where CI is set."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        reason = "no Chromium on this machine: install Debian's package `chromium`, then `make test`"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return {**browser_type_launch_args, "executable_path": chromium, "args": CHROMIUM_FLAGS}
