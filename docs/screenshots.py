"""Remake the pictures in docs/images from a store of the demo: `make docs`.

Without an argument the demo trains first, in a temporary folder; with one, that store is shown.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from trainboard.cli.demo import start_dashboard
from trainboard.storage import open_store

IMAGES = Path(__file__).parent / "images"
SIZE = {"width": 1440, "height": 900}
PICTURES = {
    "charts": "?theme=light",
    "charts-dark": "?theme=dark",
    "histograms": "histograms?theme=light",
    "graph": "graph?theme=light",
    "media": "media?theme=light",
}
DRAWN = "#page canvas, #page svg, #page img"
SETTLING = 3_000


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = sys.argv[1] if sys.argv[1:] else str(trained_store(Path(folder)))
        address = start_dashboard(open_store(store), 0)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--no-sandbox"]
            )
            page = browser.new_page(viewport=SIZE)
            for name, path in PICTURES.items():
                take(page, address + path, IMAGES / f"{name}.png")
            browser.close()


def trained_store(folder: Path) -> Path:
    subprocess.run(
        [sys.executable, "-m", "trainboard", "demo", "--once", "--port", "0"], cwd=folder, check=True
    )
    return folder / "trainboard-demo.db"


def take(page: Page, address: str, image: Path) -> None:
    page.goto(address)
    page.wait_for_selector(DRAWN)
    # Long polls never let the network rest, so give the other cards a moment instead.
    page.wait_for_timeout(SETTLING)
    page.screenshot(path=image)
    print(image)


if __name__ == "__main__":
    main()
