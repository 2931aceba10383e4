"""How long the Graph page takes: from navigation to drawn, and from a double-click to an open layer.

``python -m benchmarks.graph_page`` prints the table: headless Chromium, three sizes of model.
"""

from __future__ import annotations

import json
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import trainboard as tb
from trainboard.cli.demo import dashboard
from trainboard.storage import open_store
from trainboard.storage.kinds.graph import Edge, Graph, Node

from . import browser
from .measure import median_of, table

if TYPE_CHECKING:
    from playwright.sync_api import Page

SIZES = (300, 3_000, 200_000)
_TIMES = 5
_STAGES = 3


def model(operations: int) -> Graph:
    """Three stages of blocks of five operations, each of which skips the block before."""
    nodes: list[Node] = []
    edges: list[Edge] = []
    for place in range(operations):
        block, part = divmod(place, 5)
        stage = block * 5 * _STAGES // operations
        scope = f"stage{stage}/blocks/{block}"
        nodes.append(Node(f"{scope}/{part}", str(part), "Conv2d", scope, [[1, 8, 8, 8]], ["float32"], 64))
        for back in (1, 5) if part == 4 else (1,):
            if place >= back:
                edges.append(Edge(nodes[place - back].id, nodes[place].id, "1x8x8x8"))
    return Graph(nodes, edges, "torch", "model")


def measure(folder: str, operations: str) -> dict[str, float]:
    """Milliseconds, the median of some; ``first`` is the first time, when nothing is cached."""
    path = Path(folder) / "graph.db"
    with tb.init("graphs", "model", store=path) as run:
        run.log({"graph": model(int(operations))})
    with closing(open_store(path)) as store, dashboard(store, 0) as address, browser.page() as page:
        times = [_opened(page, f"{address}graph") for _ in range(_TIMES + 1)]
        box = page.locator('[data-box="stage1/"]')
        began = time.perf_counter()
        box.dblclick()
        page.locator('[data-box="stage1/blocks/"]').wait_for()
        expand = 1_000 * (time.perf_counter() - began)
    return {"first": times[0], "open": sorted(times[1:])[_TIMES // 2], "expand": expand}


def _opened(page: Page, address: str) -> float:
    page.goto("about:blank")
    began = time.perf_counter()
    page.goto(address)
    page.locator(".graph-box").first.wait_for()
    return 1_000 * (time.perf_counter() - began)


def report(repeats: int) -> str:
    rows = []
    for size in SIZES:
        cost = median_of(repeats, "benchmarks.graph_page", str(size))
        rows.append((f"{size:,}", *(f"{cost[name]:,.0f}" for name in ("first", "open", "expand"))))
    columns = ("operations", "ms to open, first", "ms to open again", "ms to open a layer")
    return table("The Graph page in headless Chromium", columns, rows)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(measure(*sys.argv[1:])))
    else:
        print(report(repeats=1))
