"""Every benchmark: prints the tables; with ``--write`` also keeps them in RESULTS.md."""

from __future__ import annotations

import argparse
import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from . import drain, graph, import_time, kill, load, log_cost, query, watch

RESULTS = Path(__file__).with_name("RESULTS.md")
PACKAGES = ("trainboard", "numpy", "sqlalchemy", "torch", "tensorflow", "tensorboard")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--write", action="store_true", help=f"write {RESULTS.name}")
    parser.add_argument("--repeats", type=int, default=3, help="take the median of so many runs (default 3)")
    arguments = parser.parse_args()
    parts = [_machine()]
    print(parts[0])
    for benchmark in (log_cost, drain, kill, query, watch, graph, import_time, load):
        parts.append(benchmark.report(arguments.repeats))
        print(parts[-1])
    if arguments.write:
        RESULTS.write_text("\n".join(parts))


def _machine() -> str:
    versions = ", ".join(f"{package} {version(package)}" for package in PACKAGES)
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    return (
        "# Benchmarks\n\n"
        f"`make bench` on {today}: {os.cpu_count()} cores, {_processor()}, {platform.system()}, "
        f"Python {platform.python_version()}, {versions}. "
        "Medians of runs in processes of their own; compare ratios within a table, not across machines.\n"
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or "unknown processor"
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown"
    )


if __name__ == "__main__":
    main()
