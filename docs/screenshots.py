"""Remake the pictures in docs/images from a store of the demo: `make docs`.

Without an argument the demo trains first, in a temporary folder; with one, that store is shown.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

from playwright.sync_api import Page, ViewportSize, sync_playwright

from trainboard.cli.demo import dashboard
from trainboard.storage import open_store

IMAGES = Path(__file__).parent / "images"
SIZE: ViewportSize = {"width": 1440, "height": 900}
PICTURES = {
    "charts": ("?theme=light", ".uplot canvas"),
    "charts-dark": ("?theme=dark", ".uplot canvas"),
    "histograms": ("histograms?theme=light", ".js-plotly-plot .trace"),
    "graph": ("graph?theme=light&graph_run={pytorch-1}&graph_twin={keras-1}", "#page canvas"),
    "media": ("media?theme=light", "#page img"),
}
RANKS = {"ranks": ("?theme=light", ".uplot canvas")}
"""For each picture its address, with runs by their names, and what is there once the page has drawn."""
SETTLING = 3_000
SMALL: ViewportSize = {"width": 1080, "height": 420}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        take_all(Path(sys.argv[1]) if sys.argv[1:] else trained_store(Path(folder)), PICTURES, SIZE)
        take_all(two_ranks(Path(folder)), RANKS, SMALL)


def take_all(path: Path, pictures: dict[str, tuple[str, str]], size: ViewportSize) -> None:
    store = open_store(path)
    ids = {run.name: run.id for run in store.runs()}
    with closing(store), dashboard(store, 0) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport=size)
        for name, (where, drawn) in pictures.items():
            take(page, address + where.format_map(ids), drawn, IMAGES / f"{name}.png")
        browser.close()


def two_ranks(folder: Path) -> Path:
    program = Path(__file__).parents[1] / "examples" / "torch_ddp.py"
    words = ["-m", "torch.distributed.run", "--nproc-per-node", "2", str(program), "--epochs", "2"]
    subprocess.run([sys.executable, *words, "--store", str(folder / "ranks.db")], check=True)
    return folder / "ranks.db"


def trained_store(folder: Path) -> Path:
    subprocess.run(
        [sys.executable, "-m", "trainboard", "demo", "--once", "--port", "0"], cwd=folder, check=True
    )
    return folder / "trainboard-demo.db"


def take(page: Page, address: str, drawn: str, image: Path) -> None:
    page.goto(address)
    page.wait_for_selector(drawn)
    # Long polls never let the network rest, so give the other cards a moment instead.
    page.wait_for_timeout(SETTLING)
    page.screenshot(path=image)
    print(image)


if __name__ == "__main__":
    main()
