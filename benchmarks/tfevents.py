"""How fast event files are read, beside TensorBoard's two readers, on the same files.

``python -m benchmarks.tfevents`` prints the table. TensorBoard's data server, in Rust, only loads points into
its memory, all of them as ours; its time is that of its load cycle alone. ``EventAccumulator`` is its reader
in Python, given a tenth of the files. Ours ends with the points in a SQLite store.

Each is then asked for the charts of all series: TensorBoard's for the points that its page gets, before they
are made JSON; ours for the bytes that our page gets.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from .measure import Row, median_of, table

if TYPE_CHECKING:
    from trainboard.storage import Store

Figures = dict[str, float]
STEPS, RUNS, TAGS = 2_000, 200, 5
WIDTH = 600
_REPEATED = 20
READERS = [
    ("trainboard, into a store", "ours"),
    ("trainboard, started again", "ours_again"),
    ("TensorBoard's data server", "rustboard"),
    ("EventAccumulator", "accumulator"),
]
_LISTENING = re.compile(r"listening on (\S+)")
_FINISHED = re.compile(r"Finished load cycle \(([\d.]+)(m?s|µs)\)")


def ours(folder: Path, logs: Path) -> Figures:
    """Into a store that is open and empty."""
    from trainboard.storage import open_store

    store = open_store(folder / "store.db", create=True)
    return {"s": _read(store, logs), "charts": _draw(store), "MB": _peak("self")}


def ours_again(folder: Path, logs: Path) -> Figures:
    """With a store that has all there is, which another process has made; opening it is counted."""
    from trainboard.storage import open_store

    program = f"from benchmarks.tfevents import *; ours(Path({str(folder)!r}), Path({str(logs)!r}))"
    subprocess.run([sys.executable, "-c", program], check=True)
    begin = time.perf_counter()
    store = open_store(folder / "store.db")
    opened = time.perf_counter() - begin
    return {"s": opened + _read(store, logs), "charts": _draw(store), "MB": _peak("self")}


def _read(store: Store, logs: Path) -> float:
    from trainboard.storage.tfevents.following import open_follower, read_all

    begin = time.perf_counter()
    read_all(open_follower(store, [str(logs)]))
    return time.perf_counter() - begin


def _draw(store: Store) -> float:
    from trainboard.dashboard.cards.scalar import Wanted, pack, read

    begin = time.perf_counter()
    for run in store.runs():
        wanted = [Wanted(run.id, each.tag) for each in store.series(run.id, "scalar")]
        pack([read(store, one, width=WIDTH) for one in wanted])
    return time.perf_counter() - begin


def rustboard(folder: Path, logs: Path) -> Figures:
    import tensorboard_data_server

    command = [
        tensorboard_data_server.server_binary(),
        "--logdir",
        str(logs),
        "--reload",
        "once",
        "--port",
        "0",
    ]
    command += ["--samples-per-plugin", "scalars=all", "-v"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        address, loaded = _told(server.stderr, _LISTENING), _told(server.stderr, _FINISHED)
        charts = _ask(address[1])
        peak = _peak(server.pid)
        server.terminate()
        server.stderr.read()
    seconds = float(loaded[1]) / {"s": 1, "ms": 1e3, "µs": 1e6}[loaded[2]]
    return {"s": seconds, "charts": charts, "MB": peak}


def _told(lines: Iterable[str], pattern: re.Pattern[str]) -> re.Match[str]:
    for line in lines:
        if match := pattern.search(line):
            return match
    raise RuntimeError("the data server ended before it had loaded the logs")


def _ask(address: str) -> float:
    """Seconds until TensorBoard has all points of its data server, by its own client."""
    import grpc
    from tensorboard.context import RequestContext
    from tensorboard.data.grpc_provider import GrpcDataProvider, make_stub

    no_limit = [("grpc.max_receive_message_length", -1)]
    with grpc.insecure_channel(address, no_limit) as channel:
        provider = GrpcDataProvider(address, make_stub(channel))
        begin = time.perf_counter()
        every = {"plugin_name": "scalars", "downsample": RUNS * STEPS * TAGS}
        provider.read_scalars(RequestContext(), experiment_id="", **every)
        return time.perf_counter() - begin


def accumulator(folder: Path, logs: Path) -> Figures:
    """Every tenth run; where there is one run, the first tenth of its file."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    some = folder / "some"
    runs = sorted(logs.iterdir())
    for run in runs[:: 10 if len(runs) > 1 else 1]:
        (source,) = run.iterdir()
        (some / run.name).mkdir(parents=True)
        data = source.read_bytes()
        (some / run.name / source.name).write_bytes(data if len(runs) > 1 else data[: len(data) // 10])
    begin = time.perf_counter()
    loaded = [EventAccumulator(str(run), {"scalars": 0}).Reload() for run in some.iterdir()]
    took = time.perf_counter() - begin
    begin = time.perf_counter()
    for each in loaded:
        for tag in each.Tags()["scalars"]:
            each.Scalars(tag)
    return {"s": 10 * took, "charts": 10 * (time.perf_counter() - begin), "MB": _peak("self")}


def _peak(process: int | str) -> float:
    """The most memory a process has had. Not getrusage, which counts what its parent had when it began."""
    status = Path(f"/proc/{process}/status").read_text()
    return int(re.findall(r"VmHWM:\s+(\d+)", status)[0]) / 1000


def write_logs(folder: Path, runs: int, steps: int) -> None:
    """Event files as PyTorch writes them, which would take minutes to do so."""
    for run in range(runs):
        path = folder / f"run{run:03}" / "events.out.tfevents.1800000000.host.1.0"
        path.parent.mkdir(parents=True)
        path.write_bytes(b"".join(_records(steps)))


def _records(steps: int) -> Iterator[bytes]:
    sys.path.append(str(Path(__file__).resolve().parents[1] / "tests"))
    from event_file import VERSION, scalar

    yield VERSION
    for step in range(steps):
        for tag in range(TAGS):
            yield scalar(step, 1 / (step + tag + 1), f"train/metric_{tag}")


def report(repeats: int) -> str:
    sizes = {"1,000,000 in one file": (1, RUNS * STEPS // 2), f"2,000,000 in {RUNS} runs": (RUNS, STEPS)}
    parts: list[str] = []
    for title, (runs, steps) in sizes.items():
        with tempfile.TemporaryDirectory() as folder:
            write_logs(Path(folder), runs, steps)
            found = {name: median_of(repeats, "benchmarks.tfevents", case, folder) for name, case in READERS}
        points = runs * steps * TAGS
        peer = found["TensorBoard's data server"]
        rows: list[Row] = [
            (
                name,
                f"{of['s']:.2f}",
                f"{points / of['s']:,.0f}",
                f"{peer['s'] / of['s']:.2f}",
                f"{of['charts']:.2f}",
                f"{_whole(peer) / _whole(of):.2f}",
                f"{of['MB']:,.0f}",
            )
            for name, of in found.items()
        ]
        reading = ("reading, s", "points a second", "data server = 1")
        header = ("", *reading, "charts, s", "with charts, data server = 1", "peak memory, MB")
        parts.append(table(f"Reading event files: {title}", header, rows))
    return "\n".join([*parts, _large()])


def _whole(of: Figures) -> float:
    return of["s"] + of["charts"]


def _large() -> str:
    """Memory while a file of twenty million points is read: one of a million, over and over."""
    with tempfile.TemporaryDirectory() as folder:
        logs = Path(folder, "logs")
        write_logs(logs, 1, RUNS * STEPS // 2)
        (path,) = logs.glob("*/*")
        once = path.read_bytes()
        with path.open("ab") as file:
            for _ in range(_REPEATED - 1):
                file.write(once)
        found = median_of(1, "benchmarks.tfevents", "ours", logs)
        shutil.rmtree(logs)
    took = f"{found['s']:.1f} s and {found['MB']:,.0f} MB of memory"
    return f"Reading 20,000,000 points of one file took {took}.\n"


if __name__ == "__main__":
    if len(sys.argv) > 1:
        case: Callable[[Path, Path], Figures] = globals()[sys.argv[2]]
        os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
        print(json.dumps(case(Path(sys.argv[1]), Path(sys.argv[3]))))
    else:
        print(report(repeats=3))
