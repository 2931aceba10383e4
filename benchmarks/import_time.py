"""What importing costs: wall time in a fresh interpreter, beside torch's SummaryWriter.

``python -m benchmarks.import_time`` prints the table.
"""

from __future__ import annotations

import json
import sys
import time
from importlib import import_module

from .measure import median_of, table

MODULES = ("trainboard", "torch.utils.tensorboard")


def measure(folder: str, module: str) -> dict[str, float]:
    """Milliseconds. ``folder`` is not used."""
    begin = time.perf_counter()
    import_module(module)
    return {"ms": 1_000 * (time.perf_counter() - begin)}


def report(repeats: int) -> str:
    rows = [
        (f"`import {module}`", f"{median_of(repeats, 'benchmarks.import_time', module)['ms']:,.1f}")
        for module in MODULES
    ]
    return table("Time to import, milliseconds", ("", "ms"), rows)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(measure(*sys.argv[1:])))
    else:
        print(report(repeats=5))
