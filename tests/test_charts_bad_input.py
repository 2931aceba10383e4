"""What nobody means to log or to ask for, on the Charts page: each is told, and the rest goes on."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from charts_fixtures import card, drawn
from dashboard_fixtures import log_run, served
from playwright.sync_api import Page, expect

TAGS = 5_000
FAR = 2**62
FAR_TOLD = "4,611,686,018,427,38"


@pytest.fixture(scope="module")
def odd_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One project of odd series and a deleted run, and one of a run with very many tags."""
    with served(tmp_path_factory.mktemp("odd")) as dashboard:
        store = dashboard.store
        log_run(
            store,
            "wide",
            [{f"layer_{i // 100:02}/w{i % 100:02}": float(i) for i in range(TAGS)}],
            project="wide",
        )
        log_run(store, "gone", [{"loss": 2.0}], id="gone")
        log_run(store, "odd", [{"loss": 1.0, "nan": math.nan}, {"nan": math.nan}])
        with_far_steps(store.url)
        store.delete_runs(["gone"])
        yield dashboard.url


def with_far_steps(url: str) -> None:
    import trainboard as tb

    with tb.init("digits", "far", store=url) as far:
        for step in (FAR - 2_000, FAR - 1_000, FAR):
            far.log({"far": 1.0}, step=step)


def hover(board: Page, tag: str, share: float) -> None:
    """Move the pointer to a place between the left and the right end of a chart."""
    box = card(board, tag).locator(".u-over").bounding_box()
    assert box is not None
    board.mouse.move(box["x"] + box["width"] * share, box["y"] + box["height"] / 2, steps=2)


def test_of_5000_tags_some_sections_are_open_and_the_filter_finds_any(board: Page, odd_url: str) -> None:
    board.goto(f"{odd_url}/?project=wide")
    expect(card(board, "layer_00/w00")).to_contain_text("1 point, last 0 at step 0")
    expect(board.locator("section.section")).to_have_count(50)
    expect(board.locator("article.card")).to_have_count(200)
    board.get_by_role("button", name="layer_49").click()
    expect(board.locator("section[aria-label=layer_49] article")).to_have_count(100)
    board.get_by_placeholder("Filter charts").fill("49/w9[89]")
    expect(board.locator("article.card")).to_have_count(2)
    expect(card(board, "layer_49/w99")).to_contain_text("1 point, last 4999 at step 0")


def test_one_point_nothing_but_nan_and_enormous_steps_are_told_as_they_are(board: Page, odd_url: str) -> None:
    board.goto(odd_url)
    expect(card(board, "loss")).to_contain_text("1 point, last 1.000 at step 0")
    expect(card(board, "nan")).to_contain_text("2 points, last NaN at step 1")
    (steps,) = drawn(board, "far", "Array.from(curve.step)")
    assert steps == pytest.approx([FAR - 2_000, FAR - 1_000, FAR], abs=512)  # as float64 tells them apart
    for tag, share, told in (("loss", 0.5, "1.000"), ("nan", 0.02, "NaN"), ("far", 0.5, FAR_TOLD)):
        hover(board, tag, share)
        expect(board.locator("#tooltip tbody")).to_contain_text(told)


@pytest.mark.parametrize(
    ("text", "told"), [("loss -", "missing"), ("loss ( nan", "missing"), ("pow(loss)", "")]
)
def test_a_broken_formula_in_the_address_is_told_on_its_card_and_others_are_drawn(
    board: Page, odd_url: str, text: str, told: str
) -> None:
    charts: Any = [{"title": "broken", "left": ["loss", text]}]
    board.goto(f"{odd_url}/?charts={quote(json.dumps(charts))}")
    expect(card(board, "own:broken").get_by_role("alert")).to_contain_text(told)
    expect(card(board, "own:broken")).to_contain_text("last 1.000")
    expect(card(board, "nan")).to_contain_text("2 points")


def test_an_address_that_names_a_deleted_run_shows_what_is_left(board: Page, odd_url: str) -> None:
    board.goto(f"{odd_url}/?only=gone")
    expect(board.get_by_text("runs that were deleted")).to_be_visible()
    board.goto(f"{odd_url}/?baseline=gone&colors=gone:ff0000&hidden=gone")
    expect(card(board, "loss")).to_contain_text("odd: 1 point, last 1.000 at step 0")
    expect(card(board, "loss")).not_to_contain_text("gone")
