"""The Panes page in a real browser: every recorded window is drawn, lives, and is rearranged."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from string import ascii_lowercase
from typing import Any

import numpy as np
import pytest
from dashboard_fixtures import Dashboard, eventually, once_within, served
from playwright.sync_api import Dialog, Locator, Page, expect
from visdom_server import client, pane

from trainboard.storage import Store
from trainboard.storage.windows import read_environments

SHOWN = "document.querySelector('.js-plotly-plot').data"


@pytest.fixture(scope="module")
def dashboard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dashboard]:
    with served(tmp_path_factory.mktemp("panes")) as dashboard:
        yield dashboard


def test_what_a_program_draws_is_seen_and_goes_on(board: Page, dashboard: Dashboard) -> None:
    vis = client(dashboard, "live")
    vis.line(X=np.arange(3), Y=np.arange(3.0), win="loss", name="train", opts={"title": "Loss"})
    vis.text("First <b>line</b>", win="log", opts={"title": "Log"})
    board.goto(f"{dashboard.url}/panes?env=live")
    expect(pane(board, "Loss").locator(".gtitle")).to_have_text("Loss")
    expect(pane(board, "Log").locator("b")).to_have_text("line")
    vis.text("second", win="log", append=True)
    vis.line(X=np.array([3]), Y=np.array([np.nan]), win="loss", name="train", update="append")
    expect(pane(board, "Log")).to_contain_text("second")
    board.wait_for_function(f"() => {SHOWN}[0].x.length === 4")


def test_callbacks_hear_of_keys_clicks_and_properties_at_once(board: Page, dashboard: Dashboard) -> None:
    vis = client(dashboard, "events", use_incoming_socket=True)
    assert vis.check_connection(timeout_seconds=60)
    vis.text("keys", win="keys", opts={"title": "Keys"})
    vis.image(np.zeros((3, 40, 40)), win="picture", opts={"title": "Picture"})
    switches = [
        {"type": "checkbox", "name": "on", "value": False},
        {"type": "button", "name": "program", "value": "Go"},
        {"type": "select", "name": "color", "value": 0, "values": ["red", "blue"]},
    ]
    vis.properties(switches, win="switch", opts={"title": "Switch"})
    heard: list[dict[str, Any]] = []
    for win in ("keys", "picture", "switch"):
        vis.register_event_handler(heard.append, win)
    board.goto(f"{dashboard.url}/panes?env=events")
    pane(board, "Keys").get_by_text("keys", exact=True).click()

    def ask() -> None:
        heard.clear()
        board.keyboard.press("?")
        eventually(lambda: heard)
        assert heard[0]["key"] == "?"

    once_within(1, ask)  # 0.1 on a machine with nothing else to do; see benchmarks
    expect(board.locator("#keys")).to_be_hidden()  # which is what the key does elsewhere
    heard.clear()
    pane(board, "Picture").locator("h2").click()
    pane(board, "Keys").locator("h2").click()  # the bar, by which windows are moved
    typed = 4 * ascii_lowercase
    board.keyboard.type(typed)
    eventually(lambda: len(heard) == len(typed))
    assert "".join(event["key"] for event in heard) == typed
    heard.clear()
    pane(board, "Picture").locator("img").click()
    eventually(lambda: heard)
    assert 0 <= heard[0]["image_coord"]["x"] <= 40
    switch = pane(board, "Switch")
    switch.get_by_role("checkbox").click()
    switch.get_by_role("button", name="Go").click()
    switch.get_by_label("color").select_option("blue")
    eventually(lambda: len(heard) == 4)
    assert [event["value"] for event in heard[1:]] == [True, "clicked", "1"]


def test_a_figure_is_smoothed_and_edited_while_its_program_goes_on(board: Page, dashboard: Dashboard) -> None:
    vis = client(dashboard, "looked")
    vis.line(X=np.arange(4), Y=np.array([0.0, 8, 0, 8]), win="w", name="a", opts={"title": "Rough"})
    board.goto(f"{dashboard.url}/panes?env=looked")
    card = pane(board, "Rough")
    expect(card.locator(".gtitle")).to_have_text("Rough")
    card.get_by_role("button", name="Look").click()
    card.get_by_label("Smoothing").fill("0.9")
    card.get_by_label("title.text", exact=True).fill("By hand")
    expect(card.locator(".gtitle")).to_have_text("By hand")
    vis.line(X=np.array([4]), Y=np.array([0.0]), win="w", name="a", update="append")
    board.wait_for_function(f"() => {SHOWN}[0].x.length === 5")
    smooth, raw = board.evaluate(f"{SHOWN}.map((trace) => trace.y)")
    assert raw == [0, 8, 0, 8, 0]
    assert smooth[0] == 0 and all(1 < value < 6 for value in smooth[1:])
    expect(card.locator(".gtitle")).to_have_text("By hand")
    card.get_by_role("button", name="Reset", exact=True).click()
    expect(card.locator(".gtitle")).to_have_text("Rough")
    assert board.evaluate(f"{SHOWN}.map((trace) => trace.y)") == [raw]


def test_a_read_only_page_offers_nothing_that_changes(
    board: Page, store: Store, start_dashboard: Callable[..., Dashboard]
) -> None:
    dashboard = start_dashboard(store, visdom_read_only=True)
    board.goto(f"{dashboard.url}/panes")
    expect(board.get_by_text("No environments")).to_be_visible()
    client(dashboard, "shown").text("x", win="w", opts={"title": "Shown"})
    expect(pane(board, "Shown").get_by_text("x", exact=True)).to_be_visible()
    for name in ("Close", "Delete…", "Copy…", "Save view as…"):
        expect(board.get_by_role("button", name=name)).to_have_count(0)


def test_compared_environments_are_one_plot_that_goes_on(board: Page, dashboard: Dashboard) -> None:
    for env in ("a_one", "a_two"):
        client(dashboard, env).line(
            X=np.arange(2), Y=np.arange(2.0), win="w", name="train", opts={"title": "Shared"}
        )
    board.goto(f"{dashboard.url}/panes?env=a_one,a_two")
    legend = pane(board, "Shared").locator(".legendtext")
    expect(legend).to_have_text(["a_one train", "a_two train"])
    client(dashboard, "a_two").line(
        X=np.array([2]), Y=np.array([5.0]), win="w", name="train", update="append"
    )
    board.wait_for_function("() => document.querySelector('.js-plotly-plot').data[1].x.length === 3")


def test_a_closed_window_can_be_opened_again(board: Page, dashboard: Dashboard) -> None:
    vis = client(dashboard, "closing")
    vis.text("x", win="w", opts={"title": "Closing"})
    board.goto(f"{dashboard.url}/panes?env=closing")
    pane(board, "Closing").get_by_role("button", name="Close").click()
    expect(pane(board, "Closing")).to_be_hidden()
    eventually(lambda: not vis.win_exists("w"))
    board.get_by_role("button", name="Undo").click()
    expect(pane(board, "Closing")).to_be_visible()
    eventually(lambda: vis.win_exists("w"))


def test_a_moved_window_stays_there_in_every_browser(board: Page, dashboard: Dashboard) -> None:
    vis = client(dashboard, "moving")
    for name in ("One", "Two"):
        vis.text(name, win=name, opts={"title": name})
    board.goto(f"{dashboard.url}/panes?env=moving")
    drag(board, pane(board, "One"), pane(board, "Two"))
    eventually(lambda: "current" in views(dashboard, "moving"))
    places = views(dashboard, "moving")["current"]
    board.reload()
    board.wait_for_function(
        "({ x, y }) => { const at = document.querySelector('[gs-id=One]')?.gridstackNode; "
        "return at && at.x === x && at.y === y; }",
        arg=places["One"],
    )
    assert places["One"]["x"] or places["One"]["y"]


def test_a_double_click_on_its_corner_gives_a_window_its_first_size(
    board: Page, dashboard: Dashboard
) -> None:
    client(dashboard, "sized").text("x", win="w", opts={"title": "Sized", "width": 300, "height": 200})
    board.goto(f"{dashboard.url}/panes?env=sized")
    card = pane(board, "Sized")
    card.hover()
    first, corner = card.bounding_box(), board.locator(".ui-resizable-se").bounding_box()
    assert first and corner
    x, y = corner["x"] + corner["width"] / 2, corner["y"] + corner["height"] / 2
    board.mouse.move(x, y)
    board.mouse.down()
    board.mouse.move(x + 300, y + 100, steps=20)
    board.mouse.up()
    eventually(lambda: card.bounding_box() != first)
    card.hover()
    board.locator(".ui-resizable-se").dblclick()
    eventually(lambda: card.bounding_box() == first)


def drag(board: Page, card: Locator, onto: Locator) -> None:
    start, end = card.locator("h2").bounding_box(), onto.locator("h2").bounding_box()
    assert start and end
    board.mouse.move(start["x"] + 5, start["y"] + 5)
    board.mouse.down()
    board.mouse.move(end["x"] + 200, end["y"] + 5, steps=20)
    board.mouse.up()


def views(dashboard: Dashboard, name: str) -> dict[str, Any]:
    with dashboard.store.reading() as connection:
        return read_environments(connection, [name])[0].views


def test_windows_whose_titles_match_close_up_and_return_to_their_places(
    board: Page, dashboard: Dashboard
) -> None:
    vis = client(dashboard, "filtered")
    for name in ("other 1", "other 2", "other 3", "loss a", "other 4", "loss b"):
        vis.text(name, opts={"title": name})
    board.goto(f"{dashboard.url}/panes?env=filtered")
    expect(pane(board, "loss b")).to_be_visible()
    before = {name: pane(board, name).bounding_box() for name in ("other 1", "loss a", "loss b")}
    board.get_by_label("Filter windows").fill("^loss")
    expect(pane(board, "other 1")).to_be_hidden()
    eventually(lambda: pane(board, "loss a").bounding_box() == before["other 1"])
    beside, first = pane(board, "loss b").bounding_box(), before["other 1"]
    assert beside and first and beside["y"] == first["y"] and beside["x"] > first["x"]
    board.get_by_label("Filter windows").fill("")
    eventually(lambda: {name: pane(board, name).bounding_box() for name in before} == before)
    assert views(dashboard, "filtered") == {}


def test_environments_of_a_pattern_are_deleted_together(board: Page, dashboard: Dashboard) -> None:
    vis = client(dashboard, "kept_of_sweep")
    for name in ("sweep_1", "sweep_2", "kept_of_sweep"):
        vis.text("here", win="w", env=name)
    asked: list[str] = []

    def agree(dialog: Dialog) -> None:
        asked.append(dialog.message)
        dialog.accept("sweep_.*")

    board.on("dialog", agree)
    board.goto(f"{dashboard.url}/panes?env=kept_of_sweep")
    board.get_by_role("button", name="Delete matching").click()
    eventually(lambda: "sweep_2" not in vis.get_env_list())
    assert asked[1].endswith("sweep_1, sweep_2?")
    assert "kept_of_sweep" in vis.get_env_list()


def test_an_environment_leaves_as_a_page_and_as_json_and_comes_back(
    board: Page, dashboard: Dashboard, tmp_path: Path
) -> None:
    vis = client(dashboard, "leaving")
    vis.line(X=np.arange(2), Y=np.array([1.0, np.inf]), win="w", opts={"title": "Out </script>"})
    vis.graph([(0, 1)], nodeLabels=["from", "to"], win="net", opts={"width": 300, "height": 300})
    vis.properties([{"type": "select", "name": "color", "value": 1, "values": ["red", "blue"]}])
    board.goto(f"{dashboard.url}/panes?env=leaving")
    with board.expect_download() as download:
        board.get_by_role("link", name="Export JSON").click()
    saved = tmp_path / "back again.json"
    download.value.save_as(saved)
    board.get_by_label("Import saved JSON").set_input_files(saved)
    expect(board.get_by_role("button", name="back again")).to_be_visible()
    trace = json.loads(vis.get_window_data("w", env="back again"))["content"]["data"][0]
    assert trace["y"] == [1.0, float("inf")]
    with board.expect_download() as download:
        board.get_by_role("link", name="Export HTML").click()
    page = tmp_path / "leaving.html"
    download.value.save_as(page)
    board.goto(f"file://{page}")
    expect(board.locator(".gtitle")).to_have_text(re.compile("Out"))
    expect(board.locator(".textpoint")).to_have_text(["from", "to"])
    assert board.locator(".plot", has_text="from").evaluate("one => one.clientWidth") == 300
    expect(board.get_by_role("row")).to_have_text("colorblue")
