"""Points lost when the process is killed right after its last log call, beside SummaryWriter.

``python -m benchmarks.kill`` prints the table.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from .log_cost import summary_writer, trainboard
from .measure import median_of, table

POINTS = 10_000


def log_and_die(folder: str, tool: str) -> None:
    """Log ``POINTS`` scalars flat out, and kill this process."""
    with {"trainboard": trainboard, "summary_writer": summary_writer}[tool](Path(folder)) as log:
        for step in range(POINTS):
            log({"loss": float(step)}, step)
        os.kill(os.getpid(), signal.SIGKILL)


def measure(folder: str, tool: str) -> dict[str, float]:
    """How many of the points nobody can read afterwards, and how many are there twice."""
    subprocess.run([sys.executable, "-m", "benchmarks.kill", folder, tool, "die"], stdout=subprocess.DEVNULL)
    steps = {"trainboard": _trainboard_steps, "summary_writer": _summary_writer_steps}[tool](folder)
    return {"lost": POINTS - len(set(steps)), "repeated": len(steps) - len(set(steps))}


def _trainboard_steps(folder: str) -> list[int]:
    from trainboard.storage import open_store
    from trainboard.storage.spools import adopt_orphans

    store = open_store(Path(folder, "store.db"), create=True)
    adopt_orphans(store)
    return store.points(store.runs()[0].id, "loss").step.tolist()


def _summary_writer_steps(folder: str) -> list[int]:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(folder, size_guidance={"scalars": 0, "tensors": 0})
    events.Reload()
    tags = events.Tags()
    if "loss" in tags["scalars"]:
        return [event.step for event in events.Scalars("loss")]
    return [event.step for event in events.Tensors("loss")] if "loss" in tags["tensors"] else []


def report(repeats: int) -> str:
    rows = []
    for name, tool in (("trainboard", "trainboard"), ("SummaryWriter", "summary_writer")):
        figures = median_of(repeats, "benchmarks.kill", tool)
        rows.append((name, f"{figures['lost']:,.0f}", f"{figures['repeated']:,.0f}"))
    title = f"SIGKILL at once after {POINTS:,} log calls: points lost and repeated"
    return table(title, ("", "lost", "repeated"), rows)


if __name__ == "__main__":
    if sys.argv[3:] == ["die"]:
        log_and_die(*sys.argv[1:3])
    elif len(sys.argv) > 1:
        print(json.dumps(measure(*sys.argv[1:])))
    else:
        print(report(repeats=3))
