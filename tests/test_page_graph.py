"""The Graph page, and what a person does with it in a real browser."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from conftest import Segment
from dashboard_fixtures import Dashboard, log_run
from PIL import Image
from playwright.sync_api import Locator, Page, expect
from test_graph_scopes import chain, residual

from trainboard.storage import Store
from trainboard.storage.kinds.graph import Edge, Graph, Node


@pytest.fixture
def graph_board(board: Page, store: Store, dashboard: Dashboard) -> Callable[..., Page]:
    """Opens the page on a run of these graphs."""

    def show(*graphs: Graph, query: str = "") -> Page:
        log_run(store, "net", [{"graph": graph} for graph in graphs])
        board.goto(f"{dashboard.url}/graph?{query}")
        return board

    return show


def box(board: Page, id: str, side: str = "main") -> Locator:
    return board.locator(f'.graph-pane-{side} .graph-box[data-box="{id}"]')


def corner(board: Page, id: str) -> tuple[float, float]:
    """The middle of a box's upper edge on the screen, once the picture stands still."""
    expect(board.locator(".graph-moving")).to_have_count(0)
    found = box(board, id).locator("> rect").first.bounding_box()
    assert found is not None
    return found["x"] + found["width"] / 2, found["y"]


@pytest.mark.parametrize("later", ["another project", "digits"])
def test_a_link_that_names_a_run_shows_that_one_though_newer_ones_came(
    board: Page, store: Store, dashboard: Dashboard, segment: type[Segment], later: str
) -> None:
    run = log_run(store, "old", [{"graph": chain(3)}])
    for number in range(51):
        said = segment(f"new-{number}", project=later, name=f"new {number}", created_at=time.time())
        store.ingest(f"new-{number}").feed(0, said.data, 0)
    log_run(store, "newest", [{"graph": residual()}], project=later)
    board.goto(f"{dashboard.url}/graph?graph_run={run}")
    expect(board.get_by_label("Graph of", exact=True)).to_have_value(run)
    box_of_run = board.locator(f'.run[data-run="{run}"] input[type=checkbox]')
    expect(box_of_run).to_be_checked()
    box_of_run.uncheck()
    expect(box_of_run).not_to_be_checked()


def test_a_double_click_opens_a_layer_in_place_and_a_click_tells_about_it(
    graph_board: Callable[..., Page],
) -> None:
    board = graph_board(residual())
    expect(board.locator(".graph-head")).to_contain_text("PyTorch · 8 operations · 450 parameters")
    before = corner(board, "body/")
    box(board, "body/").dblclick()
    expect(box(board, "body/block0/")).to_be_visible()
    assert corner(board, "body/") == pytest.approx(before, abs=2)
    box(board, "body/block1/").click()
    details = board.locator(".graph-details")
    expect(details).to_contain_text("body/block1")
    expect(details).to_contain_text("200")
    board.reload()
    expect(box(board, "body/block1/")).to_have_class(re.compile("graph-selected"))
    expect(details).to_contain_text("body/block1")
    board.get_by_role("button", name="Close all layers").click()
    expect(box(board, "body/block0/")).to_have_count(0)


def test_a_graph_is_walked_and_opened_by_keys(graph_board: Callable[..., Page]) -> None:
    board = graph_board(residual())
    board.locator(".graph-canvas").focus()
    board.keyboard.press("ArrowDown")
    expect(box(board, "input")).to_have_class(re.compile("graph-selected"))
    board.keyboard.press("ArrowDown")
    board.keyboard.press("Enter")
    expect(box(board, "body/")).to_have_attribute("aria-expanded", "true")
    board.keyboard.press("Escape")
    expect(board.locator(".graph-details")).to_have_count(0)


def test_search_marks_what_it_finds_and_enter_goes_to_one_after_the_other(
    graph_board: Callable[..., Page],
) -> None:
    board = graph_board(residual())
    search = board.get_by_placeholder("Find an operation or layer")
    search.fill("block./conv2")
    expect(board.locator(".graph-found")).to_have_text("0 found")
    board.get_by_title("As a regular expression").click()
    expect(board.locator(".graph-found")).to_have_text("2 found")
    expect(box(board, "body/")).to_have_attribute("aria-label", re.compile("2 found"))
    search.press("Enter")
    expect(box(board, "body/block0/conv2")).to_have_class(re.compile("graph-match"))
    expect(board.locator(".graph-details")).to_contain_text("1×16×8×8")
    search.press("Enter")
    expect(board.locator(".graph-found")).to_have_text("2 of 2 found")
    expect(box(board, "body/block1/conv2")).to_have_class(re.compile("graph-selected"))
    search.fill("(")
    expect(board.locator(".graph-found")).to_contain_text("no regular expression")


def test_paths_shared_layers_and_colours_are_seen(graph_board: Callable[..., Page]) -> None:
    graph = residual()
    shared = Node("head#2", "head#2", "Linear", shares="head")
    graph = Graph([*graph.nodes, shared], [*graph.edges, Edge("head", "head#2")], "torch", "net")
    board = graph_board(graph, query="graph_box=head&graph_trace=1&graph_color=parameters")
    expect(box(board, "body/")).to_have_class(re.compile("way-in"))
    expect(box(board, "head#2")).to_have_class(re.compile("way-out"))
    expect(box(board, "head#2")).to_have_class(re.compile("graph-sharing"))
    expect(board.locator(".graph-details")).to_contain_text("Its parameters are also used by")
    board.get_by_role("button", name="Paths").click()
    expect(board.locator(".graph-head")).to_contain_text("50400")


def test_changes_of_a_graph_are_listed_and_coloured(graph_board: Callable[..., Page]) -> None:
    board = graph_board(residual(2), residual(3), query="graph_changes=1&graph_open=body")
    expect(box(board, "body/block2/")).to_have_class(re.compile("change-added"))
    board.locator(".graph-changes summary").click()
    expect(board.locator(".graph-changes li").first).to_contain_text("body/block2/conv1")
    board.get_by_label("Graph of step").select_option("0")
    expect(board.locator(".graph-versions")).to_contain_text("This is the first graph")
    expect(box(board, "body/block2/")).to_have_count(0)


def test_a_graph_is_saved_as_a_picture_with_its_colours(graph_board: Callable[..., Page]) -> None:
    board = graph_board(residual())
    saved = {}
    for format in ("svg", "png"):
        with board.expect_download() as download:
            board.get_by_role("button", name=f"Save the graph as {format.upper()}").click()
        assert download.value.suggested_filename == f"net.{format}"
        saved[format] = Path(download.value.path()).read_bytes()
    assert b"Linear" in saved["svg"]
    picture = Image.open(BytesIO(saved["png"])).convert("RGB")
    inside = picture.crop((40, 40, picture.width - 40, picture.height - 40))
    assert len(inside.getcolors(1 << 20) or ()) > 20


def test_two_runs_are_seen_side_by_side(board: Page, store: Store, dashboard: Dashboard) -> None:
    first = log_run(store, "torch-net", [{"graph": residual()}])
    second = log_run(store, "keras-net", [{"graph": residual(1, "layer")}])
    board.goto(f"{dashboard.url}/graph?graph_run={first}&graph_twin={second}")
    expect(board.locator(".graph-pane-main .graph-head")).to_contain_text("torch-net")
    expect(board.locator(".graph-pane-twin .graph-head")).to_contain_text("keras-net")
    expect(box(board, "head")).to_be_visible()
    expect(box(board, "head", "twin")).to_be_visible()


def test_a_partial_graph_says_why_and_names_are_text(board: Page, store: Store, dashboard: Dashboard) -> None:
    attack = "<img src=x onerror=document.title='ran'>"
    node = Node("n", attack, attack, attributes={attack: attack})
    graph = Graph([node, Node("m", "m", "op")], [Edge("n", "m", attack)], partial=f"stopped at {attack}")
    log_run(store, attack, [{"graph": graph}])
    board.goto(f"{dashboard.url}/graph")
    expect(board.locator(".graph-partial")).to_have_text(f"Incomplete: stopped at {attack}")
    box(board, "n").click()
    expect(board.locator(".graph-details h2")).to_have_text(attack)
    assert board.title() != "ran"


def test_without_a_graph_the_page_says_what_to_call(board: Page, store: Store, dashboard: Dashboard) -> None:
    log_run(store, "plain", [{"loss": 1.0}])
    board.goto(f"{dashboard.url}/graph")
    expect(board.get_by_text("run.log_graph(model, inputs)")).to_be_visible()
    expect(board.get_by_text("tb.KerasCallback()")).to_be_visible()


def test_a_graph_of_thirty_thousand_operations_opens_folded_and_is_searched(
    graph_board: Callable[..., Page],
) -> None:
    board = graph_board(chain(30_000))
    expect(board.locator(".graph-head")).to_contain_text("30,000 operations")
    expect(board.locator(".graph-box")).to_have_count(3)
    search = board.get_by_placeholder("Find an operation or layer")
    search.fill("layer 23456")
    expect(board.locator(".graph-found")).to_have_text("1 found")
    search.press("Enter")
    expect(box(board, "n23456")).to_have_class(re.compile("graph-selected"))
