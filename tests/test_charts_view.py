"""What people choose on the Charts page, each choice in a real browser, and each kept in the address."""

from __future__ import annotations

import json
import math
import re
from typing import Any
from urllib.parse import quote

import pytest
from charts_fixtures import card, drawn, open_view, query
from dashboard_fixtures import Dashboard, eventually, log_run
from playwright.sync_api import Page, expect

import trainboard as tb
from trainboard.storage import Store

pytest_plugins = ["charts_fixtures"]


@pytest.mark.parametrize(("scale", "distribution"), [("Log", 3), ("Symlog", 4)])
def test_both_axes_can_be_logarithmic(board: Page, four_run_url: str, scale: str, distribution: int) -> None:
    open_view(board, four_run_url)
    for axis in ("X scale", "Y scale"):
        board.get_by_role("radiogroup", name=axis).get_by_text(scale, exact=True).click()
    eventually(lambda: query(board) == {"xscale": scale.lower(), "yscale": scale.lower()})
    shown = "trainboard.plots()[0].u.scales"
    eventually(lambda: board.evaluate(f"[{shown}.x.distr, {shown}.y.distr]") == [distribution] * 2)
    assert board.evaluate("trainboard.plots().every(({u}) => u.scales.x.min < u.scales.x.max)")


def test_another_tag_can_be_the_x_axis(board: Page, four_run_url: str) -> None:
    open_view(board, four_run_url)
    board.get_by_role("textbox", name="X axis of a tag").fill("tok")
    board.get_by_role("option", name="tokens").click()
    eventually(lambda: drawn(board, "train/loss", "curve.x[49]") == [49 * 4096] * 4)
    assert query(board) == {"x_tag": "tokens"}


def test_the_difference_to_a_baseline_is_zero_for_itself(board: Page, four_run_url: str) -> None:
    open_view(board, four_run_url)
    board.get_by_label("Difference to").select_option(label="b-s0")
    eventually(lambda: drawn(board, "train/loss", "curve.y[20]") == pytest.approx([-2, -1, 0, 1]))


def test_the_best_value_is_named_with_its_step_and_run(board: Page, four_run_url: str) -> None:
    open_view(board, four_run_url)
    board.get_by_role("radiogroup", name="Best value").get_by_text("Lowest").click()
    expect(card(board, "train/loss")).to_contain_text("Lowest 0.5100 at step 49, a-s0")
    board.get_by_role("radiogroup", name="Best value").get_by_text("Highest").click()
    expect(card(board, "train/loss")).to_contain_text("Highest 4.000 at step 0, b-s1")


def test_a_pinned_chart_stands_on_top_and_stays(board: Page, four_run_url: str) -> None:
    board.goto(four_run_url)
    board.get_by_role("button", name="More for val/loss").click()
    board.get_by_role("button", name="Pin to the top").click()
    pinned = board.locator("section[aria-label=Pinned] article")
    expect(pinned).to_have_attribute("data-tag", "val/loss")
    board.reload()
    expect(pinned).to_have_count(1)
    pinned.get_by_role("button", name="More for val/loss").click()
    board.get_by_role("button", name="Unpin").click()
    expect(pinned).to_have_count(0)


def test_the_width_of_cards_can_be_chosen(board: Page, four_run_url: str) -> None:
    open_view(board, f"{four_run_url}/?card_width=500")
    box = card(board, "train/loss").bounding_box()
    assert box and box["width"] >= 500
    board.get_by_role("slider", name="Card width").press("ArrowRight")
    eventually(lambda: query(board)["card_width"] == "520")


def test_the_filter_completes_tags(board: Page, four_run_url: str) -> None:
    board.goto(four_run_url)
    board.get_by_placeholder("Filter charts").press_sequentially("val")
    board.get_by_role("option", name="val/loss").click()
    expect(board.locator("article.card")).to_have_count(1)


def test_a_chart_of_several_tags_and_a_formula_is_made(board: Page, four_run_url: str) -> None:
    board.goto(four_run_url)
    expect(card(board, "train/loss")).to_be_visible()
    board.keyboard.press("n")
    board.get_by_label("Line 1", exact=True).fill("train/loss")
    board.get_by_role("button", name="Add a line").click()
    board.get_by_label("Line 2", exact=True).fill("lr")
    board.get_by_label("Axis of line 2").select_option("right")
    board.get_by_role("button", name="Add a line").click()
    board.get_by_label("Line 3", exact=True).fill("val/loss -")
    expect(board.get_by_role("alert").filter(has_text="missing")).to_be_visible()
    expect(board.get_by_role("button", name="Show the chart")).to_be_disabled()
    board.get_by_label("Line 3", exact=True).fill("val/loss - train/los")
    expect(board.get_by_role("alert").filter(has_text="No shown run has the tag")).to_be_visible()
    board.get_by_label("Line 3", exact=True).fill("val/loss - train/loss")
    board.get_by_label("Title").fill("both")
    board.get_by_role("button", name="Show the chart").click()
    expect(board.locator("section[aria-label='Your charts'] article")).to_have_count(1)
    eventually(lambda: len(drawn(board, "own:both", "curve.source")) == 12)
    gap = drawn(board, "own:both", "[curve.source, curve.scale, curve.y[7]]")
    assert [one[2] for one in gap if one[0] == "val/loss - train/loss"] == pytest.approx([1.0] * 4)
    assert {one[1] for one in gap if one[0] == "lr"} == {"y2"}
    assert json.loads(query(board)["charts"])[0]["right"] == ["lr"]
    board.get_by_role("button", name="More for both").click()
    board.get_by_role("button", name="Remove this chart").click()
    expect(board.locator("section[aria-label='Your charts']")).to_have_count(0)


def test_tables_tell_of_a_step_and_of_a_range(board: Page, four_run_url: str) -> None:
    open_view(board, four_run_url)
    board.get_by_role("checkbox", name="Step tables").check()
    rows = card(board, "train/loss").locator(".step-table tbody tr")
    expect(rows.first).to_contain_text("a-s0")
    expect(rows.first).to_contain_text("0.5100")
    board.get_by_label("Config in tables").select_option("lr")
    expect(card(board, "train/loss").locator(".step-table thead th")).to_contain_text(["Run", "lr", "Value"])
    expect(rows).to_contain_text(["0.1", "0.1", "0.01", "0.01"])
    board.get_by_label("Leave out lr").click()
    board.keyboard.press("v")
    plot = card(board, "train/loss").locator(".u-over")
    box = plot.bounding_box()
    assert box
    plot.click(position={"x": box["width"] * 10 / 49, "y": 40})
    expect(card(board, "val/loss").locator(".step-table")).to_contain_text("1.900")
    assert query(board)["steps"] == "10"
    plot.click(position={"x": box["width"] * 20 / 49, "y": 40}, modifiers=["Shift"])
    eventually(lambda: query(board)["steps"] == "10..20")
    expect(rows.first).to_contain_text("−0.1000")
    card(board, "train/loss").get_by_role("button", name="Max", exact=True).click()
    card(board, "train/loss").get_by_role("button", name=re.compile("^Max")).click()
    expect(rows.first).to_contain_text("b-s1")


@pytest.mark.parametrize(
    ("order", "first"), [("By name", "a-s0"), ("Lowest first", "a-s0"), ("Highest first", "b-s1")]
)
def test_the_tooltip_is_sorted_as_chosen(board: Page, four_run_url: str, order: str, first: str) -> None:
    open_view(board, four_run_url)
    board.get_by_role("textbox", name="Order of the tooltip").click()
    board.get_by_role("option", name=order).click()
    board.keyboard.press("v")
    expect(card(board, "train/loss")).to_contain_text("50 points")
    card(board, "train/loss").locator(".u-over").hover(position={"x": 60, "y": 50})
    expect(board.locator("#tooltip tbody tr").first).to_contain_text(first)


def test_events_are_marked_and_told(board: Page, four_run_url: str) -> None:
    open_view(board, four_run_url)
    board.get_by_role("checkbox", name="Events and restarts").check()
    marks = "trainboard.plots().filter(({card}) => card.id === 'told/loss').flatMap(({marks}) => marks)"
    eventually(lambda: len(board.evaluate(marks)) == 1)
    assert board.evaluate(f"{marks}[0].title") == "Loss spike"


def test_small_sections_stand_side_by_side_where_there_is_room(board: Page, four_run_url: str) -> None:
    board.goto(four_run_url)

    def place(tag: str) -> tuple[float, float]:
        box = card(board, tag).bounding_box()
        assert box
        return box["x"], box["y"]

    for tag in ("told/loss", "train/loss", "val/loss"):
        expect(card(board, tag)).to_be_visible()
    told, train, val = place("told/loss"), place("train/loss"), place("val/loss")
    assert told[0] < train[0] < val[0] and told[1] == train[1] == val[1]
    board.get_by_role("button", name="Full width for train/loss").click()
    eventually(lambda: place("told/loss")[1] < place("train/loss")[1] < place("val/loss")[1])
    board.get_by_role("button", name="Full width for train/loss").click()
    board.set_viewport_size({"width": 390, "height": 844})
    eventually(lambda: place("told/loss")[1] < place("train/loss")[1])
    assert board.evaluate("document.querySelector('main').scrollWidth <= innerWidth")
    board.set_viewport_size({"width": 1440, "height": 900})


def test_words_beside_an_axis_are_told_apart_however_near_values_are(board: Page, four_run_url: str) -> None:
    board.goto(four_run_url)
    board.wait_for_selector(".uplot")
    told = board.evaluate("trainboard.ticks([1e9, 1e9 + 2, 1e9 + 4], 'linear')")
    assert told == ["1G", "+2", "+4"]
    assert board.evaluate("trainboard.ticks([1e9, 2e9, 3e9], 'linear')") == ["1G", "2G", "3G"]
    assert board.evaluate("trainboard.ticks([-1e6, null, -999999.5], 'linear')") == ["−1M", "", "+0.5"]


def test_a_chart_can_have_a_scale_of_its_own(board: Page, four_run_url: str) -> None:
    board.goto(four_run_url)
    expect(card(board, "train/loss")).to_contain_text("50 points")
    board.get_by_role("button", name="More for train/loss").click()
    board.get_by_label("Y scale of train/loss").select_option("log")
    board.keyboard.press("Escape")
    scales = "trainboard.plots().map(({card, u}) => [card.id, u.scales.y.distr])"
    others = {"train/loss": 3, "val/loss": 1, "told/loss": 1, "lr": 1, "tokens": 1}
    eventually(lambda: dict(board.evaluate(scales)) == others)
    assert query(board) == {"scales": "log:train/loss"}
    board.reload()
    eventually(lambda: dict(board.evaluate(scales)) == others)
    board.get_by_role("button", name="More for train/loss").click()
    board.get_by_label("Y scale of train/loss").select_option("As all charts")
    eventually(lambda: query(board) == {})


def test_alt_and_the_wheel_zoom_and_shift_and_a_drag_move(board: Page, four_run_url: str) -> None:
    board.goto(four_run_url)
    expect(card(board, "train/loss")).to_contain_text("50 points")
    plot = card(board, "train/loss").locator(".u-over")
    plot.hover(position={"x": 100, "y": 60})
    x = "trainboard.plots().find(({card}) => card.id === 'train/loss').u.scales.x"
    board.keyboard.down("Alt")
    board.mouse.wheel(0, -400)
    board.keyboard.up("Alt")
    eventually(lambda: board.evaluate(f"{x}.max - {x}.min") < 40)
    before = board.evaluate(f"{x}.min")
    box = plot.bounding_box()
    assert box
    board.keyboard.down("Shift")
    board.mouse.down()
    board.mouse.move(box["x"] + 60, box["y"] + 60, steps=3)
    board.mouse.up()
    board.keyboard.up("Shift")
    eventually(lambda: board.evaluate(f"{x}.min") > before)


def test_a_whole_view_comes_back_from_its_address(board: Page, four_run_url: str) -> None:
    charts = quote(json.dumps([{"title": "mine", "left": ["lr"], "right": []}]))
    view = f"axis=relative&best=min&charts={charts}&outliers=1&pins=lr&steps=3&xscale=log&yscale=symlog"
    board.goto(f"{four_run_url}/?{view}")
    expect(card(board, "own:mine")).to_be_visible()
    look: dict[str, Any] = board.evaluate("trainboard.look()")
    assert (look["axis"], look["best"], look["outliers"], look["selected"]) == ("relative", "min", True, "3")
    assert (look["xscale"], look["yscale"]) == ("log", "symlog")


def test_an_address_full_of_nonsense_is_harmless(board: Page, four_run_url: str) -> None:
    wrong = "charts=[1,{%22left%22:3},null&steps=x&x_tag=nothing&groups=pink&color=%25&baseline=gone&band=no"
    board.goto(f"{four_run_url}/?{wrong}&card_width=wide&smoothing=much&restarts=2&tooltip=up&pins=,%25,gone")
    expect(card(board, "train/loss")).to_be_visible()


def test_a_resumed_run_can_be_cut_at_its_restart(board: Page, store: Store, dashboard: Dashboard) -> None:
    log_run(store, "twice", [{"loss": 1.0}] * 20)
    (run,) = store.runs()
    with tb.init("digits", store=store.url, id=run.id, resume="must") as resumed:
        for step in range(10, 30):
            resumed.log({"loss": 0.5}, step=step)
    board.goto(f"{dashboard.url}/?marks=1")
    eventually(lambda: len(drawn(board, "loss", "curve.step.length")) == 1)
    # One mark where its curve goes on, and none at the step that the store had reached.
    told = "trainboard.plots()[0].marks.map(({step, title}) => [step, title])"
    eventually(lambda: board.evaluate(told) == [[10, "went on from here"]])
    board.keyboard.press("v")
    board.get_by_text("Split", exact=True).click()
    eventually(lambda: drawn(board, "loss", "curve.step.length") == [20, 20])
    board.get_by_text("Newest", exact=True).click()
    eventually(lambda: drawn(board, "loss", "curve.step.length") == [30])
    assert drawn(board, "loss", "[curve.value[9], curve.value[10]]") == [[1, 0.5]]


def test_odd_series_and_tags_are_drawn_as_they_are(board: Page, store: Store, dashboard: Dashboard) -> None:
    odd = ["x" * 10_000, "<b>bold</b>", "🦆 مرحبا \u202eabc", "tab\tand\x07bell"]
    run = log_run(store, "odd", [{tag: 1.0 for tag in odd} | {"nan": math.nan}])
    with tb.init("digits", store=store.url, id=run, resume="must") as far:
        for step in (2**62 - 2, 2**62 - 1, 2**62):
            far.log({"far": 1.0}, step=step)
    board.goto(dashboard.url)
    expect(board.locator("article.card")).to_have_count(6)
    expect(board.locator("article b")).to_have_count(0)
    expect(card(board, "nan")).to_contain_text("last NaN")
    expect(card(board, "far")).to_contain_text("3 points")
    assert board.evaluate("document.querySelector('main').scrollWidth <= innerWidth")
