"""Histograms and images beside the curves of the Charts page, in a real browser."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from charts_fixtures import card
from dashboard_fixtures import Dashboard, log_run
from playwright.sync_api import Page, expect

import trainboard as tb
from trainboard.storage import Store, open_store


@pytest.fixture(scope="module")
def two_runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Two runs with a curve, histograms of values around the step, and images at every tenth step."""
    store = open_store(tmp_path_factory.mktemp("records") / "runs.db", create=True)
    for name in ("old", "new"):
        log_run(store, name, [about(step) for step in range(31)])
    yield store
    store.close()


def about(step: int) -> dict[str, Any]:
    told: dict[str, Any] = {"val/loss": 1.0 / (step + 1)}
    if step % 10 == 0:
        told["val/weights"] = tb.Histogram(np.linspace(step, step + 1, 50))
        told["val/sample"] = tb.Image(np.full((4, 6), step / 30))
    return told


@pytest.fixture(scope="module")
def records_url(two_runs: Store) -> Iterator[str]:
    with Dashboard(two_runs) as dashboard:
        yield dashboard.url


def test_histograms_and_images_stand_among_the_curves_of_their_section(board: Page, records_url: str) -> None:
    board.goto(records_url)
    cards = board.locator("section[aria-label=val] article")
    expect(cards).to_have_count(1)
    board.keyboard.press("v")
    board.get_by_label("Histograms").check()
    board.get_by_label("Images").check()
    expect(cards).to_have_count(3)
    board.keyboard.press("v")
    board.reload()
    sample = card(board, "image:val/sample")
    expect(sample.locator("figcaption")).to_have_text(["new", "old"])
    expect(sample.locator(".card-note")).to_have_text("step 30")
    # The quantiles of both runs along the steps.
    expect(card(board, "histogram:val/weights").locator(".xtick text")).to_contain_text(
        ["0", "10", "20", "30"]
    )
    sample.get_by_label("Step of val/sample").press("Home")
    expect(sample.locator(".card-note")).to_have_text("step 0")
    sample.get_by_role("button", name=re.compile("^Pin")).click()
    expect(board.locator("section[aria-label=Pinned] article")).to_have_attribute(
        "data-tag", "image:val/sample"
    )


def test_a_chosen_step_is_one_for_curves_histograms_and_images(board: Page, records_url: str) -> None:
    board.goto(f"{records_url}/?kinds=scalar,histogram,image&steps=14")
    expect(card(board, "val/loss").locator(".step-table tbody tr").first).to_contain_text("14")
    expect(card(board, "image:val/sample").locator(".card-note")).to_have_text("step 10")
    # What both runs hold at step 10: values from 10 to 11.
    values = card(board, "histogram:val/weights").locator(".xtick text")
    expect(values.first).to_contain_text("10")
    expect(values.last).to_contain_text(re.compile("^1[01]"))
    expect(card(board, "histogram:val/weights").locator(".scatterlayer .trace")).to_have_count(2)


def test_records_that_come_while_the_page_is_open_are_drawn(
    board: Page, store: Store, dashboard: Dashboard
) -> None:
    with tb.init("digits", "live", store=store.url) as run:
        run.log({"sample": tb.Image(np.zeros((2, 2)))}, step=1)
        board.goto(f"{dashboard.url}/?kinds=image")
        expect(card(board, "image:sample").locator(".card-note")).to_have_text("step 1")
        run.log({"sample": tb.Image(np.ones((2, 2))), "other": tb.Image(np.ones((2, 2)))}, step=2)
        expect(card(board, "image:sample").locator(".card-note")).to_have_text("step 2")
        expect(card(board, "image:other")).to_be_visible()


@pytest.mark.parametrize(
    ("asked", "status"), [("tag=val/sample&step=x", 400), ("runs=a", 400), ("tag=gone&runs=gone,b", 200)]
)
def test_questions_about_records_that_make_no_sense_are_answered(
    records_url: str, asked: str, status: int
) -> None:
    for kind in ("images", "histograms"):
        try:
            answer = urllib.request.urlopen(f"{records_url}/api/v1/charts/{kind}?{asked}")
        except urllib.error.HTTPError as error:
            answer = error
        assert answer.status == status and json.load(answer)
