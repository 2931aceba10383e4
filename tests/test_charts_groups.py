"""Runs that are drawn as groups, and the colours of runs, in a real browser."""

from __future__ import annotations

import numpy as np
import pytest
from charts_fixtures import NAMES, card, drawn, open_view, query
from dashboard_fixtures import Dashboard, eventually, log_run
from playwright.sync_api import Page, expect

from trainboard.storage import Store

pytest_plugins = ["charts_fixtures"]


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
