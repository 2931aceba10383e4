"""Live updates: every point arrives once, in order, whatever the order and the pace of logging."""

from __future__ import annotations

from dashboard_fixtures import Dashboard, eventually
from playwright.sync_api import Page, expect

import trainboard as tb
from trainboard.storage import Store

STEPS = "trainboard.plots().flatMap(plot => plot.curves.map(curve => Array.from(curve.step)))"


def drawn_steps(board: Page) -> list[list[int]]:
    """The steps of each curve on the page, as drawn."""
    return board.evaluate(STEPS)


def test_points_logged_in_bursts_are_each_drawn_once(board: Page, store: Store, dashboard: Dashboard) -> None:
    run = tb.init(project="digits", name="bursts", store=store.url)
    run.log({"loss": 1.0}, step=0)
    board.goto(dashboard.url)
    expect(board.locator("article.card")).to_contain_text("1 point,")
    for burst in range(5):
        for step in range(40):
            run.log({"loss": 1.0}, step=1 + burst * 40 + step)
        run.flush()
    run.finish()
    eventually(lambda: drawn_steps(board) == [list(range(201))])


def test_a_late_point_is_drawn_at_its_step(board: Page, store: Store, dashboard: Dashboard) -> None:
    run = tb.init(project="digits", name="late", store=store.url)
    for step in (0, 10, 20):
        run.log({"loss": 1.0}, step=step)
    board.goto(dashboard.url)
    expect(board.locator("article.card")).to_contain_text("3 points")
    run.log({"loss": 5.0}, step=5)
    run.finish()
    eventually(lambda: drawn_steps(board) == [[0, 5, 10, 20]])


def test_a_slow_browser_falls_behind_but_never_draws_a_point_twice(
    board: Page, store: Store, dashboard: Dashboard
) -> None:
    run = tb.init(project="digits", name="slow", store=store.url)
    run.log({"loss": 1.0}, step=0)
    board.goto(dashboard.url)
    expect(board.locator("article.card")).to_contain_text("1 point,")
    session = board.context.new_cdp_session(board)
    session.send("Emulation.setCPUThrottlingRate", {"rate": 6})
    for step in range(1, 101):
        run.log({"loss": 1.0 / step}, step=step)
        if step % 10 == 0:
            run.flush()
    run.finish()
    eventually(lambda: drawn_steps(board) == [list(range(101))])


def test_a_growing_series_is_thinned_when_it_becomes_long(
    board: Page, store: Store, dashboard: Dashboard
) -> None:
    run = tb.init(project="digits", name="long", store=store.url)
    run.log({"loss": 1.0}, step=0)
    board.goto(dashboard.url)
    expect(board.locator("article.card")).to_contain_text("1 point,")
    for step in range(1, 9001):
        run.log({"loss": 1.0 / step}, step=step)
    run.finish()
    expect(board.locator("article.card")).to_contain_text("of 9001 points")
    (steps,) = drawn_steps(board)
    assert len(steps) <= 2500
    assert steps[0] == 0 and steps[-1] == 9000


def test_two_pages_follow_the_same_run(board: Page, store: Store, dashboard: Dashboard) -> None:
    run = tb.init(project="digits", name="shared", store=store.url)
    run.log({"loss": 1.0}, step=0)
    second = board.context.new_page()
    for page in (board, second):
        page.goto(dashboard.url)
        expect(page.locator("article.card")).to_contain_text("1 point,")
    run.log({"loss": 0.5}, step=1)
    for page in (board, second):
        expect(page.locator("article.card")).to_contain_text("2 points")
    run.finish()
