"""The Runs, Compare and HParams pages as people use them, in a real browser, and their endpoints."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest
from dashboard_fixtures import Dashboard, eventually, log_run
from playwright.sync_api import Page, Route, expect
from runs_fixtures import HOSTILE, RUNS, ask, rows

import trainboard as tb
from trainboard.storage import Store

pytest_plugins = ["runs_fixtures"]


def names(page: Page) -> list[str]:
    return page.locator("#run-grid [col-id='name'] a").all_inner_texts()


def choose(page: Page, name: str) -> None:
    page.locator("#run-grid .ag-row", has_text=name).locator("input[type=checkbox]").first.check(force=True)


def test_the_table_draws_the_rows_in_view_and_scrolls_to_any_of_them(board: Page, served: Dashboard) -> None:
    board.goto(f"{served.url}/runs")
    expect(board.get_by_text(f"{RUNS} runs", exact=True)).to_be_visible()
    expect(board.get_by_role("link", name="large-119")).to_be_visible()
    assert rows(board).count() < 80
    board.evaluate("dash_ag_grid.getApi('run-grid').ensureIndexVisible(239)")
    expect(board.get_by_role("link", name="small-000")).to_be_visible()


def test_a_click_on_a_header_sorts_all_runs_and_a_reload_keeps_it(board: Page, served: Dashboard) -> None:
    board.goto(f"{served.url}/runs?columns=config.seed,last.loss,min_step.loss")
    board.locator(".ag-header-cell[col-id='last.loss']").click()
    expect(board.locator("#run-grid .ag-row[row-index='0']").first).to_contain_text("small-")
    expect(board).to_have_url(re.compile("sort=last.loss"))
    eventually(lambda: all(name.startswith("small") for name in names(board)))
    first = names(board)[0]
    board.reload()
    expect(board.locator("#run-grid .ag-row[row-index='0']").first).to_contain_text(first)


def test_a_filter_is_typed_and_a_broken_one_says_where_and_keeps_the_last_view(
    page: Page, served: Dashboard
) -> None:
    page.goto(f"{served.url}/runs")
    field = page.get_by_label("Filter runs")
    field.fill("config.opt.lr <= 1e-2 and model and tag = odd")
    field.fill("config.opt.lr <= 1e-2 and tag = odd")
    expect(page.get_by_text("60 runs", exact=True)).to_be_visible()
    field.fill("config.opt.lr <")
    expect(page.get_by_role("alert")).to_contain_text("character 16")
    expect(page.get_by_text("60 runs", exact=True)).to_be_visible()
    field.fill("status = crashed")
    expect(page.get_by_text("1 run", exact=True)).to_be_visible()
    field.fill("nobody")
    expect(page.get_by_role("heading", name="No run matches the filter")).to_be_visible()


def test_columns_are_chosen_with_the_number_wanted_of_a_metric_and_moved(
    board: Page, served: Dashboard
) -> None:
    board.goto(f"{served.url}/runs?columns=status")
    board.get_by_role("button", name="Columns").click()
    panel = board.get_by_role("group", name="Columns", exact=True)
    panel.get_by_label("Which number of a metric").select_option("max")
    panel.get_by_label("loss").check()
    panel.get_by_label("Search columns").fill("opt")
    panel.get_by_label("opt.lr").check()
    panel.get_by_role("button", name="Done").click()
    for field in ("max.loss", "config.opt.lr"):
        expect(board.locator(f".ag-header-cell[col-id='{field}']")).to_be_visible()
    expect(board).to_have_url(re.compile("columns=status%2Cmax.loss%2Cconfig.opt.lr"))
    choose(board, "large-119")
    board.locator(".ag-header-cell[col-id=status]").focus()
    board.keyboard.press("Shift+ArrowRight")
    expect(board).to_have_url(re.compile("columns=max.loss%2Cstatus%2Cconfig.opt.lr"))
    expect(board.get_by_text("1 run chosen", exact=True)).to_be_visible()
    board.reload()
    shown = board.locator(".ag-header-viewport .ag-header-cell")
    expect(shown.first).to_have_attribute("col-id", "max.loss")


def test_runs_are_renamed_tagged_noted_archived_deleted_and_brought_back(
    board: Page, store: Store, dashboard: Dashboard
) -> None:
    for name in ("one", "two", "three"):
        log_run(store, name, [{"loss": 1.0}], config={"lr": 0.1})
    board.goto(f"{dashboard.url}/runs")
    choose(board, "one")
    board.get_by_role("button", name="Rename").click()
    board.get_by_label("New name").fill("uno")
    board.get_by_role("button", name="Save").click()
    expect(board.get_by_role("link", name="uno")).to_be_visible()
    choose(board, "uno")
    choose(board, "two")
    board.get_by_role("button", name="Tag", exact=True).click()
    board.get_by_label("Tag to add").fill("keep")
    board.get_by_role("button", name="Save").click()
    eventually(lambda: sum("keep" in run.tags for run in store.runs()) == 2)
    choose(board, "three")
    board.get_by_role("button", name="Note").click()
    board.get_by_label("Notes").fill("looked at")
    board.get_by_role("button", name="Save").click()
    eventually(lambda: [run.notes for run in store.runs(where="three")] == ["looked at"])
    choose(board, "two")
    choose(board, "three")
    board.get_by_role("button", name="Delete").click()
    expect(board.get_by_role("link", name="two")).to_have_count(0)
    board.get_by_role("button", name="Undo").click()
    expect(board.get_by_role("link", name="two")).to_be_visible()
    choose(board, "two")
    board.get_by_role("button", name="Archive", exact=True).click()
    expect(board.get_by_role("link", name="two")).to_have_count(0)
    assert {run.name for run in store.runs()} == {"uno", "three"}


def test_all_runs_that_match_are_chosen_but_one_and_changed_together(board: Page, served: Dashboard) -> None:
    board.goto(f"{served.url}/runs?where=tag+%3D+odd+and+config.seed+%3E+1")
    board.get_by_role("button", name="Choose all").click()
    expect(board.get_by_text("118 runs chosen", exact=True)).to_be_visible()
    board.locator("#run-grid .ag-row[row-index='3'] input[type=checkbox]").first.uncheck(force=True)
    expect(board.get_by_text("117 runs chosen", exact=True)).to_be_visible()
    board.get_by_role("button", name="Archive", exact=True).click()
    expect(board.get_by_text("1 run", exact=True)).to_be_visible()
    board.get_by_role("button", name="Undo").click()
    expect(board.get_by_text("118 runs", exact=True)).to_be_visible()


def test_a_run_that_still_runs_is_deleted_only_when_that_is_insisted_on(
    page: Page, store: Store, dashboard: Dashboard
) -> None:
    with tb.init("digits", "live", store=store.url) as run:
        run.log({"loss": 1.0})
        page.goto(f"{dashboard.url}/runs")
        choose(page, "live")
        page.get_by_role("button", name="Delete", exact=True).click()
        expect(page.get_by_role("alert").filter(has_text="Still being written to: 'live'")).to_be_visible()
        page.get_by_role("button", name="Delete them all the same").click()
        expect(page.get_by_role("button", name="Undo")).to_be_visible()
    assert store.runs() == []


def test_a_run_is_listed_though_the_server_failed_to_tell_of_it_once(
    page: Page, store: Store, dashboard: Dashboard
) -> None:
    log_run(store, "first", [{"loss": 1.0}])
    page.goto(dashboard.url)
    expect(page.locator(".run-name")).to_have_text(["first"])
    page.route("**/api/v1/runs?ids=*", lambda route: route.fulfill(status=503, body="{}"), times=1)
    log_run(store, "second", [{"loss": 1.0}])
    expect(page.locator(".run-name")).to_have_text(["second", "first"])


def test_a_run_that_begins_appears_by_itself(board: Page, store: Store, dashboard: Dashboard) -> None:
    log_run(store, "first", [{"loss": 1.0}])
    board.goto(f"{dashboard.url}/runs")
    expect(board.get_by_role("link", name="first")).to_be_visible()
    log_run(store, "second", [{"loss": 1.0}])
    expect(board.locator("#run-grid").get_by_role("link", name="second")).to_be_visible()


def test_a_run_is_seen_in_full_and_what_it_logged_is_text(board: Page, served: Dashboard) -> None:
    board.goto(f"{served.url}/runs")
    board.get_by_role("link", name="large-119").click()
    expect(board.get_by_role("heading", name="large-119")).to_be_visible()
    expect(board.get_by_role("row", name="opt.lr 0.001")).to_be_visible()
    expect(board.get_by_text(HOSTILE).first).to_be_visible()
    assert board.locator("#page img").count() == 0
    board.get_by_text("Packages").click()
    expect(board.get_by_role("row", name="torch 2.1")).to_be_visible()
    board.get_by_role("button", name="All runs").click()
    expect(board.get_by_role("link", name="large-119")).to_be_visible()


@pytest.mark.parametrize("name", ["\u200b", "\u2800\u3164\u2060", "\u0007"])
def test_a_run_whose_name_nobody_sees_is_listed_and_opened_by_its_id(
    board: Page, store: Store, dashboard: Dashboard, name: str
) -> None:
    run = log_run(store, name)
    board.goto(f"{dashboard.url}/runs")
    expect(board.locator(".run-name")).to_have_text(run)
    board.get_by_role("link", name=run).click()
    expect(board.get_by_role("heading", name=run)).to_be_visible()


def test_of_a_run_that_crashed_the_error_is_shown_and_of_none_that_there_is_none(
    page: Page, served: Dashboard
) -> None:
    page.goto(f"{served.url}/runs?run=run-0007")
    expect(page.get_by_text("ValueError: no")).to_be_visible()
    page.goto(f"{served.url}/runs?run=nobody")
    expect(page.get_by_role("heading", name="There is no such run")).to_be_visible()


def test_the_differences_of_chosen_runs_are_shown(board: Page, served: Dashboard) -> None:
    board.goto(f"{served.url}/runs")
    choose(board, "large-119")
    choose(board, "small-118")
    board.get_by_role("button", name="Differences").click()
    expect(board.get_by_role("heading", name="What differs between 2 runs")).to_be_visible()
    expect(board.get_by_role("row", name="model large small")).to_be_visible()
    expect(board.get_by_role("row", name="torch 2.1 2.0")).to_be_visible()
    expect(board.locator(".code-diff .added")).to_contain_text(["lr = 118"])
    assert board.get_by_role("row", name=re.compile("^<img")).count() == 0


def test_a_view_is_saved_opened_renamed_and_deleted(board: Page, store: Store, dashboard: Dashboard) -> None:
    log_run(store, "one", [{"loss": 1.0}], config={"lr": 0.1})
    board.goto(f"{dashboard.url}/runs?where=config.lr+%3E+0")
    expect(board.get_by_text("1 run", exact=True)).to_be_visible()
    board.get_by_role("button", name="Views").click()
    board.get_by_label("Name of the view").fill("fast ones")
    board.get_by_role("button", name="Save").click()
    expect(board.get_by_role("link", name="fast ones", exact=True)).to_be_visible()
    board.goto(dashboard.url)
    board.get_by_role("button", name="Views").click()
    board.get_by_role("button", name="Rename").click()
    board.get_by_label("New name").fill("slow ones")
    board.get_by_label("New name").press("Enter")
    board.get_by_role("link", name="slow ones", exact=True).click()
    expect(board.get_by_label("Filter runs")).to_have_value("config.lr > 0")
    assert [view.name for view in store.views("digits")] == ["slow ones"]
    board.get_by_role("button", name="Views").click()
    board.get_by_role("button", name="Delete slow ones").click()
    eventually(lambda: store.views("digits") == [])


def test_views_are_listed_though_the_dialog_was_open_before_the_runs_were_known(
    board: Page, store: Store, dashboard: Dashboard
) -> None:
    log_run(store, "one", [{"loss": 1.0}])
    store.save_view("digits", "mine", "/runs")
    held: list[Route] = []
    board.route("**/api/v1/runs?*", lambda route: held.append(route))
    board.goto(dashboard.url)
    board.get_by_role("button", name="Views").click()
    expect(
        board.get_by_role("dialog", name="Saved views").get_by_role("button", name="Save")
    ).to_be_disabled()
    for route in held:
        route.continue_()
    expect(board.get_by_role("link", name="mine", exact=True)).to_be_visible()


@pytest.mark.parametrize("path", ["/runs", "/compare", "/hparams"])
def test_pages_say_what_is_missing_where_there_is_little(
    board: Page, store: Store, dashboard: Dashboard, path: str
) -> None:
    log_run(store, "only", [{"loss": 1.0}])
    board.set_viewport_size({"width": 390, "height": 800})
    board.goto(f"{dashboard.url}{path}")
    said = {"/runs": "1 run", "/compare": "All runs are in one group", "/hparams": "Nothing varies"}[path]
    expect(board.locator("#page").get_by_text(said).first).to_be_visible()
    assert board.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("run-table", {"columns": "x"}, 400),
        ("run-table", {"where": "a ="}, 422),
        ("run-table", {"sort": [["shoe", True]]}, 422),
        ("run-changes", {"action": "explode", "runs": ["x"]}, 400),
        ("run-changes", {"action": "archive", "runs": []}, 400),
        ("run-ids", {"where": "a ="}, 422),
        ("run-changes", {"action": "delete", "runs": ["nobody"]}, 404),
        ("run-changes", {"action": "rename", "runs": ["run-0001"], "name": " "}, 422),
        ("views", {"action": "save", "project": "p", "name": "x", "address": "https://evil.example"}, 422),
        ("views", {"action": "rename", "project": "p", "name": "x", "to": "y"}, 422),
        ("comparison", {}, 400),
        ("comparison", {"metric": "last.loss", "by": {"pattern": "("}}, 422),
    ],
)
def test_a_request_that_makes_no_sense_is_refused(
    served: Dashboard, path: str, body: Any, status: int
) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        ask(served, path, body)
    assert refused.value.code == status and json.load(refused.value)["message"]


@pytest.mark.parametrize("path", ["run-changes", "views"])
def test_changes_need_the_write_token_and_reading_does_not(
    many: Store, start_dashboard: Callable[..., Dashboard], path: str
) -> None:
    dashboard = start_dashboard(many, token="read", write_token="write")
    assert ask(dashboard, "run-table", {}, Authorization="Bearer read")["total"] == RUNS
    with pytest.raises(urllib.error.HTTPError) as refused:
        ask(dashboard, path, {"action": "archive", "runs": ["run-0001"]}, Authorization="Bearer read")
    assert refused.value.code == 401
