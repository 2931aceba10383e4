"""Smoothing, in the page as in Python."""

from __future__ import annotations

import math

import numpy as np
import pytest
from charts_fixtures import drawn, query
from dashboard_fixtures import eventually
from playwright.sync_api import Page, expect

from trainboard.dashboard.smoothing import KINDS, Kind, smooth

pytest_plugins = ["charts_fixtures"]


def test_every_smoothing_of_the_page_is_that_of_python(board: Page, four_run_url: str) -> None:
    board.goto(four_run_url)
    board.wait_for_selector(".uplot")
    random = np.random.default_rng(7)
    noisy = random.normal(size=120)
    noisy[[3, 50, 51]] = math.nan, math.inf, -math.inf
    x = np.cumsum(random.exponential(size=120))
    cases: list[tuple[Kind, float]] = [
        (kind, weight) for kind in KINDS for weight in (0.0, 0.3, 0.6, 0.95, 0.999)
    ]
    words = [str(value).replace("inf", "Infinity").replace("nan", "NaN") for value in noisy]
    told = board.evaluate(
        "([words, x, cases]) => cases.map(([kind, weight]) => Array.from(trainboard.smooth("
        "Float64Array.from(words.map(Number)), weight, kind, Float64Array.from(x)), String))",
        [words, x.tolist(), cases],
    )
    for (kind, weight), line in zip(cases, told, strict=True):
        page = np.array([float(word.replace("Infinity", "inf")) for word in line])
        np.testing.assert_allclose(page, smooth(noisy, weight, kind, x), rtol=1e-9, err_msg=kind)


def test_on_equal_spacing_the_average_by_distance_is_the_average() -> None:
    values = np.random.default_rng(1).normal(size=50)
    by_distance = smooth(values, 0.8, "distance", 3.0 * np.arange(50))
    np.testing.assert_allclose(by_distance, smooth(values, 0.8), rtol=1e-12)


def test_a_kind_of_smoothing_is_chosen_and_says_how_far_it_looks(board: Page, four_run_url: str) -> None:
    board.goto(f"{four_run_url}/?smoothing=0.9")
    weight = board.get_by_label("Smoothing weight")
    expect(weight).to_have_value("0.9")
    board.get_by_role("textbox", name="Kind of smoothing").click()
    board.get_by_role("option", name="Median").click()
    expect(board.locator("#smoothing-reach")).to_have_text("19 pts")
    eventually(lambda: query(board) == {"smoothing": "0.9", "smoothing_kind": "median"})
    both = "[curve.y[10], curve.value[10]]"
    eventually(lambda: (one := drawn(board, "train/loss", both)[0])[0] == pytest.approx(one[1], abs=0.01))
    weight.fill("0.995")
    eventually(lambda: query(board)["smoothing"] == "0.995")
    expect(board.locator("#smoothing-reach")).to_have_text("399 pts")
    board.get_by_role("slider", name="Smoothing").press("Home")
    expect(weight).to_have_value("0")
