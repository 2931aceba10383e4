"""Stores of very many runs and tags: lists come in pages, and the page stays usable."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from conftest import Segment
from dashboard_fixtures import Dashboard, eventually
from playwright.sync_api import Page, expect
from starlette.testclient import TestClient

from trainboard.dashboard import asked
from trainboard.dashboard.alerts.outbox import Outbox
from trainboard.dashboard.alerts.rule_watch import RuleWatch
from trainboard.dashboard.api import create_api
from trainboard.dashboard.changes import Changes
from trainboard.dashboard.colors import run_color
from trainboard.dashboard.spool_watch import SpoolWatch
from trainboard.dashboard.visdom.app import Visdom
from trainboard.storage import Store
from trainboard.storage.frames import FrameType

RUNS = 700
TAGS = 30


def log_runs(store: Store, segment: type[Segment], count: int) -> None:
    for number in range(count):
        about: dict[str, Any] = {"project": "many", "name": f"name-{number:04}", "created_at": 1e9 + number}
        said = segment(f"run-{number:04}", **about, tags=["rare"] if number == 3 else [])
        said.scalars(0, {"loss": number / RUNS})
        said.say(FrameType.FINISH, {"status": "finished"})
        store.ingest(f"run-{number:04}").feed(0, said.data, 0)


@pytest.fixture
def many(store: Store, segment: type[Segment]) -> Store:
    log_runs(store, segment, RUNS)
    return store


@pytest.fixture
def ask(many: Store) -> Callable[..., Any]:
    changes = Changes(many)
    api = create_api(many, changes, SpoolWatch(many), Visdom(many), RuleWatch(many, Outbox(local=True)))
    client = TestClient(api, raise_server_exceptions=False)
    return lambda **asked: client.get("/api/v1/runs", params=asked).json()


def test_pages_of_runs_hold_each_run_once_with_the_colour_it_has_anywhere(ask: Callable[..., Any]) -> None:
    pages = [ask(limit=300)]
    while pages[-1]["after"]:
        pages.append(ask(limit=300, after=pages[-1]["after"]))
    runs = [run for page in pages for run in page["runs"]]
    assert [len(page["runs"]) for page in pages] == [300, 300, 100]
    assert [run["name"] for run in runs] == [f"name-{number:04}" for number in reversed(range(RUNS))]
    assert [run["color"] for run in runs] == [run_color(number) for number in reversed(range(RUNS))]
    assert {page["total"] for page in pages} == {RUNS}
    assert ask(ids=runs[-1]["id"])["runs"] == [runs[-1]]


def test_a_search_looks_at_every_run(ask: Callable[..., Any]) -> None:
    assert [run["name"] for run in ask(search="NAME-000")["runs"]][-1] == "name-0000"
    assert [run["id"] for run in ask(search="rare finished")["runs"]] == ["run-0003"]
    assert ask(search="run-06", limit=10)["total"] == 100
    assert ask(search="name_0001")["total"] == ask(search="rare crashed")["total"] == 0


def test_a_wrong_cursor_is_refused(ask: Callable[..., Any]) -> None:
    assert "after" in ask(after="yesterday")["message"]


def test_a_change_of_any_run_is_seen_by_its_version_alone(many: Store, segment: type[Segment]) -> None:
    changes = Changes(many)
    before = changes._read_revisions(many.version(), {})
    assert len(before) == RUNS
    said = segment("run-0005", notes="looked at again")
    many.ingest("again").feed(0, said.data, 0)
    after = changes._read_revisions(many.version(), before)
    assert {run for run in after if after[run] != before[run]} == {"run-0005"}


def test_an_old_run_is_found_and_shown_though_the_list_holds_the_newest(
    board: Page, many: Store, dashboard: Dashboard
) -> None:
    board.goto(dashboard.url)
    expect(board.get_by_text(f"50 of {RUNS} shown")).to_be_visible()
    expect(board.locator(".run")).to_have_count(300)
    board.get_by_label("Search runs").fill("name-0003")
    board.get_by_text("name-0003", exact=True).dblclick()
    chart = board.locator('article[data-tag="loss"]')
    expect(chart).to_contain_text("name-0003: 1 point")
    board.reload()
    expect(chart).to_contain_text("name-0003: 1 point")


def test_the_list_of_runs_grows_as_it_is_scrolled(board: Page, many: Store, dashboard: Dashboard) -> None:
    board.goto(dashboard.url)
    runs = board.locator(".run")
    expect(board.locator('article[data-tag="loss"]')).to_contain_text("name-0699: 1 point")
    expect(runs).to_have_count(300)  # what is not scrolled to is not read

    def scrolled_to_all() -> bool:
        runs.last.evaluate("run => run.scrollIntoView()")
        return runs.count() == RUNS

    eventually(scrolled_to_all)
    expect(board.get_by_text("name-0000", exact=True)).to_be_visible()


def test_of_too_many_tags_the_first_are_shown_and_a_filter_finds_the_others(
    board: Page,
    store: Store,
    segment: type[Segment],
    start_dashboard: Callable[..., Dashboard],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(asked, "MAX_SERIES", 20)
    said = segment("run", project="many", name="wide")
    said.scalars(0, {f"tag-{number:02}": 1.0 for number in range(TAGS)})
    said.say(FrameType.FINISH, {"status": "finished"})
    store.ingest("run").feed(0, said.data, 0)
    board.goto(start_dashboard(store).url)
    expect(board.get_by_text(re.compile("The first 20 of 30 charts"))).to_be_visible()
    expect(board.locator(".card")).to_have_count(20)
    board.get_by_role("textbox", name="Filter charts").fill("tag-29")
    expect(board.locator('article[data-tag="tag-29"]')).to_contain_text("wide: 1 point")
    expect(board.locator(".card")).to_have_count(1)
    board.get_by_role("textbox", name="Filter charts").fill("")
    expect(board.locator(".card")).to_have_count(20)
