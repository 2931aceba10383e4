"""Remake the pictures in docs/images from a store of the demo: `make docs`.

Without an argument the demo trains first, in a temporary folder; with one, that store is shown. The
picture of all kinds shows what the program of docs/media.md logs.
"""

from __future__ import annotations

import itertools
import math
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import closing, suppress
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

import trainboard as tb
from trainboard.cli.demo import dashboard
from trainboard.storage import open_store
from trainboard.storage.alerts import save_rule
from trainboard.storage.rules import Rule

IMAGES = Path(__file__).parent / "images"
SIZE: ViewportSize = {"width": 1440, "height": 900}
LONG: ViewportSize = {"width": 1440, "height": 1600}
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
    "graph": ("graph?theme=light&graph_run={pytorch-1}&graph_twin={keras-1}", ".graph-pane-twin .graph-box"),
    "media": ("media?theme=light", "#page img"),
}
"""For each picture its address, with runs by their names, and what is there once the page has drawn."""
RANKS = {"ranks": ("?theme=light", ".uplot canvas")}
SCENES = {
    "media-grid": (
        "media?theme=light&media_view=grid&media_filter=scene&media_hide=prediction/meadow",
        ".picture-mask",
    ),
    "histograms-compare": ("histograms?theme=light&histogram_view=compare", ".js-plotly-plot .trace"),
}
KINDS_PICTURE = {"kinds": ("media?theme=light", ".js-plotly-plot")}
TWINS = {
    "graph-twin": (
        "graph?theme=light&graph_run={torch-cnn}&graph_twin={keras-cnn}&graph_view=layers",
        ".twin-first",
    )
}
SWEEP = {
    "runs": ("runs?theme=light", "#run-grid .ag-row"),
    "compare": (
        "compare?theme=light&compare_by=but&compare_keys=seed,dropout&where=config.lr+%3C+0.1"
        "&a=lr+0.0001,+model+wide&b=lr+0.0001,+model+narrow",
        ".verdict[data-decided]",
    ),
    "hparams": ("hparams?theme=light&trial_tag=val/loss", "#trial-figure .trace"),
}
PROJECTOR = {
    "projector": ("projector?theme=light&projector_method=pca&projector_labels=1", ".projector-legend"),
}
MESHES = {"mesh": ("mesh?theme=light&mesh_filter=fit", ".mesh-card[data-drawn]")}
TROUBLED = {
    "health": ("health?theme=light", ".heat-map canvas"),
    "profile": ("profile?theme=light", ".trace-table"),
}
EVALUATION = {
    "curves": ("curves?theme=light&curve_by=class", ".unit-line"),
    "layouts": ("?theme=light&card_width=400", ".layout-section canvas"),
}
ALERTS = {"alerts": ("alerts?theme=light", "li.event")}
SETTLING = 3_000
WIDE: ViewportSize = {"width": 1440, "height": 520}
SMALL: ViewportSize = {"width": 1080, "height": 420}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        trained = Path(sys.argv[1]) if sys.argv[1:] else trained_store(Path(folder))
        take_all(browser, trained, SIZE, PICTURES)
        take_all(browser, swept_store(Path(folder)), SIZE, SWEEP)
        take_all(browser, two_ranks(Path(folder)), SMALL, RANKS)
        take_all(browser, store_of_twins(Path(folder)), SMALL, TWINS)
        take_all(browser, troubled(Path(folder)), LONG, TROUBLED)
        take_all(browser, store_of_guide(Path(folder)), TALL, KINDS_PICTURE)
        take_scenes(browser, Path(folder))
        take_all(browser, store_of_examples(Path(folder), ["text_embeddings"]), SIZE, PROJECTOR)
        fits = [f"mesh_fit --smoothing {smoothing}" for smoothing in ("0.0", "0.05", "0.4")]
        take_all(browser, store_of_examples(Path(folder), fits), WIDE, MESHES)
        take_all(browser, evaluated(Path(folder)), SIZE, EVALUATION)
        take_all(browser, alerted(Path(folder)), SIZE, ALERTS)
        take_panes(browser, Path(folder))
        browser.close()


def swept_store(folder: Path) -> Path:
    """Runs of two models, four learning rates and eight seeds, of which one model is a little better."""
    noise = random.Random(0)
    for seed, lr, model in itertools.product(range(8), (1e-4, 1e-3, 1e-2, 1e-1), ("narrow", "wide")):
        config = {"model": model, "lr": lr, "seed": seed, "dropout": round(noise.uniform(0, 0.5), 2)}
        floor = 0.3 + 0.08 * abs(math.log10(lr) + 2.5) - 0.05 * (model == "wide") + noise.gauss(0, 0.02)
        name = f"{model}-lr{lr:g}-seed{seed}"
        with tb.init("sweep", name, config=config, tags=["sweep"], store=folder / "sweep.db") as run:
            for step in range(30):
                run.log({"train/loss": floor + 1 / (step + 1), "val/loss": floor + 1.1 / (step + 1)})
    return folder / "sweep.db"


def store_of_twins(folder: Path) -> Path:
    program = Path(__file__).parents[1] / "examples" / "twin_cnn.py"
    environment = {**os.environ, "TRAINBOARD_STORE": str(folder / "twins.db")}
    subprocess.run([sys.executable, str(program)], env=environment, check=True)
    return folder / "twins.db"


def two_ranks(folder: Path) -> Path:
    program = Path(__file__).parents[1] / "examples" / "torch_ddp.py"
    words = ["-m", "torch.distributed.run", "--nproc-per-node", "2", str(program), "--epochs", "2"]
    subprocess.run([sys.executable, *words, "--store", str(folder / "ranks.db")], check=True)
    return folder / "ranks.db"


def store_of_examples(folder: Path, programs: list[str]) -> Path:
    """A store of what these programs of examples/ log, each with its options."""
    store = folder / f"{programs[0].split()[0]}.db"
    for program in programs:
        name, *options = program.split()
        path = Path(__file__).parents[1] / "examples" / f"{name}.py"
        subprocess.run([sys.executable, str(path), *options, "--store", str(store)], check=True)
    return store


def troubled(folder: Path) -> Path:
    program = Path(__file__).parents[1] / "examples" / "troubled.py"
    subprocess.run([sys.executable, str(program)], cwd=folder, check=True)
    return (folder / "trainboard.db").rename(folder / "troubled.db")


def evaluated(folder: Path) -> Path:
    program = Path(__file__).parents[1] / "examples" / "evaluation.py"
    store = folder / "evaluation.db"
    environment = {**os.environ, "TRAINBOARD_STORE": str(store)}
    subprocess.run([sys.executable, str(program)], env=environment, check=True)
    return store


def alerted(folder: Path) -> Path:
    """Three runs that a server's rules watched: one is fine, one rises and gets stuck, one fails."""
    noise = random.Random(0)
    path = folder / "alerts.db"
    with closing(open_store(path, create=True)) as store:
        rules = [
            Rule("Loss is high", "above", "train/loss", value=2.0, points=3),
            Rule("Stuck", "no_progress", "val/loss", steps=100, level="error"),
            Rule("Failed", "crashed", level="error"),
        ]
        for rule in rules:
            save_rule(store, "digits", rule)
        with dashboard(store, 0):
            for name in ("adam-wide", "sgd-narrow", "adam-huge"):
                with suppress(MemoryError), tb.init("digits", name, store=path) as run:
                    train_noisily(run, noise)
            time.sleep(SETTLING / 1_000)
    return path


def train_noisily(run: tb.Run, noise: random.Random) -> None:
    for step in range(300):
        risen = 3.0 if run.name == "sgd-narrow" and step > 200 else 0.0
        loss = 1 / (step / 50 + 1) + noise.gauss(0, 0.02) + risen
        best = 150 if run.name == "sgd-narrow" else 300
        run.log({"train/loss": loss, "val/loss": 1.1 / (min(step, best) / 50 + 1)})
        if step in (100, 110, 130):
            run.alert("Gradient norm spiked", f"It was {noise.uniform(5, 9):.1f} times its mean.", "warning")
        if run.name == "adam-huge" and step == 240:
            raise MemoryError("CUDA out of memory: 2.00 GiB were asked for")
        time.sleep(0.005)


def take_all(browser: Browser, path: Path, size: ViewportSize, pictures: dict[str, tuple[str, str]]) -> None:
    store = open_store(path)
    ids = {run.name: run.id for run in store.runs()}
    with closing(store), dashboard(store, 0) as address:
        page = browser.new_page(viewport=size)
        for name, (where, drawn) in pictures.items():
            take(page, address + where.format_map(ids), drawn, IMAGES / f"{name}.png")


def take_scenes(browser: Browser, folder: Path) -> None:
    """What examples/segment_scenes.py logs: all its pictures, and the difference of two."""
    program = Path(__file__).parents[1] / "examples" / "segment_scenes.py"
    path = folder / "scenes.db"
    subprocess.run([sys.executable, str(program), "--store", str(path)], check=True)
    take_all(browser, path, {"width": 1440, "height": 520}, SCENES)
    with closing(open_store(path)) as store, dashboard(store, 0) as address:
        page = browser.new_page(viewport={"width": 1080, "height": 760})
        page.goto(f"{address}media?theme=light&media_filter=shares")
        page.locator(".image-frame").first.click()
        page.get_by_role("button", name="Difference").click()
        page.wait_for_selector(".inspector-told")
        page.wait_for_timeout(SETTLING)
        page.screenshot(path=IMAGES / "media-difference.png")


def take_panes(browser: Browser, folder: Path) -> None:
    """What a program draws with Visdom's client."""
    with (
        closing(open_store(folder / "visdom.db", create=True)) as store,
        dashboard(store, 0) as address,
    ):
        draw_with_visdom(urlsplit(address).port)
        page = browser.new_page(viewport=SIZE)
        take(
            page, f"{address}panes?env=digits_cnn&theme=light", ".js-plotly-plot .trace", IMAGES / "panes.png"
        )


def draw_with_visdom(port: int | None) -> None:
    from visdom import Visdom

    generator = np.random.default_rng(0)
    for env in ("digits_mlp", "digits_cnn"):
        vis = Visdom(port=port, env=env, use_incoming_socket=False)
        steps = np.arange(200)
        for name, scale in (("train", 1.0), ("val", 1.2)):
            loss = scale / (1 + steps / 20) + generator.normal(0, 0.02, 200)
            vis.line(X=steps, Y=loss, win="loss", name=name, update="append", opts={"title": "Loss"})
        vis.heatmap(generator.random((10, 10)), opts={"title": "Confusion", "xlabel": "said", "ylabel": "is"})
        vis.scatter(generator.normal(size=(150, 2)), generator.integers(1, 4, 150), opts={"title": "Codes"})
        vis.images(
            generator.random((8, 3, 28, 28)), nrow=4, opts={"title": "Batch", "width": 420, "height": 250}
        )
        vis.text("Epoch 1<br>Epoch 2<br><b>Best so far: 0.97</b>", opts={"title": "Log"})
        knobs = [{"type": "number", "name": "Learning rate", "value": "0.001"}]
        vis.properties(
            [*knobs, {"type": "button", "name": "Checkpoint", "value": "Save"}], opts={"title": "Knobs"}
        )


def store_of_guide(folder: Path) -> Path:
    """The store that the first program of docs/media.md makes."""
    text = (IMAGES.parent / "media.md").read_text()
    program, *_ = re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
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
