"""Benchmarks by name, or all that take a few minutes: prints tables; ``--write`` keeps them in RESULTS.md.

Of RESULTS.md only the sections that were measured are replaced.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from . import (
    charts,
    crowd,
    drain,
    export,
    faults,
    frames,
    graph,
    graph_page,
    health,
    histograms,
    import_time,
    kill,
    live,
    load,
    log_cost,
    many_series,
    query,
    rules,
    run_table,
    tfevents,
    visdom_kill,
    visdom_load,
    watch,
)

RESULTS = Path(__file__).with_name("RESULTS.md")
PACKAGES = ("trainboard", "numpy", "sqlalchemy", "torch", "tensorflow", "tensorboard")
USUAL: dict[str, Callable[[int], str]] = {
    "log_cost": log_cost.report,
    "drain": drain.report,
    "kill": kill.report,
    "query": query.report,
    "watch": watch.report,
    "graph": graph.report,
    "export": export.report,
    "import_time": import_time.report,
    "load": load.report,
    "tfevents": tfevents.report,
}
LONG: dict[str, Callable[[argparse.Namespace], str]] = {
    "faults": lambda asked: faults.report(asked.trials),
    "charts": lambda _: charts.report(),
    "crowd": lambda _: crowd.report(),
    "frames": lambda _: frames.report(),
    "graph_page": lambda asked: graph_page.report(asked.repeats),
    "health": lambda _: health.report(),
    "histograms": lambda _: histograms.report(),
    "live": lambda _: live.report(),
    "many_series": lambda _: many_series.report(),
    "rules": lambda _: rules.report(),
    "run_table": lambda _: run_table.report(),
    "visdom_kill": lambda asked: visdom_kill.report(asked.trials),
    "visdom_load": lambda _: visdom_load.report(),
}
_SECTION = re.compile(r"^<!-- (\w+) -->\n", re.MULTILINE)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    names = [*USUAL, *LONG]
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help=f"of {', '.join(names)}; {', '.join(LONG)} are run only by name",
    )
    parser.add_argument("--write", action="store_true", help=f"write {RESULTS.name}")
    parser.add_argument("--repeats", type=int, default=3, help="take the median of so many runs (default 3)")
    parser.add_argument(
        "--trials", type=int, default=1_000, help="so many kills by faults and visdom_kill (default 1000)"
    )
    asked = parser.parse_args()
    if unknown := set(asked.names) - set(names):
        parser.error(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    print(_machine())
    for name in asked.names or USUAL:
        told = LONG[name](asked) if name in LONG else USUAL[name](asked.repeats)
        print(told)
        if asked.write:
            RESULTS.write_text(with_section(RESULTS.read_text(), name, told))


def with_section(results: str, name: str, told: str) -> str:
    """RESULTS.md with the tables of one benchmark in place of those it had, and the machine of today."""
    _, *parts = _SECTION.split(results)
    sections = dict(zip(parts[::2], parts[1::2], strict=True))
    sections[name] = f"{told.rstrip()}\n\nMeasured on {datetime.now(UTC):%Y-%m-%d}.\n\n"
    kept = [f"<!-- {known} -->\n{sections[known]}" for known in (*USUAL, *LONG) if known in sections]
    return f"{_machine()}\n{''.join(kept).rstrip()}\n"


def _machine() -> str:
    versions = ", ".join(f"{package} {version(package)}" for package in PACKAGES)
    return (
        "# Benchmarks\n\n"
        f"`make bench`, last on: {os.cpu_count()} cores, {_processor()}, {platform.system()}, "
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
