"""One store and one server for all that is looked at, but not changed, on the Charts page."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs

import pytest
from dashboard_fixtures import Dashboard, log_run
from playwright.sync_api import Locator, Page, expect

import trainboard as tb
from trainboard.storage import Store, open_store

NAMES = ("a-s0", "a-s1", "b-s0", "b-s1")


@pytest.fixture(scope="module")
def four_runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Two settings, two seeds each; lower run numbers have lower losses. One logs an event, one NaN."""
    store = open_store(tmp_path_factory.mktemp("charts") / "runs.db", create=True)
    for number, name in enumerate(NAMES):
        config = {"lr": 0.1 if name[0] == "a" else 0.01, "seed": number % 2}
        log_run(store, name, values_of(number), config=config)
    with tb.init("digits", "a-s0", id="with-event", store=store.url, group="told") as run:
        run.log({"told/loss": 1.0}, step=0)
        run.log({"told/loss": math.nan}, step=10)
        run.log({"told/loss": 0.5}, step=20)
        run.alert("Loss spike", "it rose", "warning")
    yield store
    store.close()


def values_of(number: int) -> list[dict[str, Any]]:
    return [
        {
            "train/loss": 1.0 + number - step / 100,
            "val/loss": 2.0 + number - step / 100,
            "lr": 0.1 * 0.9**step,
            "tokens": 4096.0 * step,
        }
        for step in range(50)
    ]


@pytest.fixture(scope="module")
def four_run_url(four_runs: Store) -> Iterator[str]:
    with Dashboard(four_runs) as dashboard:
        yield dashboard.url


def card(board: Page, tag: str) -> Locator:
    return board.locator(f'article[data-tag="{tag}"]').first


def drawn(board: Page, tag: str, told: str) -> list[Any]:
    """What ``told``, an expression of a ``curve``, is for every curve of a card once there are some."""
    expect(card(board, tag).locator(".card-body > p").first).to_contain_text("last")
    where = f"trainboard.plots().filter(plot => plot.card.id === {tag!r})[0]"
    return board.evaluate(f"{where}.curves.map(curve => {told})")


def query(board: Page) -> dict[str, str]:
    # board.url is only as new as the last message from the browser that was read
    search = board.evaluate("location.search.slice(1)")
    return {key: values[0] for key, values in parse_qs(search).items()}


def open_view(board: Page, url: str) -> None:
    board.goto(url)
    expect(card(board, "train/loss")).to_be_visible()
    board.keyboard.press("v")
