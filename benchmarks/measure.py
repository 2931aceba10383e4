"""Run one measurement in a fresh process and folder, and take the median of several."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence

Row = tuple[str, ...]


def run_once(module: str, *arguments: object) -> dict[str, float]:
    """The figures that ``python -m module arguments…`` prints last, as a JSON object."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", module, folder, *map(str, arguments)]
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return json.loads(output.splitlines()[-1])


def median_of(repeats: int, module: str, *arguments: object) -> dict[str, float]:
    """The median of each figure over several runs."""
    runs = [run_once(module, *arguments) for _ in range(repeats)]
    return {name: statistics.median(run[name] for run in runs) for name in runs[0]}


def table(title: str, header: Row, rows: Sequence[Row]) -> str:
    """A Markdown table."""
    lines = [f"## {title}", "", _line(header), _line(["---"] * len(header)), *map(_line, rows), ""]
    return "\n".join(lines)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
