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

    eventually(step)


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


def test_a_control_needs_the_write_token_and_the_page_asks_for_it_once(
    page: Page, store: Store, start_dashboard: Callable[..., Dashboard]
) -> None:
    dashboard = start_dashboard(store, token="read", write_token="write")
    with tb.init(project="digits", name="live", store=store.url) as run:
        run.button("save", lambda: None)
        run.button("stop", lambda: None)
        run.flush()
        page.goto(f"{dashboard.url}/controls?token=read")
        page.get_by_role("button", name="save").click()
        for token in ("read", "write"):
            asked = page.get_by_label("Changing a run needs the write token that the server printed")
            expect(asked).to_be_visible()
            assert store.requests(run.id) == []
            asked.fill(token)
            with page.expect_response("**/api/v1/controls"):
                page.get_by_role("button", name="Use it").click()
        expect(page.get_by_role("listitem").filter(has_text="save pressed")).to_be_visible()
        page.get_by_role("button", name="stop").click()
        expect(page.get_by_role("listitem").filter(has_text="stop pressed")).to_be_visible()
        assert [request.control for request in store.requests(run.id)] == ["save", "stop"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"Authorization": "Bearer read"}, 401),
        ({"Cookie": "trainboard_token_{port}=read"}, 401),
        ({"Cookie": "trainboard_token_{port}=write"}, 401),
        ({"Authorization": "Bearer write", "Origin": "https://evil.example"}, 403),
        ({"Authorization": "Bearer write", "Sec-Fetch-Site": "cross-site"}, 403),
    ],
)
def test_who_may_not_change_a_run_does_not_turn_its_knobs(
    store: Store, start_dashboard: Callable[..., Dashboard], headers: dict[str, str], status: int
) -> None:
    dashboard = start_dashboard(store, token="read", write_token="write")
    sent = {name: text.format(port=dashboard.port) for name, text in headers.items()}
    with tb.init(project="digits", store=store.url) as run:
        run.knob("lr", 0.001)
        run.flush()
        body = json.dumps({"run": run.id, "control": "lr", "value": 1.0}).encode()
        request = urllib.request.Request(f"{dashboard.url}/api/v1/controls", body, sent)
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request)
        assert refused.value.code == status
        assert store.requests(run.id) == []


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
