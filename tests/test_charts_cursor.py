"""Charts under the mouse: zooms, tooltips, and a cursor that all share."""

from __future__ import annotations

import math
import re

from charts_fixtures import card
from dashboard_fixtures import Dashboard, eventually, falling, log_run
from playwright.sync_api import Page, expect

import trainboard as tb
from trainboard.storage import Store


def test_a_zoom_survives_live_points_and_a_double_click_ends_it(
    board: Page, store: Store, dashboard: Dashboard
) -> None:
    run = tb.init(project="digits", name="live", store=store.url)
    for step in range(50):
        run.log({"loss": 1.0 / (step + 1)}, step=step)
    run.flush()
    board.goto(dashboard.url)
    expect(card(board, "loss")).to_contain_text("50 points")
    drag_across(board, "loss", 0.2, 0.6)
    zoomed = x_range(board)
    assert 5 < zoomed[0] < 15 and 25 < zoomed[1] < 35
    run.log({"loss": 0.5}, step=50)
    expect(card(board, "loss")).to_contain_text("51 points")
    assert x_range(board) == zoomed
    card(board, "loss").locator(".u-over").dblclick()
    eventually(lambda: x_range(board) == [0, 50])
    run.finish()


def drag_across(board: Page, tag: str, start: float, end: float) -> None:
    box = card(board, tag).locator(".u-over").bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2
    board.mouse.move(box["x"] + box["width"] * start, middle)
    board.mouse.down()
    board.mouse.move(box["x"] + box["width"] * end, middle, steps=4)
    board.mouse.up()


def x_range(board: Page) -> list[float]:
    """The steps at the left and right edges, as the tooltip's chart knows them."""
    return board.evaluate("trainboard.plots().map(plot => [plot.u.scales.x.min, plot.u.scales.x.max])[0]")


def test_the_tooltip_lists_the_runs_nearest_first_with_four_digits(
    board: Page, store: Store, dashboard: Dashboard
) -> None:
    log_run(store, "low", [{"loss": 1.23456}] * 10)
    log_run(store, "high", [{"loss": 3.0}] * 10)
    board.goto(dashboard.url)
    expect(card(board, "loss")).to_contain_text("high: 10 points")
    plot = card(board, "loss").locator(".u-over")
    box = plot.bounding_box()
    assert box is not None
    plot.hover(position={"x": box["width"] / 2, "y": box["height"] - 3})
    rows = board.locator("#tooltip tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.nth(0)).to_contain_text(re.compile(r"low1\.235[45]"))
    plot.hover(position={"x": box["width"] / 2, "y": 3})
    expect(rows.nth(0)).to_contain_text("high")


def test_the_cursor_is_shared_by_all_charts(board: Page, store: Store, dashboard: Dashboard) -> None:
    log_run(store, "one", falling(30))
    board.goto(dashboard.url)
    expect(card(board, "val/loss")).to_contain_text("30 points")
    card(board, "train/loss").locator(".u-over").hover(position={"x": 60, "y": 60})
    at = "trainboard.plots().map(plot => Math.round(plot.u.posToVal(plot.u.cursor.left, 'x')))"
    eventually(lambda: len(steps := board.evaluate(at)) == 3 and len(set(steps)) == 1)


def test_keys_change_the_axis_and_reach_the_filter(board: Page, store: Store, dashboard: Dashboard) -> None:
    log_run(store, "one", falling(30))
    board.goto(dashboard.url)
    expect(card(board, "val/loss")).to_contain_text("30 points")
    board.keyboard.press("x")
    expect(board.get_by_role("radio", name="Relative")).to_be_checked()
    expect(board).to_have_url(re.compile("axis=relative"))
    drag_across(board, "val/loss", 0.2, 0.6)
    assert any(board.evaluate("trainboard.plots().map(plot => plot.zoom)"))
    board.keyboard.press("Escape")
    assert not any(board.evaluate("trainboard.plots().map(plot => plot.zoom)"))
    board.keyboard.press("/")
    board.keyboard.type("val")
    expect(board.locator("article.card")).to_have_count(1)


def test_a_long_series_is_thinned_and_a_zoom_brings_every_point(
    board: Page, store: Store, dashboard: Dashboard
) -> None:
    log_run(store, "long", [{"loss": math.sin(step / 50)} for step in range(20_000)])
    board.goto(dashboard.url)
    note = card(board, "loss").locator(".card-note")
    expect(note).to_contain_text(re.compile(r"of 20k points"))
    drag_across(board, "loss", 0.50, 0.52)
    expect(note).to_have_count(0)
    steps = board.evaluate("Array.from(trainboard.plots()[0].curves[0].step)")
    assert steps == list(range(int(steps[0]), int(steps[-1]) + 1))
