"""Pages that are open while their runs are deleted, restored or archived from the command line."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request

import numpy as np
import pytest
from dashboard_fixtures import Dashboard, log_run
from playwright.sync_api import Page, expect

import trainboard as tb
from trainboard.storage import Store


def change(store: Store, *words: str) -> None:
    command = [sys.executable, "-m", "trainboard", "runs", *words, "--store", store.url]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr


def values(seed: int) -> list[dict[str, object]]:
    noise = np.random.default_rng(seed)
    return [
        {
            "loss": 1 / (step + seed),
            "weights": tb.Histogram(noise.normal(size=100)),
            "sample": tb.Image(noise.random((8, 8))),
        }
        for step in range(3)
    ]


def listed(dashboard: Dashboard, query: str = "") -> list[str]:
    with urllib.request.urlopen(f"{dashboard.url}/api/v1/runs{query}", timeout=60) as answer:
        return [run["name"] for run in json.load(answer)["runs"]]


def test_a_run_deleted_while_its_curves_are_shown_vanishes_and_comes_back(
    board: Page, store: Store, dashboard: Dashboard
) -> None:
    for number in (1, 2):
        log_run(store, f"run {number}", values(number))
    board.goto(dashboard.url)
    chart = board.locator('article[data-tag="loss"]')
    expect(chart).to_contain_text("run 1: 3 points")
    color = "trainboard.plots()[0].curves.map(curve => curve.color).at(-1)"
    before = board.evaluate(color)
    change(store, "delete", "run 1")
    expect(board.locator(".run-name")).to_have_text(["run 2"])
    expect(chart).not_to_contain_text("run 1")
    assert board.evaluate("trainboard.plots()[0].curves.length") == 1
    assert board.evaluate(color) == before
    expect(board.locator("#lost")).to_be_hidden()
    assert listed(dashboard) == ["run 2"]
    change(store, "restore", "run 1")
    expect(chart).to_contain_text("run 1: 3 points")


@pytest.mark.parametrize("path", ["/histograms", "/media"])
def test_the_last_run_deleted_leaves_a_calm_page(
    path: str, board: Page, store: Store, dashboard: Dashboard
) -> None:
    log_run(store, "only", values(1))
    board.goto(f"{dashboard.url}{path}")
    expect(board.locator("#page")).to_contain_text("only")
    change(store, "delete", "only")
    expect(board.locator(".run-name")).to_have_count(0)
    expect(board.locator("#page")).not_to_contain_text("only")
    expect(board.locator("#lost")).to_be_hidden()


def test_archived_runs_are_behind_a_switch(board: Page, store: Store, dashboard: Dashboard) -> None:
    for name in ("old", "new"):
        log_run(store, name, [{"loss": 1.0}])
    board.goto(dashboard.url)
    expect(board.locator(".run-name")).to_have_text(["new", "old"])
    change(store, "archive", "old")
    expect(board.locator(".run-name")).to_have_text(["new"])
    board.get_by_role("button", name="Archived").click()
    expect(board.locator(".run-name")).to_have_text(["new", "old"])
    board.reload()
    expect(board.locator(".run-name")).to_have_text(["new", "old"])
    board.get_by_role("button", name="Archived").click()
    expect(board.locator(".run-name")).to_have_text(["new"])
    change(store, "archive", "new")
    board.get_by_role("button", name="Archived").click()
    expect(board.locator(".run-name")).to_have_text(["new", "old"])
    assert (listed(dashboard), listed(dashboard, "?archived=1")) == ([], ["new", "old"])
