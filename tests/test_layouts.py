"""Layouts: charts that a program asked for are drawn, and people change them, keep them, and export them."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from charts_fixtures import drawn
from dashboard_fixtures import Dashboard, eventually, served
from playwright.sync_api import Page, expect

import trainboard as tb
from trainboard.storage import open_store
from trainboard.storage.layouts import read_layout
from trainboard.storage.tfevents.following import open_follower, read_all

ATTACK = '"><img src=x onerror="top.owned=1">'
BAND = ["Margin", ["val/loss", "val/low", "val/high"]]
LAYOUT = {"Quality": {"both": ["Multiline", ["(train|val)/loss"]], "bounds": BAND}, ATTACK: {ATTACK: BAND}}


@pytest.fixture(scope="module")
def dashboard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dashboard]:
    with served(tmp_path_factory.mktemp("layouts")) as dashboard:
        store = dashboard.store
        with tb.init("p", "one", id="one", store=store.url) as run:
            run.log({"layout of mine": tb.Layout(LAYOUT)}, 0)
            for step in range(20):
                run.log({"train/loss": 1.0, "val/loss": 2.0, "val/low": 1.5, "val/high": 3.0}, step)
        with tb.init("other", "two", id="two", store=store.url) as run:
            run.log({"a" * 60: 1.0}, 0)
        yield dashboard


def post(dashboard: Dashboard, path: str, asked: Any) -> Any:
    body = json.dumps(asked).encode()
    with urllib.request.urlopen(f"{dashboard.url}/api/v1/{path}", body, timeout=60) as answer:
        return json.load(answer)


def chart(type: str, *tags: str, title: str = "t") -> dict[str, Any]:
    return {"category": "c", "title": title, "type": type, "tags": list(tags)}


def test_a_chart_is_for_the_tags_that_it_names_or_that_begin_with_what_its_expressions_match(
    dashboard: Dashboard,
) -> None:
    charts = [
        chart("multiline", "val/.*", "train/loss"),
        chart("multiline", "loss"),
        chart("multiline", "val/l(?!.*ow)"),
        chart("multiline", "("),
        chart("margin", "val/loss", "val/low", "val/none"),
    ]
    told = post(dashboard, "layouts", {"runs": ["one"], "charts": charts})["charts"]
    assert told[0]["found"] == ["val/high", "val/loss", "val/low", "train/loss"] and not told[0]["problem"]
    assert told[1]["found"] == [] and "No shown run" in told[1]["problem"]
    assert told[2]["found"] == ["val/loss"]
    assert "no regular expression" in told[3]["problem"]
    assert "“val/none”" in told[4]["problem"]


def test_an_expression_that_never_ends_is_given_up(dashboard: Dashboard) -> None:
    asked = {"runs": ["two"], "charts": [chart("multiline", "(a|aa)+b")]}
    (told,) = post(dashboard, "layouts", asked)["charts"]
    assert "takes too long" in told["problem"]


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"runs": ["one"]}, 422),
        ({"runs": ["one"], "charts": [{}]}, 422),
        ({"runs": ["one"], "charts": [chart("pie", "a")]}, 422),
        ({"runs": ["one"], "charts": [chart("margin", "a")]}, 422),
        ({"runs": ["one"], "charts": [chart("multiline")]}, 422),
        ({"runs": ["one"], "charts": [chart("multiline", "a" * 1_001)]}, 422),
        ({"runs": ["one"], "charts": [chart("multiline", "a")] * 201}, 413),
    ],
)
def test_a_layout_that_makes_no_sense_is_refused(dashboard: Dashboard, asked: Any, status: int) -> None:
    for path in ("layouts", "layouts/keep"):
        with pytest.raises(urllib.error.HTTPError) as refused:
            post(dashboard, path, asked)
        assert refused.value.code == status and json.load(refused.value)["message"]


def test_a_layout_that_is_kept_goes_before_the_logged_one_and_into_tensorboards_logs(
    dashboard: Dashboard, tmp_path: Path
) -> None:
    store = dashboard.store
    for title in ("first", "second"):
        kept = [chart("multiline", "a+", title=title)]
        post(dashboard, "layouts/keep", {"runs": ["two"], "charts": kept})
    assert [one.title for one in read_layout(store, ["two"])] == ["second"]
    assert store.run("two").status == "finished"
    store.export_tensorboard(tmp_path / "logs", runs=["two"])
    with open_store(tmp_path / "again.db", create=True) as again:
        read_all(open_follower(again, [str(tmp_path / "logs")]))
        (run,) = again.runs()
        assert [one.title for one in read_layout(again, [run.id])] == ["second"]


def test_a_logged_layout_is_drawn_changed_and_kept(board: Page, dashboard: Dashboard) -> None:
    board.goto(dashboard.url + "/?project=p")
    quality = board.get_by_role("region", name="Quality")
    expect(quality.locator("article")).to_have_count(2)
    assert drawn(board, "layout:Quality/both", "curve.source") == ["train/loss", "val/loss"]
    bounds = drawn(board, "layout:Quality/bounds", "[curve.value[3], curve.low[3], curve.high[3]]")
    assert bounds == [[2, 1.5, 3]]
    assert board.evaluate("window.owned") is None
    board.get_by_role("button", name="Layout", exact=True).click()
    editor = board.get_by_role("dialog", name="Layout")
    editor.get_by_label("Move down: both").click()
    editor.get_by_label("Title of both").fill("losses")
    editor.get_by_label(f"Remove: {ATTACK}").click()
    editor.get_by_role("button", name="Show", exact=True).click()
    expect(quality.locator("h3")).to_have_text(["bounds", "losses"])
    assert "layout=" in board.evaluate("location.search")
    board.get_by_role("button", name="Layout", exact=True).click()
    editor.get_by_role("button", name="Keep in the shown runs").click()
    expect(editor).to_be_hidden()
    expect(quality.locator("h3")).to_have_text(["bounds", "losses"])
    eventually(lambda: "layout=" not in board.evaluate("location.search"))
    assert [one.title for one in read_layout(dashboard.store, ["one"])] == ["bounds", "losses"]
