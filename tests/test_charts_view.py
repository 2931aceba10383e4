"""What people choose on the Charts page, each choice in a real browser, and each kept in the address."""

from __future__ import annotations

import json
import math
import re
from typing import Any
from urllib.parse import parse_qs, quote

import numpy as np
import pytest
from charts_fixtures import NAMES, card, drawn
from dashboard_fixtures import Dashboard, eventually, log_run
from playwright.sync_api import Page, expect

import trainboard as tb
from trainboard.dashboard.smoothing import KINDS, Kind, smooth
from trainboard.storage import Store

pytest_plugins = ["charts_fixtures"]


def query(board: Page) -> dict[str, str]:
    # board.url is only as new as the last message from the browser that was read
    search = board.evaluate("location.search.slice(1)")
    return {key: values[0] for key, values in parse_qs(search).items()}


def open_view(board: Page, url: str) -> None:
    board.goto(url)
    expect(card(board, "train/loss")).to_be_visible()
    board.keyboard.press("v")


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
    assert query(board) == {"smoothing": "0.9", "smoothing_kind": "median"}
    (first, *_) = drawn(board, "train/loss", "[curve.y[10], curve.value[10]]")
    assert first[0] == pytest.approx(first[1], abs=0.01)
    weight.fill("0.995")
    eventually(lambda: query(board)["smoothing"] == "0.995", 30)
    expect(board.locator("#smoothing-reach")).to_have_text("399 pts")
    board.get_by_role("slider", name="Smoothing").press("Home")
    expect(weight).to_have_value("0")


@pytest.mark.parametrize(("scale", "distribution"), [("Log", 3), ("Symlog", 4)])
def test_both_axes_can_be_logarithmic(board: Page, four_run_url: str, scale: str, distribution: int) -> None:
    open_view(board, four_run_url)
    for axis in ("X scale", "Y scale"):
        board.get_by_role("radiogroup", name=axis).get_by_text(scale, exact=True).click()
    eventually(lambda: query(board) == {"xscale": scale.lower(), "yscale": scale.lower()})
    shown = "trainboard.plots()[0].u.scales"
    assert board.evaluate(f"[{shown}.x.distr, {shown}.y.distr]") == [distribution] * 2
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
    assert query(board)["steps"] == "10..20"
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


def test_runs_are_coloured_by_config_and_by_expression(board: Page, four_run_url: str) -> None:
    open_view(board, four_run_url)

    def colors() -> dict[str, str]:
        return dict(board.evaluate("trainboard.state.runs.map(({name, id, color}) => [name + id, color])"))

    def of(name: str) -> str:
        return next(color for key, color in colors().items() if key.startswith(name))

    assert len(set(colors().values())) == 5
    board.get_by_label("Colour runs").fill("config:lr")
    eventually(lambda: of("b-s0") == of("b-s1"))
    board.get_by_label("Colour runs").fill("scale:lr")
    eventually(lambda: [of("b-s0"), of("a-s1")] == ["#46327e", "#a0da39"])
    board.get_by_label("Colour runs").fill("regex:(s.)$")
    eventually(lambda: of("b-s1") == of("a-s1") != of("b-s0"))
    board.get_by_label("Colour runs").fill("regex:(")
    expect(board.locator("#color-problem")).to_contain_text("no regular expression")
    assert of("b-s1") == of("a-s1") != of("b-s0")


def test_a_wrong_expression_leaves_the_groups_or_else_the_runs(board: Page, four_run_url: str) -> None:
    board.goto(f"{four_run_url}/?groups=regex:([")
    eventually(lambda: len(drawn(board, "train/loss", "curve.name")) == 4)
    board.keyboard.press("v")
    board.get_by_label("Group runs").fill("but:seed")
    eventually(lambda: len(drawn(board, "train/loss", "curve.name")) == 2)
    board.get_by_label("Group runs").fill("regex:([")
    expect(board.locator("#groups-problem")).to_contain_text("no regular expression")
    assert len(drawn(board, "train/loss", "curve.name")) == 2


def test_groups_are_drawn_as_one_line_with_a_band(board: Page, four_run_url: str) -> None:
    open_view(board, f"{four_run_url}/?band=minmax")
    board.get_by_label("Group runs").fill("but:seed")
    eventually(lambda: len(drawn(board, "train/loss", "curve.name")) == 2)
    band = drawn(board, "train/loss", "[curve.low[10], curve.y[10], curve.high[10], curve.of]")
    assert sorted(band) == [pytest.approx([0.9, 1.4, 1.9, 2]), pytest.approx([2.9, 3.4, 3.9, 2])]


def test_a_legend_tells_the_groups_apart_on_the_page_and_on_paper(board: Page, four_run_url: str) -> None:
    board.goto(f"{four_run_url}/?groups=config:lr")
    legend = board.get_by_role("list", name="Groups").get_by_role("listitem")
    expect(legend).to_have_text(["lr –1", "lr 0.012", "lr 0.12"])
    swatch = "item => getComputedStyle(item.querySelector('i')).backgroundColor"
    red, green, blue = drawn(
        board, "train/loss", "curve.color.match(/[0-9a-f]{2}/g).map(part => parseInt(part, 16))"
    )[0]
    assert legend.nth(1).evaluate(swatch) == f"rgb({red}, {green}, {blue})"
    legend.nth(1).hover()
    eventually(lambda: board.evaluate("trainboard.state.highlighted") is not None)
    names = board.locator("#sidebar .run-name")
    board.emulate_media(media="print")
    expect(names.first).to_be_hidden()
    board.emulate_media(media="screen")
    board.keyboard.press("v")
    board.get_by_label("Group runs").fill("")
    expect(legend).to_have_count(0)
    board.emulate_media(media="print")
    expect(names).to_have_count(5)
    expect(names.first).to_be_visible()
    board.emulate_media(media="screen")


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
    eventually(lambda: place("told/loss")[1] < place("train/loss")[1] < place("val/loss")[1], 30)
    board.get_by_role("button", name="Full width for train/loss").click()
    board.set_viewport_size({"width": 390, "height": 844})
    eventually(lambda: place("told/loss")[1] < place("train/loss")[1], 30)
    assert board.evaluate("document.querySelector('main').scrollWidth <= innerWidth")
    board.set_viewport_size({"width": 1440, "height": 900})


def test_words_beside_an_axis_are_told_apart_however_near_values_are(board: Page, four_run_url: str) -> None:
    board.goto(four_run_url)
    board.wait_for_selector(".uplot")
    told = board.evaluate("trainboard.ticks([1e9, 1e9 + 2, 1e9 + 4], 'linear')")
    assert told == ["1G", "+2", "+4"]
    assert board.evaluate("trainboard.ticks([1e9, 2e9, 3e9], 'linear')") == ["1G", "2G", "3G"]
    assert board.evaluate("trainboard.ticks([-1e6, null, -999999.5], 'linear')") == ["−1M", "", "+0.5"]


def test_a_group_can_show_every_run_faint_behind_its_line(board: Page, four_run_url: str) -> None:
    board.goto(f"{four_run_url}/?band=runs&groups=but:seed&marks=1&best=min")
    eventually(lambda: len(drawn(board, "train/loss", "curve.name")) == 6)
    told = drawn(board, "train/loss", "[curve.name, Boolean(curve.faint), curve.y[10], curve.color]")
    assert [(name, value) for name, faint, value, _ in told if faint] == [
        (name, pytest.approx(0.9 + number)) for number, name in enumerate(NAMES)
    ]
    groups = {name: (value, color) for name, faint, value, color in told if not faint}
    assert [value for value, _ in groups.values()] == pytest.approx([3.4, 1.4])
    assert {color for *_, color in told} == {color for _, color in groups.values()}
    assert all(low is None for low in drawn(board, "train/loss", "curve.low ?? null"))
    expect(card(board, "train/loss")).to_contain_text("Lowest 1.010 at step 49, lr 0.1 · mean of 2")


def test_a_zoom_of_groups_brings_every_step_of_it(board: Page, store: Store, dashboard: Dashboard) -> None:
    for seed in (0, 1):
        log_run(
            store, f"s{seed}", [{"loss": seed + step % 2} for step in range(4_000)], config={"seed": seed}
        )
    board.goto(f"{dashboard.url}/?groups=but:seed&band=minmax")
    expect(card(board, "loss").locator(".card-note")).to_contain_text("of 8000 points")
    assert 0.5 < drawn(board, "loss", "curve.high[100]")[0] < 1.9  # of means of stretches
    plot = card(board, "loss").locator(".u-over")
    box = plot.bounding_box()
    assert box
    board.mouse.move(box["x"] + box["width"] / 2, box["y"] + 60)
    board.mouse.down()
    board.mouse.move(box["x"] + box["width"] / 2 + 12, box["y"] + 60, steps=4)
    board.mouse.up()
    expect(card(board, "loss").locator(".card-note")).to_have_count(0)
    (line,) = drawn(board, "loss", "[Array.from(curve.step), Array.from(curve.low), Array.from(curve.high)]")
    steps, low, high = np.array(line)
    assert set(np.diff(steps)) == {1} and set(high - low) == {1}


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


def test_a_run_is_given_another_colour_everywhere(board: Page, four_run_url: str) -> None:
    board.goto(four_run_url)
    board.get_by_label("Show b-s0, finished").focus()
    board.get_by_label("Colour of b-s0").fill("#123456")
    eventually(lambda: "#123456" in drawn(board, "train/loss", "curve.color"))
    board.reload()
    eventually(lambda: drawn(board, "train/loss", "curve.color").count("#123456") == 1)
    board.keyboard.press("g")
    board.keyboard.press("r")
    swatch = board.locator("#run-grid .swatch[style*='rgb(18, 52, 86)']")
    expect(swatch).to_have_count(1)
    board.get_by_role("button", name="Own colours").click()
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
    expect(board.locator("html")).to_be_visible()
    told = "trainboard.plots()[0].marks.map(({step, title}) => [step, title])"
    eventually(lambda: board.evaluate("trainboard.marks.count()") > 0)
    assert board.evaluate(told) == [[10, "went on from here"]]
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
