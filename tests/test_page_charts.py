"""The Charts page in a real browser."""

from __future__ import annotations

import itertools
import math
import re

import numpy as np
from charts_fixtures import card
from dashboard_fixtures import Dashboard, eventually, falling, log_run, once_within
from playwright.sync_api import Page, expect

import trainboard as tb
from trainboard.dashboard.smoothing import smooth
from trainboard.storage import Store


def test_every_tag_has_a_card_in_the_section_of_its_prefix(
    board: Page, store: Store, dashboard: Dashboard
) -> None:
    log_run(store, "first", falling(20))
    log_run(store, "second", falling(20, scale=2))
    log_run(store, "third", [{"system/cpu": 1.0, "plain": 1.0, "zeta/one": 1.0}])
    board.goto(dashboard.url)
    expect(board.locator("section.section[aria-label=train] article")).to_have_count(2)
    sections = board.locator("section.section").evaluate_all("all => all.map((one) => one.ariaLabel)")
    assert sections == ["train", "val", "zeta", "other", "system"]
    expect(board.locator("section.section[aria-label=val] article")).to_have_count(1)
    expect(card(board, "train/loss")).to_contain_text("first: 20 points, last 0.05000 at step 19.")
    expect(card(board, "train/loss")).to_contain_text("second: 20 points, last 0.1000 at step 19.")


def test_a_new_point_is_on_the_open_page_within_a_second(
    board: Page, store: Store, dashboard: Dashboard
) -> None:
    run = tb.init(project="digits", name="live", store=store.url)
    run.log({"loss": 1.0}, step=0)
    board.goto(dashboard.url)
    expect(card(board, "loss")).to_contain_text("live: 1 point,")
    numbers = itertools.count(1)

    def show() -> None:
        step = next(numbers)
        run.log({"loss": 1.0 / step}, step=step)
        expect(card(board, "loss")).to_contain_text(f"at step {step}.")

    for _ in range(3):
        once_within(1, show)
    run.finish()


def test_a_new_run_and_a_new_tag_appear_by_themselves(
    board: Page, store: Store, dashboard: Dashboard
) -> None:
    log_run(store, "first", [{"loss": 1.0}])
    board.goto(dashboard.url)
    expect(card(board, "loss")).to_be_visible()
    log_run(store, "second", [{"loss": 2.0, "accuracy": 0.5}])
    expect(board.locator(".run-name")).to_have_text(["second", "first"])
    expect(card(board, "accuracy")).to_contain_text("second: 1 point")
    expect(card(board, "loss")).to_contain_text("second: 1 point")


def test_smoothing_in_the_page_agrees_with_python(board: Page, store: Store, dashboard: Dashboard) -> None:
    board.goto(dashboard.url)
    board.wait_for_function("() => Boolean(window.trainboard?.smooth)")
    random = np.random.default_rng(7)
    noisy = random.normal(size=200)
    noisy[[3, 50, 51]] = math.nan, math.inf, -math.inf
    for values in (noisy, np.full(5, 2.5), np.array([math.nan, 1.0]), np.array([])):
        for weight in (0.0, 0.6, 0.99, 1.0):
            told = [str(value) for value in values]
            words = [word.replace("inf", "Infinity").replace("nan", "NaN") for word in told]
            drawn = board.evaluate(
                "([words, weight]) =>"
                " Array.from(trainboard.smooth(Float64Array.from(words.map(Number)), weight), String)",
                [words, weight],
            )
            page = np.array([float(word.replace("Infinity", "inf")) for word in drawn])
            np.testing.assert_allclose(page, smooth(values, weight), rtol=1e-12)


def test_python_smoothing_takes_the_bias_out_and_lets_nan_pass() -> None:
    smoothed = smooth([2.0, math.nan, 4.0], 0.5)
    assert smoothed[0] == 2.0
    assert math.isnan(smoothed[1])
    assert smoothed[2] == (2.0 * 0.25 + 4.0 * 0.5) / 0.75


def test_controls_are_in_the_address_and_come_back_from_it(
    board: Page, store: Store, dashboard: Dashboard
) -> None:
    log_run(store, "one", falling(30))
    board.goto(dashboard.url)
    board.get_by_text("Relative", exact=True).click()
    board.get_by_role("radiogroup", name="Y scale").get_by_text("Log", exact=True).click()
    board.get_by_placeholder("Filter charts").fill("loss")
    expect(board.locator("article.card")).to_have_count(2)
    expect(board).to_have_url(re.compile(r"\?axis=relative&filter=loss&yscale=log$"))
    board.reload()
    expect(board.locator("article.card")).to_have_count(2)
    expect(board.get_by_role("radio", name="Log", exact=True)).to_be_checked()
    looks = board.evaluate("trainboard.plots().map(plot => [plot.look.yscale, plot.look.axis])")
    assert looks == [["log", "relative"]] * 2


def test_outliers_are_ignored_on_wish(board: Page, store: Store, dashboard: Dashboard) -> None:
    log_run(store, "one", [{"loss": 1000.0 if step == 50 else step / 100} for step in range(100)])
    board.goto(dashboard.url)
    expect(card(board, "loss")).to_contain_text("100 points")
    assert board.evaluate("trainboard.plots()[0].u.scales.y.max") > 1000
    board.keyboard.press("v")
    board.get_by_label("Ignore them").check()
    eventually(lambda: board.evaluate("trainboard.plots()[0].u.scales.y.max") < 2)


def test_a_section_stays_closed(board: Page, store: Store, dashboard: Dashboard) -> None:
    log_run(store, "one", falling(3))
    board.goto(dashboard.url)
    board.get_by_role("button", name="train").first.click()
    expect(board.locator("article.card")).to_have_count(1)
    board.reload()
    expect(board.locator("article.card")).to_have_count(1)


def test_a_wrong_address_is_harmless(board: Page, store: Store, dashboard: Dashboard) -> None:
    log_run(store, "one", [{"a,b%2C/loss": 1.0}] * 5)
    wrong = "axis=epoch&smoothing=9&theme=pink&wide=%25E0&sections=%25&project=gone&only=nobody&log=maybe"
    board.goto(f"{dashboard.url}/?{wrong}")
    expect(board.get_by_text("runs that were deleted")).to_be_visible()
    board.get_by_label("Show one").check()
    expect(board.locator("article.card")).to_contain_text("5 points, last 1.000")
    board.get_by_role("button", name="Full width").click()
    board.reload()
    expect(board.locator("article.card")).to_have_attribute("data-wide", "true")


def test_a_broken_regular_expression_is_told_and_keeps_the_last_view(
    board: Page, store: Store, dashboard: Dashboard
) -> None:
    log_run(store, "one", falling(3))
    board.goto(dashboard.url)
    board.get_by_placeholder("Filter charts").fill("val")
    expect(board.locator("article.card")).to_have_count(1)
    board.get_by_placeholder("Filter charts").fill("val(")
    expect(board.get_by_role("alert")).to_contain_text("not a regular expression")
    expect(board.locator("article.card")).to_have_count(1)


def test_states_without_charts_say_what_to_do(board: Page, store: Store, dashboard: Dashboard) -> None:
    log_run(store, "silent")
    board.goto(dashboard.url)
    expect(board.get_by_text("No scalars yet")).to_be_visible()
    log_run(store, "loud", falling(3))
    expect(board.locator("article.card")).to_have_count(3)
    board.get_by_placeholder("Filter charts").fill("nothing like it")
    expect(board.get_by_text("No chart matches")).to_be_visible()
    board.get_by_placeholder("Filter charts").fill("")
    board.get_by_label("Hide all").uncheck()
    expect(board.get_by_text("No run is shown")).to_be_visible()


def test_values_that_are_not_finite_are_marked(board: Page, store: Store, dashboard: Dashboard) -> None:
    values = [1.0, math.nan, 0.5, math.inf, 0.4, -math.inf]
    log_run(store, "wild", [{"loss": value} for value in values])
    board.goto(dashboard.url)
    expect(card(board, "loss")).to_contain_text("6 points, last −∞ at step 5")
    with_marks = board.evaluate("trainboard.plots()[0].u.ctx.canvas.toDataURL()")
    board.evaluate("trainboard.plots()[0].setLines([])")
    assert with_marks != board.evaluate("trainboard.plots()[0].u.ctx.canvas.toDataURL()")


def test_only_cards_in_view_ask_for_points(board: Page, store: Store, dashboard: Dashboard) -> None:
    log_run(store, "wide", [{f"layer/{i:03}": float(i) for i in range(100)}] * 2)
    asked: list[str] = []
    board.on("request", lambda request: asked.append(request.post_data or ""))
    board.goto(dashboard.url)
    expect(card(board, "layer/000")).to_contain_text("2 points")
    tags = {tag for body in asked for tag in re.findall(r'"tag":"(layer/\d+)"', body)}
    assert 12 <= len(tags) < 60


def test_a_card_can_be_as_wide_as_the_page(board: Page, store: Store, dashboard: Dashboard) -> None:
    log_run(store, "one", falling(30))
    board.goto(dashboard.url)
    board.get_by_label("Full width for train/loss").click()
    expect(card(board, "train/loss")).to_have_attribute("data-wide", "true")
    board.reload()
    expect(card(board, "train/loss")).to_have_attribute("data-wide", "true")


def test_a_hidden_tab_asks_for_nothing(board: Page, store: Store, dashboard: Dashboard) -> None:
    run = tb.init(project="digits", name="live", store=store.url)
    run.log({"loss": 1.0})
    board.goto(dashboard.url)
    expect(card(board, "loss")).to_contain_text("1 point,")
    board.evaluate(
        "Object.defineProperty(document, 'hidden', {value: true, configurable: true});"
        "document.dispatchEvent(new Event('visibilitychange'))"
    )
    asked: list[str] = []
    board.on("request", lambda request: asked.append(request.url))
    before = store.version()
    run.log({"loss": 0.5})
    eventually(lambda: store.version() > before)
    board.evaluate("new Promise(requestAnimationFrame)")
    assert asked == []
    board.evaluate(
        "Object.defineProperty(document, 'hidden', {value: false, configurable: true});"
        "document.dispatchEvent(new Event('visibilitychange'))"
    )
    expect(card(board, "loss")).to_contain_text("2 points")
    run.finish()


def test_twelve_charts_are_in_view_on_a_laptop(board: Page, store: Store, dashboard: Dashboard) -> None:
    log_run(store, "one", [{f"{s}/{i}": 1.0 for s in ("a", "b", "c") for i in range(4)}])
    board.goto(dashboard.url)
    expect(board.locator("article.card")).to_have_count(12)
    boxes = [box.bounding_box() for box in board.locator("article.card").all()]
    assert all(box and box["y"] + box["height"] <= 900 and box["x"] + box["width"] <= 1440 for box in boxes)


def test_the_page_is_usable_on_a_phone(board: Page, store: Store, dashboard: Dashboard) -> None:
    log_run(store, "one", falling(5))
    board.set_viewport_size({"width": 390, "height": 844})
    board.goto(dashboard.url)
    expect(card(board, "train/loss")).to_contain_text("5 points")
    assert board.evaluate("document.documentElement.scrollWidth") <= 390
    expect(board.locator(".run-name")).to_be_hidden()
    board.get_by_label("Show or hide the runs").click()
    expect(board.locator(".run-name")).to_be_visible()


def test_what_a_program_logged_is_shown_as_text(board: Page, store: Store, dashboard: Dashboard) -> None:
    wicked = "<img src=x onerror=\"document.title='owned'\">"
    log_run(store, wicked, [{wicked: 1.0}], group=wicked, project=wicked)
    board.goto(dashboard.url)
    expect(board.locator(".run-name")).to_have_text(wicked)
    expect(board.locator(".card-title")).to_contain_text("<img src=x")
    assert board.title() == "Charts · trainboard"
    assert board.locator("img").count() == 0
