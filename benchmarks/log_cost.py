"""What logging one scalar costs the training thread, beside SummaryWriter.

``python -m benchmarks.log_cost`` prints the table.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .measure import median_of, table

TAGS = [f"metrics/value_{number}" for number in range(10)]
CALLS = {"flat out": 20_000, "paced": 400}
PAUSE = 0.005
CASES = [
    ("trainboard, dict of 10 floats", "trainboard", "dict", "float"),
    ("trainboard, one float a call", "trainboard", "single", "float"),
    ("trainboard, dict of 10 CPU tensors", "trainboard", "dict", "tensor"),
    ("trainboard, one CPU tensor a call", "trainboard", "single", "tensor"),
    ("SummaryWriter, 10 floats", "summary_writer", "dict", "float"),
    ("SummaryWriter, one float a call", "summary_writer", "single", "float"),
    ("SummaryWriter, 10 CPU tensors", "summary_writer", "dict", "tensor"),
    ("SummaryWriter, one CPU tensor a call", "summary_writer", "single", "tensor"),
]
Log = Callable[[dict[str, Any], int], None]


@contextmanager
def trainboard(folder: Path) -> Iterator[Log]:
    import trainboard

    run = trainboard.init(store=folder / "store.db")
    yield run.log
    run.finish()


@contextmanager
def summary_writer(folder: Path) -> Iterator[Log]:
    from torch.utils.tensorboard import SummaryWriter

    writer = SummaryWriter(str(folder))

    def log(values: dict[str, Any], step: int) -> None:
        for tag, value in values.items():
            writer.add_scalar(tag, value, step)

    yield log
    writer.close()


def measure(folder: str, tool: str, shape: str, values: str, pace: str) -> dict[str, float]:
    """Microseconds a scalar: the median call, and all calls together, stalls included."""
    tags = TAGS if shape == "dict" else TAGS[:1]
    numbers = {tag: _value(values, index) for index, tag in enumerate(tags)}
    pause = PAUSE if pace == "paced" else 0.0
    took = []
    with {"trainboard": trainboard, "summary_writer": summary_writer}[tool](Path(folder)) as log:
        log(numbers, 0)
        time.sleep(1.5)
        for step in range(1, CALLS[pace] + 1):
            if pause:
                time.sleep(pause)
            begin = time.perf_counter_ns()
            log(numbers, step)
            took.append(time.perf_counter_ns() - begin)
    took.sort()
    per_scalar = 1_000 * len(numbers)
    return {
        "median": took[len(took) // 2] / per_scalar,
        "total": sum(took) / len(took) / per_scalar,
        "p99": took[len(took) * 99 // 100] / per_scalar,
    }


def _value(kind: str, index: int) -> Any:
    if kind == "float":
        return index + 0.5
    import torch

    return torch.tensor(index + 0.5)


def report(repeats: int) -> str:
    rows = []
    for pace in CALLS:
        figures = {case[0]: median_of(repeats, "benchmarks.log_cost", *case[1:], pace) for case in CASES}
        for (name, tool, shape, values), own in zip(CASES, figures.values(), strict=True):
            peer = next(
                f
                for c, f in zip(CASES, figures.values(), strict=True)
                if c[1:] == ("summary_writer", shape, values)
            )
            ratio = "1" if tool == "summary_writer" else f"1/{peer['total'] / own['total']:.0f}"
            rows.append((name, pace, *(f"{own[key]:.2f}" for key in ("median", "total", "p99")), ratio))
    header = ("", "pace", "median", "total", "p99", "total, SummaryWriter = 1")
    return table("Cost of logging one scalar, in the training thread, microseconds", header, rows)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(measure(*sys.argv[1:])))
    else:
        print(report(repeats=3))
