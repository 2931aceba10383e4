"""The HParams and Compare pages: trials side by side, and which of two groups is better."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request

import numpy as np
import pytest
from dashboard_fixtures import Dashboard, log_run
from playwright.sync_api import Page, expect
from runs_fixtures import RUNS, ask

from trainboard.dashboard.trials import scale
from trainboard.storage import Store

pytest_plugins = ["runs_fixtures"]


FILLS_ITS_FRAME = """() => {
  const [frame, drawn, plane] = ['.trial-figure', '.trial-figure .main-svg', '#trial-figure .nsewdrag']
    .map((one) => document.querySelector(one)?.getBoundingClientRect().height);
  return plane > 0 && drawn === frame;
}"""


def test_groups_are_compared_and_the_better_one_is_named(board: Page, served: Dashboard) -> None:
    board.goto(f"{served.url}/compare?compare_by=keys&compare_keys=model")
    expect(board.get_by_role("row", name=re.compile("model small"))).to_contain_text("120")
    board.get_by_label("model small is A").check()
    board.get_by_label("model large is B").check()
    expect(board.get_by_role("heading", name="model small is better")).to_be_visible()
    expect(board.get_by_text("120 pairs of runs, of the same seed")).to_be_visible()
    board.get_by_label("Better is").select_option("larger")
    expect(board.get_by_role("heading", name="model large is better")).to_be_visible()
    board.get_by_label("Filter runs").fill("config.seed < 3")
    board.get_by_label("Filter runs").press("Enter")
    expect(board.get_by_role("heading", name=re.compile("Not yet: about [0-9]+ more seed"))).to_be_visible()


@pytest.mark.parametrize(("seed", "repeated"), [("seed", False), ("opt.lr", True), ("nothing", False)])
def test_pairs_that_are_not_independent_are_told(served: Dashboard, seed: str, repeated: bool) -> None:
    sides = {"by": {"keys": ["model"]}, "a": "model small", "b": "model large"}
    assert (
        ask(served, "comparison", {"metric": "last.loss", "seed": seed} | sides)["verdict"]["repeated"]
        is repeated
    )


def test_hyper_parameters_are_drawn_ranked_tabled_and_exported(board: Page, served: Dashboard) -> None:
    board.goto(f"{served.url}/hparams")
    expect(board.locator("#trial-figure .annotation", has_text="opt.lr(log)")).to_be_visible()
    board.get_by_text("Importance", exact=True).click()
    expect(board.locator(".trial-bars .ytick text").last).to_have_text("model")
    board.get_by_text("Scatter matrix", exact=True).click()
    expect(board.locator("#trial-figure .subplot")).to_have_count(6)
    board.get_by_text("Table", exact=True).click()
    board.get_by_role("button", name="opt.lr").click()
    board.get_by_role("button", name="opt.lr").click()
    expect(board.locator("th[aria-sort=descending]")).to_have_text("opt.lr ↓")
    assert board.evaluate("new URLSearchParams(location.search).get('trial_sort')") == "-opt.lr"
    with board.expect_download() as csv:
        board.get_by_role("link", name="CSV").click()
    lines = csv.value.path().read_text().splitlines()
    assert lines[0] == "id,name,model,opt.lr,seed,last.loss" and len(lines) == RUNS + 1
    with board.expect_download() as latex:
        board.get_by_role("link", name="LaTeX").click()
    assert latex.value.path().read_text().startswith("\\begin{tabular}{llrrr}")
    board.locator(".trial-body a").first.click()
    expect(board.get_by_role("heading", name=re.compile("small-[0-9]+"))).to_be_visible()


def test_quantiles_place_equal_values_halfway_and_know_their_numbers() -> None:
    axis = scale([1, 2, 2, 5, None, 3.5], "quantile")
    np.testing.assert_allclose(axis.places, [0, 0.375, 0.375, 1, np.nan, 0.75])
    np.testing.assert_allclose(axis.values_at(np.array([0.375, 0.875])), [2, 4.25])


def place_on(page: Page, axis: int, axes: int, share: float) -> tuple[float, float]:
    """Where a share of the height of an axis of the parallel coordinates is, once they are drawn."""
    page.wait_for_function(FILLS_ITS_FRAME)
    frame = page.locator("#trial-figure .nsewdrag").bounding_box()
    assert frame is not None
    x = frame["x"] + frame["width"] * (axis + 0.3) / (axes - 0.4)
    return x, frame["y"] + frame["height"] * (1.14 - share) / 1.2


def drag_over(page: Page, axis: int, axes: int, low: float, high: float) -> None:
    """Drag a box over a part of an axis of the parallel coordinates, between two shares of its height."""
    (x, top), (_, bottom) = (place_on(page, axis, axes, share) for share in (high, low))
    page.mouse.move(x - 15, top)
    page.mouse.down()
    page.mouse.move(x + 15, bottom, steps=5)
    page.mouse.up()


def test_values_that_are_dragged_over_become_a_filter(board: Page, served: Dashboard) -> None:
    board.goto(f"{served.url}/hparams?where=tag+%3D+even+or+tag+%3D+odd")
    expect(board.get_by_text("240 of 240 runs have a value.")).to_be_visible()
    expect(board.locator("#trial-figure .annotation", has_text="opt.lr(log)")).to_be_visible()
    drag_over(board, axis=1, axes=4, low=0.5, high=1.1)
    expect(board.get_by_text("120 of 120 runs have a value.")).to_be_visible()
    expect(board.locator("#trial-figure .points path")).to_have_count(4 * 120)
    field = board.get_by_label("Filter runs")
    drag_over(board, axis=0, axes=4, low=0.6, high=1.1)
    expect(board.get_by_text("60 of 60 runs have a value.")).to_be_visible()
    kept = r"^\(tag = even or tag = odd\) and config\.opt\.lr >= 0\.03\d* and "
    expect(field).to_have_value(re.compile(rf'{kept}config\.model in \["small"\]$'))
    field.fill("config.opt.lr <")
    expect(board.get_by_role("alert").filter(has_text="character 16")).to_be_visible()
    expect(board.get_by_text("60 of 60 runs have a value.")).to_be_visible()
    field.fill("")
    expect(board.get_by_text("240 of 240 runs have a value.")).to_be_visible()
    board.locator("#trial-figure .points path").first.click(force=True)
    expect(board.get_by_role("heading", name=re.compile("(small|large)-[0-9]+"))).to_be_visible()


def test_trials_are_drawn_anew_when_a_run_ends_and_only_what_was_chosen(
    board: Page, store: Store, dashboard: Dashboard
) -> None:
    for number in range(3):
        config = {"lr": 0.1 * number, "depth": number, "k": 1}
        log_run(store, f"run {number}", [{"loss": number, "accuracy": 0.9 - number / 10}], config=config)
    board.goto(f"{dashboard.url}/hparams?trial_view=table&trial_keys=lr")
    heads = board.locator(".trial-body thead th")
    expect(heads).to_have_text(["Run", "lr", "last.loss ↑"])
    board.get_by_role("textbox", name="Further metrics").click()
    board.get_by_role("option", name="accuracy").click()
    board.keyboard.press("Escape")
    expect(heads).to_have_text(["Run", "lr", "last.loss ↑", "last.accuracy"])
    board.get_by_role("button", name="last.accuracy").click()
    rows = board.locator(".trial-body tbody tr")
    expect(rows).to_contain_text(["run 2", "run 1", "run 0"])
    log_run(store, "run 3", [{"loss": 3.0}], config={"lr": 0.3})
    expect(rows).to_contain_text(["run 2", "run 1", "run 0", "run 3"])
    with board.expect_download() as csv:
        board.get_by_role("link", name="CSV").click()
    first, *_, last = csv.value.path().read_text().splitlines()
    assert first == "id,name,lr,last.loss,last.accuracy" and last.endswith("run 3,0.3,3.0,")


def test_a_run_that_ends_does_not_end_a_drag(board: Page, store: Store, dashboard: Dashboard) -> None:
    for number in range(4):
        log_run(store, f"run {number}", [{"loss": number}], config={"depth": number})
    board.goto(f"{dashboard.url}/hparams")
    expect(board.get_by_text("4 of 4 runs have a value.")).to_be_visible()
    (x, top), (_, bottom) = (place_on(board, 0, 2, share) for share in (1.1, 0.5))
    board.mouse.move(x - 15, top)
    board.mouse.down()
    board.mouse.move(x, top + 10, steps=3)
    with board.expect_response(lambda one: "update-component" in one.url and "run 4" in one.text()):
        log_run(store, "run 4", [{"loss": 4.0}], config={"depth": 3})
    board.mouse.move(x + 15, bottom, steps=5)
    board.mouse.up()
    expect(board.get_by_label("Filter runs")).to_have_value(re.compile(r"config\.depth >= 1\.5\d*$"))
    expect(board.get_by_text("3 of 3 runs have a value.")).to_be_visible()


def test_a_table_of_values_that_json_cannot_hold_is_answered(store: Store, dashboard: Dashboard) -> None:
    log_run(
        store, "odd", [{"loss": float("nan"), "acc": float("inf")}], config={"lr": float("inf"), "n": 10**400}
    )
    asked = ["config.lr", "config.n", "last.acc", "last.loss", "config.none"]
    (row,) = ask(dashboard, "run-table", {"columns": asked})["rows"]
    assert row["values"]["config.lr"] == row["values"]["last.acc"] == "∞"
    assert row["values"]["last.loss"] is None and row["values"]["config.n"].startswith("1000")


def test_files_of_trials_hold_no_formula_and_no_command(store: Store, dashboard: Dashboard) -> None:
    for number in range(2):
        log_run(store, "=1+1", [{"loss": 1.0}], config={"a_b": f"@{number}", "x": "$&"})
    about = "?metric=last.loss&project=digits"
    read = {
        kind: urllib.request.urlopen(f"{dashboard.url}/api/v1/trials.{kind}{about}").read().decode()
        for kind in ("csv", "json", "tex")
    }
    assert "'=1+1,'@0" in read["csv"] and r"a\_b" in read["tex"]
    told = json.loads(read["json"])[0]
    assert (told["name"], told["config"], told["metric"]) == ("=1+1", {"a_b": "@0"}, {"last.loss": 1.0})
