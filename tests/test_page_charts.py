"""The Charts page in a real browser."""

from __future__ import annotations

import math
import re

import numpy as np
from dashboard_fixtures import Dashboard, eventually, falling, log_run
from playwright.sync_api import Page, expect

import trainboard as tb
from trainboard.dashboard.smoothing import smooth
from trainboard.storage import Store


def card(board: Page, tag: str):
    return board.locator(f'article[data-tag="{tag}"]')


def described(board: Page, tag: str) -> str:
    """What a screen reader gets to know of a chart."""
    return card(board, tag).locator(".card-body > p").inner_text()


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
    for step in range(1, 4):
        run.log({"loss": 1.0 / step}, step=step)
        expect(card(board, "loss")).to_contain_text(f"at step {step}.", timeout=1000)
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
    at = board.evaluate(
        "trainboard.plots().map(plot => Math.round(plot.u.posToVal(plot.u.cursor.left, 'x')))"
    )
    assert len(at) == 3 and len(set(at)) == 1


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
