"""Remake the pictures in docs/images from a store of the demo: `make docs`.

Without an argument the demo trains first, in a temporary folder; with one, that store is shown. The
picture of all kinds shows what the program of docs/media.md logs.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from trainboard.cli.demo import dashboard
from trainboard.storage import open_store

IMAGES = Path(__file__).parent / "images"
SIZE: ViewportSize = {"width": 1440, "height": 900}
TALL: ViewportSize = {"width": 1440, "height": 2000}
PICTURES = {
    "charts": ("?theme=light", ".uplot canvas"),
    "charts-dark": ("?theme=dark", ".uplot canvas"),
    "charts-view": (
        "?theme=light&steps=last&best=min&smoothing=0.6&card_width=400&pins=val/loss"
        '&charts=[{{"title":"losses","left":["train/loss","val/loss"],"right":["train/accuracy"]}}]',
        ".step-table",
    ),
    "histograms": ("histograms?theme=light", ".js-plotly-plot .trace"),
    "graph": ("graph?theme=light&graph_run={pytorch-1}&graph_twin={keras-1}", "#page canvas"),
    "media": ("media?theme=light", "#page img"),
}
"""For each picture its address, with runs by their names, and what is there once the page has drawn."""
RANKS = {"ranks": ("?theme=light", ".uplot canvas")}
KINDS_PICTURE = {"kinds": ("media?theme=light", ".js-plotly-plot")}
SETTLING = 3_000
SMALL: ViewportSize = {"width": 1080, "height": 420}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        trained = Path(sys.argv[1]) if sys.argv[1:] else trained_store(Path(folder))
        take_all(browser, trained, SIZE, PICTURES)
        take_all(browser, two_ranks(Path(folder)), SMALL, RANKS)
        take_all(browser, store_of_guide(Path(folder)), TALL, KINDS_PICTURE)
        browser.close()


def two_ranks(folder: Path) -> Path:
    program = Path(__file__).parents[1] / "examples" / "torch_ddp.py"
    words = ["-m", "torch.distributed.run", "--nproc-per-node", "2", str(program), "--epochs", "2"]
    subprocess.run([sys.executable, *words, "--store", str(folder / "ranks.db")], check=True)
    return folder / "ranks.db"


def take_all(browser: Browser, path: Path, size: ViewportSize, pictures: dict[str, tuple[str, str]]) -> None:
    store = open_store(path)
    ids = {run.name: run.id for run in store.runs()}
    with closing(store), dashboard(store, 0) as address:
        page = browser.new_page(viewport=size)
        for name, (where, drawn) in pictures.items():
            take(page, address + where.format_map(ids), drawn, IMAGES / f"{name}.png")


def store_of_guide(folder: Path) -> Path:
    """The store that the program of docs/media.md makes."""
    text = (IMAGES.parent / "media.md").read_text()
    (program,) = re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    subprocess.run([sys.executable, "-c", program], cwd=folder, check=True)
    return folder / "trainboard.db"


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
