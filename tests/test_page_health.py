"""The Health page says at a glance what is wrong, where and since when, and lets one look closer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from dashboard_fixtures import Dashboard, log_run, served
from health_fixtures import OUTPUTS, PARAMETERS, healthy, stats
from playwright.sync_api import Page, expect
from test_page_attacks import ATTACK, MADE_OF_ATTACKS

import trainboard as tb
from trainboard.storage.kinds.event import Event


def sick() -> list[dict[str, Any]]:
    steps: list[dict[str, Any]] = [dict(step) for step in healthy(40)]
    for at, step in enumerate(steps):
        zeros = 0.99 if at >= 20 else 0.5
        step["layers/activations"] = stats(OUTPUTS, zero_fraction=[0.5, 0.5, zeros, 0.5], norm=1.0)
        step |= {
            "steps/data": 0.06,
            "steps/forward": 0.04,
            "steps/total": 0.1,
            "loss": 1.0,
            "system/cpu": 50.0,
        }
    ring = [{"step": at, "gradients": {"head.weight": 1.0 if at < 38 else 1e5}} for at in range(30, 40)]
    data = {"layer": "head", "phase": "backward", "step": 40, "batch": 40, "last_good_step": 39, "ring": ring}
    steps[-1]["flight_recorder"] = Event("Not finite", "", "error", data)
    return steps


def hostile() -> list[dict[str, Any]]:
    data = {"layer": ATTACK, "phase": ATTACK, "detail": ATTACK, "trace": ATTACK}
    ring = [{"step": 1, "gradients": {ATTACK: 1.0}}]
    record = stats([ATTACK, f"a.{ATTACK}"], norm=1.0, nans=1)
    fault = Event(ATTACK, ATTACK, "error", {**data, "ring": ring})
    return [
        {f"layers/{source}": record for source in ("gradients", "activations")} | {"flight_recorder": fault}
    ]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Dashboard, dict[str, str]]]:
    """A dashboard of a run that is well, one that is not, one nobody watched, and one of attacks."""
    with served(tmp_path_factory.mktemp("health")) as dashboard:
        store = dashboard.store
        runs = {
            "plain": log_run(store, "plain", [{"loss": 1.0}]),
            "hostile": log_run(store, ATTACK, hostile()),
            "well": log_run(store, "well", healthy(30)),
            "sick": log_run(store, "sick", sick()),
        }
        yield dashboard, runs


def test_what_is_wrong_where_and_since_when_can_be_read_at_once(
    board: Page, told: tuple[Dashboard, dict[str, str]]
) -> None:
    dashboard, runs = told
    board.goto(f"{dashboard.url}/health?only={runs['sick']},{runs['well']}&health_run={runs['sick']}")
    summary = board.get_by_role("region", name="Summary")
    expect(summary).to_contain_text(
        "Flight recorder: the backward pass of layer head made NaN or infinity. Step 40."
    )
    expect(summary).to_contain_text("Units are dead since step 20. body.1.relu: 95% or more")
    expect(summary).to_contain_text("Healthy: nothing wrong in 120 records.")
    report = board.get_by_role("region", name="Flight recorder")
    expect(report).to_contain_text("Gradients exploded")
    expect(report.get_by_role("row", name="head.weight")).to_contain_text("1.000e5")
    link = report.get_by_role("link", name="Link to this report")
    expect(link).to_have_attribute(
        "href", re.compile(f"/health\\?health_run={runs['sick']}&.*health_fault=40")
    )
    time = board.get_by_role("region", name="Time")
    expect(time).to_contain_text("Input-bound: 60% of step time waits for data since step 0.")
    expect(time.get_by_role("figure", name="Processor")).to_contain_text("50.00 %")
    maps = board.get_by_role("region", name="Layers")
    expect(maps).to_contain_text("Not finite: none.")
    maps.get_by_role("figure", name="Gradient norm").get_by_role("button", name="body").click()
    expect(maps.get_by_role("figure", name="Gradient norm").get_by_role("button", name="0 2")).to_be_hidden()
    assert "health_closed=body" in board.evaluate("location.search")
    zeros = maps.get_by_role("figure", name="Zeros in outputs")
    zeros.get_by_role("img").focus()
    board.keyboard.press("ArrowLeft")
    expect(zeros.get_by_role("status")).to_contain_text("50.0 % are 0")
    board.keyboard.press("Enter")
    curves = board.get_by_role("region", name="Layer stem")
    expect(curves.get_by_role("figure", name="Share of zeros")).to_contain_text("0.5000")
    histograms = curves.get_by_role("link", name="Its histograms")
    expect(histograms).to_have_attribute("href", re.compile("/histograms\\?.*histogram_filter=stem"))
    board.get_by_label("Filter layers").fill("head|(")
    expect(board.get_by_role("alert").first).to_contain_text("This is no regular expression")
    board.get_by_label("Filter layers").fill("^head")
    expect(maps.get_by_role("figure", name="Gradient norm").get_by_role("button")).to_have_count(1)


def test_maps_are_zoomed_by_a_drag_and_by_keys_and_the_address_keeps_it(
    board: Page, told: tuple[Dashboard, dict[str, str]]
) -> None:
    dashboard, runs = told
    board.goto(f"{dashboard.url}/health?only={runs['sick']}")
    cells = board.get_by_role("figure", name="Gradient norm").get_by_role("img")
    expect(cells).to_have_accessible_name(re.compile("40 columns"))
    cells.scroll_into_view_if_needed()
    box = cells.bounding_box()
    assert box is not None
    board.mouse.move(box["x"] + box["width"] * 0.26, box["y"] + 4)
    board.mouse.down()
    board.mouse.move(box["x"] + box["width"] * 0.49, box["y"] + 5, steps=5)
    board.mouse.up()
    expect(cells).to_have_accessible_name(re.compile("10 columns"))
    assert "health_window=10%2C19" in board.evaluate("location.search")
    board.reload()
    expect(cells).to_have_accessible_name(re.compile("10 columns"))
    expect(board.get_by_role("figure", name="Zeros in outputs").get_by_role("img")).to_have_accessible_name(
        re.compile("10 columns")
    )
    expect(board.locator(".heat-zoom")).to_contain_text("Zoomed to steps 10 to 19")
    cells.focus()
    board.keyboard.press("+")
    expect(cells).to_have_accessible_name(re.compile("[4-6] columns"))
    board.keyboard.press("0")
    expect(cells).to_have_accessible_name(re.compile("40 columns"))
    rows = board.get_by_role("figure", name="Gradient norm").locator(".heat-rows li")
    count = rows.count()
    box = cells.bounding_box()
    assert box is not None
    board.mouse.move(box["x"] + 20, box["y"] + 8)
    board.mouse.down()
    board.mouse.move(box["x"] + 20, box["y"] + 24, steps=5)
    board.mouse.up()
    expect(rows).not_to_have_count(count)
    expect(board.locator(".heat-zoom")).to_contain_text("stem to body")
    cells.dblclick(position={"x": 5, "y": 8})
    expect(rows).to_have_count(count)


def test_runs_are_shown_beside_one_another_and_one_nobody_watched_says_how(
    board: Page, told: tuple[Dashboard, dict[str, str]]
) -> None:
    dashboard, runs = told
    three = ",".join(runs[name] for name in ("sick", "well", "plain"))
    board.goto(f"{dashboard.url}/health?only={three}&health_view=runs&health_quantity=dead")
    for name in ("sick", "well"):
        expect(board.get_by_role("figure", name=name)).to_contain_text("body")
    board.get_by_role("button", name="plain").click()
    expect(board.get_by_text("No statistics of layers in this run")).to_be_visible()
    expect(board.get_by_text("No steps were timed")).to_be_visible()


def test_nothing_that_was_logged_runs_on_the_health_page(
    board: Page, told: tuple[Dashboard, dict[str, str]]
) -> None:
    dashboard, runs = told
    board.goto(f"{dashboard.url}/health?only={runs['hostile']}")
    board.get_by_role("region", name="Flight recorder").get_by_text("Traceback").click()
    expect(board.get_by_role("figure", name="Gradient norm")).to_be_visible()
    board.get_by_role("button", name="Look at").first.click()
    expect(board.locator(".layer-curves")).to_contain_text("<img src=x")
    assert board.locator(f"#page :is({MADE_OF_ATTACKS})").count() == 0
    assert board.evaluate("window.owned") is None


def test_a_running_model_is_followed_without_a_jump(
    board: Page, told: tuple[Dashboard, dict[str, str]]
) -> None:
    dashboard, _ = told
    with tb.init("digits", "live", store=dashboard.store.url) as run:
        for step in range(5):
            run.log({"layers/gradients": stats(PARAMETERS, norm=0.1)}, step=step)
        run.flush()
        board.goto(f"{dashboard.url}/health?only={run.id}")
        cells = board.get_by_role("figure", name="Gradient norm").get_by_role("img")
        expect(cells).to_have_accessible_name(re.compile("5 columns"))
        top = board.evaluate("document.querySelector('.heat-map').getBoundingClientRect().top")
        board.evaluate("document.querySelector('.heat-map canvas').marked = true")
        run.log({"layers/gradients": stats(PARAMETERS, norm=0.1)}, step=5)
        run.flush()
        expect(cells).to_have_accessible_name(re.compile("6 columns"))
        assert board.evaluate("document.querySelector('.heat-map canvas').marked") is True
        assert board.evaluate("document.querySelector('.heat-map').getBoundingClientRect().top") == top
