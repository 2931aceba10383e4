"""How long a frame takes while a cloud of points is turned: our projector, Plotly and TensorBoard's.

``python -m benchmarks.frames`` prints the table. Where there is no GPU, headless Chromium draws in software:
frames are longer than on a desk, for all alike.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
from playwright.sync_api import Page, sync_playwright

import trainboard as tb
from trainboard.cli.demo import dashboard
from trainboard.storage import open_store

from .browser import SIZE
from .measure import Row, table

POINTS = 50_000
SECONDS = 6
WAITING = """
    const contexts = new Set();
    const original = HTMLCanvasElement.prototype.getContext;
    HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
        const made = original.call(this, kind, ...rest);
        if (made && kind.startsWith("webgl")) contexts.add(made);
        return made;
    };
    window.settle = () =>
        contexts.forEach((gl) => gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(4)));
"""
"""Commands to WebGL are only queued: to read a pixel is to wait until they are done."""
TURNING = """async (seconds) => {
    const frames = [];
    const until = performance.now() + 1000 * seconds;
    let before = await new Promise(requestAnimationFrame);
    while (performance.now() < until) {
        window.turn?.();
        const now = await new Promise(requestAnimationFrame);
        window.settle();
        frames.push(now - before);
        before = now;
    }
    return frames;
}"""
PLOTLY = """([positions, colors]) => {
    const at = (axis) => positions.filter((_, index) => index % 3 === axis);
    const place = document.body.appendChild(document.createElement("div"));
    place.style.cssText = "position:fixed;inset:0;z-index:9";
    const marker = { size: 2, color: colors };
    const trace = { type: "scatter3d", mode: "markers", x: at(0), y: at(1), z: at(2), marker };
    let angle = 0;
    window.turn = () => {
        angle += 0.02;
        const eye = { x: 1.5 * Math.cos(angle), y: 1.5 * Math.sin(angle), z: 0.6 };
        const camera = { eye, up: { x: 0, y: 0, z: 1 }, center: { x: 0, y: 0, z: 0 } };
        Object.assign(camera, { projection: { type: "perspective" } });
        place._fullLayout.scene._scene.setViewport({ camera, aspectratio: { x: 1, y: 1, z: 1 } });
    };
    return Plotly.newPlot(place, [trace], { showlegend: false });
}"""


def report() -> str:
    random = np.random.default_rng(0)
    groups = random.integers(0, 10, POINTS)
    centres = 3 * random.normal(size=(10, 32))
    vectors = (random.normal(size=(POINTS, 32)) + centres[groups]).astype(np.float32)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        # With a GPU process, unlike the other benchmarks: without one there is no WebGL.
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport=SIZE)
        page.add_init_script(WAITING)
        rows = [
            ours(page, Path(folder), vectors, groups),
            plotly(page, vectors, groups),
            tensorboards(page, Path(folder), vectors, groups),
        ]
        browser.close()
    return table(f"Turning {POINTS:,} points, milliseconds a frame", ("", "median", "95 % within"), rows)


def ours(page: Page, folder: Path, vectors: np.ndarray, groups: np.ndarray) -> Row:
    with tb.init("frames", store=folder / "frames.db") as run:
        run.log({"points": tb.Embedding(vectors, [f"group {group}" for group in groups])}, 0)
    with closing(open_store(folder / "frames.db")) as store, dashboard(store, 0) as address:
        page.goto(f"{address}projector")
        page.wait_for_selector(f"[data-points='{len(vectors)}']")
        page.wait_for_timeout(2_000)
        page.evaluate(
            "window.turn = () => document.querySelector('.projector-canvas canvas').trainboard.turn(0.02)"
        )
        frames = page.evaluate(TURNING, SECONDS)
        page.goto("about:blank")
    return _row("trainboard", frames)


def plotly(page: Page, vectors: np.ndarray, groups: np.ndarray) -> Row:
    import plotly as library

    page.add_script_tag(path=str(Path(library.__file__).parent / "package_data" / "plotly.min.js"))
    page.evaluate(PLOTLY, [vectors[:, :3].reshape(-1).tolist(), groups.tolist()])
    page.wait_for_timeout(3_000)
    return _row("Plotly's scatter3d", page.evaluate(TURNING, SECONDS))


def tensorboards(page: Page, folder: Path, vectors: np.ndarray, groups: np.ndarray) -> Row:
    """Its projector, while the mouse turns what it draws."""
    logs = folder / "logs"
    logs.mkdir()
    np.savetxt(logs / "tensors.tsv", vectors, delimiter="\t", fmt="%.5g")
    (logs / "metadata.tsv").write_text("\n".join(f"group {group}" for group in groups) + "\n")
    (logs / "projector_config.pbtxt").write_text(
        'embeddings { tensor_name: "points" tensor_path: "tensors.tsv" metadata_path: "metadata.tsv" }\n'
    )
    with tensorboard(logs) as address:
        page.goto(f"{address}/data/plugin/projector/projector_binary.html")
        page.wait_for_selector("canvas >> nth=0", timeout=120_000)
        page.wait_for_timeout(20_000)
        box = page.locator("canvas").first.bounding_box()
        assert box is not None
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        page.mouse.move(x, y)
        page.mouse.down()
        page.evaluate(f"void (window.measured = ({TURNING})({SECONDS}))")
        until = time.monotonic() + SECONDS
        while time.monotonic() < until:
            x += 3 if int(2 * (until - time.monotonic())) % 2 else -3
            page.mouse.move(x, y)
        frames = page.evaluate("window.measured")
        page.mouse.up()
    return _row("TensorBoard's projector", frames)


@contextmanager
def tensorboard(logs: Path) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = ["--logdir", str(logs), "--port", str(port), "--load_fast=false"]
    server = subprocess.Popen(
        [sys.executable, "-m", "tensorboard.main", *words],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://localhost:{port}"
    try:
        for _ in range(120):
            try:
                urllib.request.urlopen(f"{address}/data/plugins_listing", timeout=10)
                break
            except OSError:
                time.sleep(0.5)
        yield address
    finally:
        server.kill()
        server.wait()


def _row(name: str, frames: list[float]) -> Row:
    return name, *(f"{frame:.1f}" for frame in np.percentile(frames, [50, 95]))


if __name__ == "__main__":
    print(report())
