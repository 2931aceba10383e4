"""Pages about what few runs have: they find these among many, and show the first record as it arrives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from dashboard_fixtures import Dashboard, eventually, log_run
from playwright.sync_api import Locator, Page, expect

import trainboard as tb
from trainboard.storage import Store
from trainboard.storage.kinds.graph import Edge, Graph, Node


def records() -> dict[str, Any]:
    """What the pages under test are about: a histogram, a picture, a curve and a graph of two layers."""
    nodes = [Node("a", "first", "Linear"), Node("b", "second", "ReLU")]
    return {
        "weights": tb.Histogram(np.arange(9.0)),
        "sample": tb.Image(np.zeros((4, 4))),
        "curve": tb.PRCurve(np.array([0, 1]), np.array([0.2, 0.7])),
        "graph": Graph(nodes, [Edge("a", "b")]),
    }


def drawn(board: Page) -> dict[str, Locator]:
    """For each page what it shows of ``records``."""
    return {
        "histograms": board.locator("#histogram-grid .card"),
        "media": board.locator(".media-card img"),
        "curves": board.locator(".unit-chart").first,
        "graph": board.locator(".graph-box").first,
    }


def test_pages_find_the_run_that_has_something_behind_many_that_have_nothing(
    board: Page, store: Store, dashboard: Dashboard
) -> None:
    run = log_run(store, "the one", [records()])
    others = [log_run(store, f"plain {number}") for number in range(13)]
    for page, found in drawn(board).items():
        board.goto(f"{dashboard.url}/{page}")
        expect(found).to_be_visible()
        board.goto(f"{dashboard.url}/{page}?only={others[0]}")
        offer = board.locator(".elsewhere")
        expect(offer).to_contain_text("1 other run of this project has some.")
        offer.get_by_role("button", name="Show it").click()
        expect(found).to_be_visible()
        assert run in board.evaluate("location.search")


@pytest.mark.parametrize("path", ["histograms", "media", "curves", "graph"])
def test_the_first_record_of_a_run_appears_by_itself(
    path: str, board: Page, store: Store, dashboard: Dashboard
) -> None:
    with tb.init(project="digits", name="live", store=store.url) as run:
        run.log({"loss": 1.0}, step=0)
        run.flush()
        board.goto(f"{dashboard.url}/{path}")
        expect(board.locator("#page")).to_contain_text("runs")
        found = drawn(board)[path]
        expect(found).to_have_count(0)
        run.log(records(), step=1)
        run.flush()
        expect(found).to_be_visible()


def test_a_name_of_ten_thousand_letters_stays_in_its_place(
    board: Page, store: Store, dashboard: Dashboard
) -> None:
    name = "x" * 10_000
    log_run(store, name, [{f"{name}/{tag}": value for tag, value in records().items()}])
    board.set_viewport_size({"width": 390, "height": 844})
    for page, found in list(drawn(board).items())[:3]:
        board.goto(f"{dashboard.url}/{page}")
        expect(found).to_be_visible()
        assert board.locator("main").evaluate("main => main.scrollWidth <= main.clientWidth"), page
    heading, chart = (board.locator(place).first.bounding_box() for place in (".section-name", ".unit-chart"))
    assert heading and chart and heading["y"] + heading["height"] <= chart["y"] + 1


DARK = {"data": [{"type": "bar", "y": [1, 2]}]}
FIXED = {"data": DARK["data"], "layout": {"paper_bgcolor": "#fff8e1"}}
INKED = {"data": [{"type": "scatter", "y": [1, 2], "line": {"color": "black"}}]}


def test_a_figure_takes_the_ground_of_the_theme_unless_its_program_chose_one(
    board: Page, store: Store, dashboard: Dashboard
) -> None:
    figures = {"left": tb.Figure(DARK), "fixed": tb.Figure(FIXED), "inked": tb.Figure(INKED)}
    log_run(store, "net", [figures])
    board.goto(f"{dashboard.url}/media?theme=dark")

    def grounds() -> dict[str, str]:
        return board.evaluate(
            """() => Object.fromEntries([...document.querySelectorAll('.media-section')].map((section) => [
                section.querySelector('h2').textContent,
                section.querySelector('.js-plotly-plot')?._fullLayout?.paper_bgcolor ?? '',
            ]))"""
        )

    fixed = {"fixed": "#fff8e1", "inked": "white"}
    eventually(lambda: grounds() == {"left": "#16181d", **fixed})
    board.evaluate("trainboard.setQuery({theme: 'light'})")
    eventually(lambda: grounds() == {"left": "white", **fixed})
