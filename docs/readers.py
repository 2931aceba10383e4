"""Remake docs/images/tensorboard-readers.png: the same logs in TensorBoard's two readers and in trainboard.

TensorBoard is asked over HTTP, as its page asks it, with its default settings: its server with the reader
in Rust, and with the one in Python.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.util.tensor_util import make_tensor_proto

from trainboard.storage import open_store
from trainboard.storage.tfevents.following import open_follower, read_all

sys.path.append(str(Path(__file__).resolve().parents[1] / "tests"))
from event_file import VERSION, record, scalar

matplotlib.use("Agg")
import matplotlib.pyplot as plt

IMAGE = Path(__file__).parent / "images" / "tensorboard-readers.png"
PATIENCE_S = 60
READERS = {"TensorBoard, Rust": ["--load_fast=true"], "TensorBoard, Python": ["--load_fast=false"]}
Curve = list[tuple[float, float]]


def logs() -> dict[str, bytes]:
    """The bytes of an event file for each title."""
    rng = np.random.default_rng(3)
    noise = np.exp(-np.arange(20_000) / 6_000) + 0.03 * rng.normal(size=20_000)
    noise[[40, 9_001, 15_003]] = 1.4
    late = [step + 40 * (step % 5 == 0) for step in range(200)]
    damaged = scalar(100, 1.0)
    flipped = damaged[:-6] + b"\1" + damaged[-5:]
    return {
        "20,000 points, three outliers": b"".join(scalar(step, noise[step]) for step in range(20_000)),
        "points that come late": b"".join(scalar(step, float(np.sin(step / 20))) for step in late),
        "always step 0": b"".join(scalar(0, float(value)) for value in range(50)),
        "double precision": b"".join(double(step, 1 / (step + 1)) for step in range(100)),
        "a flipped bit at step 100": scalars(range(100)) + flipped + scalars(range(101, 200)),
    }


def scalars(steps: range) -> bytes:
    return b"".join(scalar(step, step / 100) for step in steps)


def double(step: int, value: float) -> bytes:
    kept = Summary.Value(tag="loss", tensor=make_tensor_proto(np.float64(value)))
    kept.metadata.plugin_data.plugin_name = "scalars"
    return record(Event(wall_time=1e9 + step, step=step, summary=Summary(value=[kept])))


@contextmanager
def tensorboard(folder: Path, options: list[str]) -> Iterator[str]:
    """A TensorBoard server, and its address."""
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", str(folder), "--port", "0", "--bind_all"]
    with subprocess.Popen([*command, *options], stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        port = next(match[1] for line in server.stderr if (match := re.search(r"http://[^:]+:(\d+)/", line)))
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()


def asked(address: str, path: str) -> Any:
    with urllib.request.urlopen(f"{address}/data/plugin/scalars/{path}") as reply:
        return json.load(reply)


def shown_by(address: str, runs: list[str]) -> dict[str, Curve]:
    """What its page gets of each run, when it has got something of all, or nothing more comes."""
    until = time.monotonic() + PATIENCE_S
    while len(asked(address, "tags")) < len(runs) - 1 and time.monotonic() < until:
        time.sleep(1)
    time.sleep(3)
    found: dict[str, Curve] = {run: [] for run in runs}
    for run in asked(address, "tags"):
        query = urllib.parse.urlencode({"run": run, "tag": "loss"})
        found[run] = [(step, value) for _, step, value in asked(address, f"scalars?{query}")]
    return found


def kept_by_us(folder: Path, store_path: Path) -> dict[str, Curve]:
    store = open_store(store_path, create=True)
    read_all(open_follower(store, [str(folder)]))
    found: dict[str, Curve] = {}
    for run in store.runs():
        points = store.points_since(run.id, "loss", 0)
        found[run.name] = list(zip(points.step.tolist(), points.value.tolist(), strict=True))
    return found


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name, "logs")
        for title, content in logs().items():
            (folder / title).mkdir(parents=True)
            (folder / title / "events.out.tfevents.1000000000.host.1.0").write_bytes(VERSION + content)
        curves: dict[str, dict[str, Curve]] = {}
        for reader, options in READERS.items():
            with tensorboard(folder, options) as address:
                curves[reader] = shown_by(address, list(logs()))
        curves["trainboard"] = kept_by_us(folder, Path(name, "store.db"))
    draw(curves)


def draw(curves: dict[str, dict[str, Curve]]) -> None:
    titles = list(logs())
    figure, axes = plt.subplots(len(titles), len(curves), figsize=(11, 11), layout="constrained")
    for column, (reader, found) in enumerate(curves.items()):
        for row, title in enumerate(titles):
            place, curve = axes[row, column], found.get(title, [])
            if curve:
                place.plot(*zip(*curve, strict=True), ".", markersize=2.5)
            place.set_title(f"{title}: {len(curve):,} points", fontsize=8, loc="left")
            place.tick_params(labelsize=7)
        axes[0, column].annotate(reader, (0, 1.25), xycoords="axes fraction", fontsize=11, weight="bold")
    for row in axes:
        limits = [place.dataLim for place in row if place.lines]
        for place in row:
            place.set_xlim(min(each.x0 for each in limits) - 0.5, max(each.x1 for each in limits) + 0.5)
            place.set_ylim(min(each.y0 for each in limits) - 0.1, max(each.y1 for each in limits) + 0.1)
    figure.savefig(IMAGE, dpi=110)
    for reader, found in curves.items():
        print(reader, {title: len(found.get(title, [])) for title in titles})


if __name__ == "__main__":
    main()
