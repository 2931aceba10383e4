"""The Controls page: a person turns a knob in a browser, and the program that trains follows."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest
from dashboard_fixtures import Dashboard, eventually, log_run
from playwright.sync_api import Page, expect

import trainboard as tb
from trainboard.storage import Store


def train_until(run: tb.Run, is_true: Callable[[], Any]) -> None:
    def step() -> Any:
        run.log({"loss": 1.0})
        return is_true()

    eventually(step, 20)


def test_a_knob_turned_in_the_browser_turns_in_the_program(
    board: Page, store: Store, dashboard: Dashboard
) -> None:
    run = tb.init(project="digits", name="live", store=store.url)
    lr = run.knob("lr", 0.001, min=0.00001, max=0.1)
    run.flush()
    board.goto(f"{dashboard.url}/controls")
    board.get_by_label("lr").fill("0.0005")
    board.get_by_role("button", name="Set").click()
    expect(board.get_by_text("0.0005 is applied at the next step")).to_be_visible()
    train_until(run, lambda: lr.value == 0.0005)
    run.flush()
    expect(board.get_by_role("listitem").filter(has_text="lr set to 0.0005 applied")).to_be_visible()
    run.finish()
    expect(board.get_by_text("This run is over")).to_be_visible()
    expect(board.get_by_label("lr")).to_be_disabled()


def test_a_button_pressed_in_the_browser_calls_the_program(
    board: Page, store: Store, dashboard: Dashboard
) -> None:
    run = tb.init(project="digits", name="live", store=store.url)
    saved: list[int] = []
    run.button("Save a checkpoint", lambda: saved.append(1))
    run.flush()
    board.goto(f"{dashboard.url}/controls")
    board.get_by_role("button", name="Save a checkpoint").click()
    train_until(run, lambda: saved)
    run.finish()


def test_a_value_out_of_bounds_stays_in_the_browser(board: Page, store: Store, dashboard: Dashboard) -> None:
    run = tb.init(project="digits", name="live", store=store.url)
    run.knob("lr", 0.001, max=0.1)
    run.flush()
    board.goto(f"{dashboard.url}/controls")
    board.get_by_label("lr").fill("7")
    board.get_by_role("button", name="Set").click()
    assert board.get_by_label("lr").evaluate("input => !input.validity.valid")
    assert store.requests(run.id) == []
    run.finish()


def test_without_controls_the_page_says_how_to_make_some(
    board: Page, store: Store, dashboard: Dashboard
) -> None:
    log_run(store, "one", [{"loss": 1.0}])
    board.goto(f"{dashboard.url}/controls")
    expect(board.get_by_role("heading", name="No controls")).to_be_visible()


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({}, 400),
        ([], 400),
        ({"run": "x", "control": "lr", "value": "fast"}, 400),
        ({"run": "nobody", "control": "lr", "value": 1}, 404),
    ],
)
def test_a_request_that_makes_no_sense_is_refused(dashboard: Dashboard, asked: Any, status: int) -> None:
    request = urllib.request.Request(f"{dashboard.url}/api/v1/controls", json.dumps(asked).encode())
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request)
    assert refused.value.code == status and json.load(refused.value)["message"]
