"""The Graph page: folding, layout, and what a person does with them in a real browser."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from io import BytesIO
from itertools import combinations
from pathlib import Path

import pytest
from dashboard_fixtures import Dashboard, log_run
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from trainboard.dashboard.cards import graph as card
from trainboard.dashboard.cards.graph_changes import difference
from trainboard.dashboard.cards.graph_layout import lay_out
from trainboard.dashboard.cards.graph_paths import on_the_way
from trainboard.dashboard.cards.graph_scopes import (
    MAX_LINKS,
    close_scope,
    find,
    first_view,
    open_scope,
    reveal,
    scope_id,
    view,
)
from trainboard.dashboard.cards.graph_tree import PAGE, Tree
from trainboard.storage import Store
from trainboard.storage.kinds.graph import Edge, Graph, Node


def residual(blocks: int = 2, name: str = "block") -> Graph:
    """A stem, residual blocks whose inputs skip two convolutions, and a head."""
    nodes = [Node("input", "input", "Input", shapes=[[None, 8]])]
    edges = []
    last = "input"
    for number in range(blocks):
        scope = f"body/{name}{number}"
        conv1, conv2, add = (f"{scope}/{part}" for part in ("conv1", "conv2", "add"))
        nodes += [
            Node(conv1, "conv1", "Conv2d", scope, [[1, 16, 8, 8]], ["float32"], 100),
            Node(conv2, "conv2", "Conv2d", scope, [[1, 16, 8, 8]], ["float32"], 100),
            Node(add, "add", "add", scope, [[1, 16, 8, 8]]),
        ]
        edges += [Edge(last, conv1, "1x16x8x8"), Edge(conv1, conv2, "1x16x8x8")]
        edges += [Edge(conv2, add, "1x16x8x8"), Edge(last, add, "1x16x8x8")]
        last = add
    nodes.append(Node("head", "head", "Linear", shapes=[[1, 10]], parameters=50))
    edges.append(Edge(last, "head", "1x16"))
    return Graph(nodes, edges, "torch", "net")


def opened(graph: Graph) -> set[str]:
    return {"body"} | {node.scope for node in graph.nodes if node.scope}


def test_a_closed_scope_is_one_box_with_its_operations_and_parameters_summed() -> None:
    boxes = {box.name: box for box in view(Tree(residual()), ()).boxes}
    assert set(boxes) == {"input", "body", "head"}
    assert (boxes["body"].operations, boxes["body"].parameters) == (6, 400)


def test_edges_that_cross_a_closed_scope_are_merged_and_counted() -> None:
    links = {(link.source, link.target): link for link in view(Tree(residual()), {"body"}).links}
    between = links[scope_id("body/block0"), scope_id("body/block1")]
    assert (len(between.edges), between.label) == (2, "1x16x8x8  (2)")
    assert links[scope_id("body/block1"), "head"].label == "1x16"
    assert not any(source == target for source, target in links)


def test_an_inner_scope_stays_out_of_view_until_the_outer_one_is_open() -> None:
    tree = Tree(residual())
    assert "conv1" not in [box.name for box in view(tree, {"body/block0"}).boxes]
    assert "conv1" in [box.name for box in view(tree, {"body", "body/block0"}).boxes]


def test_a_graph_opens_at_its_first_choice() -> None:
    nodes = [Node(f"n{i}", f"n{i}", "op", f"model/net/part{i % 2}") for i in range(6)]
    assert first_view(Tree(Graph(nodes, []))) == {"model", "model/net"}
    assert first_view(Tree(Graph([], []))) == frozenset()


def test_closing_a_scope_closes_what_is_inside_and_nothing_beside_it() -> None:
    tree = Tree(Graph([Node(scope, "n", "op", scope) for scope in ("a", "a/b", "ab")], []))
    assert close_scope(tree, {"a", "a/b", "ab"}, "a") == {"ab"}


def test_too_many_boxes_close_everything_that_was_not_asked_for() -> None:
    nodes = [Node(f"{s}/{i}", str(i), "op", s) for s in ("a", "b", "c", "d") for i in range(90)]
    tree = Tree(Graph(nodes, []))
    many = open_scope(tree, open_scope(tree, open_scope(tree, (), "a"), "b"), "c")
    assert many == {"a", "b", "c"}
    assert open_scope(tree, many, "d") == {"d"}


def test_a_crowded_level_is_split_into_pages_of_pages_and_what_is_in_them_is_found() -> None:
    count = 3 * PAGE * PAGE + 50
    tree = Tree(Graph([Node(str(i), f"layer {i}", "op") for i in range(count)], []))
    boxes = view(tree, ()).boxes
    assert [box.name for box in boxes] == ["1–10,000", "10,001–20,000", "20,001–30,000", "30,001–30,050"]
    assert sum(box.operations for box in boxes) == count
    assert find(tree, "layer 20123") == ["20123"]
    opened = reveal(tree, (), "20123")
    assert opened == {"20,001–30,000", "20,001–30,000/20,101–20,200"}
    assert "20123" in [box.id for box in view(tree, opened).boxes]


def test_pages_hold_scopes_as_well_as_operations() -> None:
    nodes = [Node(f"net/{i}/op", "op", "op", f"net/{i}") for i in range(2 * PAGE + 1)]
    tree = Tree(Graph(nodes, []))
    assert [box.operations for box in view(tree, first_view(tree)).boxes] == [2 * PAGE + 1, PAGE, PAGE, 1]


def test_search_finds_scopes_names_paths_and_operations_whatever_the_case() -> None:
    tree = Tree(residual())
    assert find(tree, "LINEAR") == ["head"]
    assert find(tree, "block1/conv") == ["body/block1/conv1", "body/block1/conv2"]
    assert find(tree, "block1")[0] == scope_id("body/block1")
    assert find(tree, r"block\d/conv2 ", is_pattern=True) == ["body/block0/conv2", "body/block1/conv2"]
    assert find(tree, "  ") == []


@pytest.mark.parametrize("blocks", [1, 3, 12])
def test_boxes_never_overlap_and_edges_point_down(blocks: int) -> None:
    graph = residual(blocks)
    seen = view(Tree(graph), opened(graph))
    drawing = lay_out(seen)
    flat = [box for box in seen.boxes if not box.is_open]
    for one, other in combinations(flat, 2):
        (x0, y0), (x1, y1) = drawing.centres[one.id], drawing.centres[other.id]
        (w0, h0), (w1, h1) = drawing.sizes[one.id], drawing.sizes[other.id]
        assert abs(x0 - x1) >= (w0 + w1) / 2 - 1e-6 or abs(y0 - y1) >= (h0 + h1) / 2 - 1e-6
    for link in seen.links:
        assert drawing.centres[link.source][1] < drawing.centres[link.target][1]


def test_an_open_scope_holds_everything_inside_it() -> None:
    graph = residual(3)
    seen = view(Tree(graph), opened(graph))
    drawing = lay_out(seen)
    for box in seen.boxes:
        if not box.scope:
            continue
        (x, y), (width, height) = drawing.centres[box.id], drawing.sizes[box.id]
        (left, top), (w, h) = drawing.centres[box.scope], drawing.sizes[box.scope]
        assert abs(x - left) + width / 2 <= w / 2 and abs(y - top) + height / 2 <= h / 2


def test_a_skip_connection_runs_beside_the_boxes_it_skips() -> None:
    graph = residual(1)
    drawing = lay_out(view(Tree(graph), opened(graph)))
    route = drawing.routes["input", "body/block0/add"]
    x, y = drawing.centres["body/block0/conv2"]
    width, height = drawing.sizes["body/block0/conv2"]
    beside = [px for px, py in route if abs(py - y) <= height / 2 + 1]
    assert beside and all(abs(px - x) > width / 2 for px in beside)


def test_a_cycle_is_drawn_and_followed_too() -> None:
    nodes = [Node(name, name, "op") for name in "abc"]
    edges = [Edge("a", "b"), Edge("b", "c"), Edge("c", "a"), Edge("a", "a"), Edge("a", "nowhere")]
    tree = Tree(Graph(nodes, edges))
    assert len(lay_out(view(tree, ())).centres) == 3
    assert on_the_way(tree, "b").tolist() == [1, 2, 1]


def test_where_everything_is_joined_to_everything_the_picture_stays_bounded() -> None:
    nodes = [Node(str(i), str(i), "op") for i in range(2 * PAGE)]
    edges = [Edge(str(i), str(j)) for i in range(2 * PAGE) for j in range(i)]
    picture = card.draw(Graph(nodes, edges))
    assert len(picture["links"]) == MAX_LINKS
    assert picture["notes"] == [f"{len(edges) - MAX_LINKS:,} more links are not drawn"]


def test_a_path_is_what_a_box_depends_on_and_what_depends_on_it() -> None:
    graph = residual()
    tree = Tree(graph)
    marks = dict(zip((node.id for node in graph.nodes), on_the_way(tree, "body/block1/conv1"), strict=True))
    assert {name for name, mark in marks.items() if mark == 1} == {
        "body/block1/conv2",
        "body/block1/add",
        "head",
    }
    picture = card.picture(tree, {"body"}, card.Look(trace="head"))
    assert {box["way"] for box in picture["boxes"] if box["id"] != "head"} == {"in"}
    assert {link["way"] for link in picture["links"]} == {"in"}


def test_colours_are_of_what_a_box_holds_and_name_their_scale() -> None:
    picture = card.picture(Tree(residual()), (), card.Look(color="parameters"))
    shades = {box["id"]: (box["shade"], box["amount"]) for box in picture["boxes"] if "shade" in box}
    assert shades == {"body/": (1.0, "400"), "head": (0.12, "50")}
    assert picture["scale"] == ("50", "400")


def test_a_difference_tells_what_came_went_and_changed_in_one_graph() -> None:
    before, after = residual(2), residual(3)
    wider = [Node("head", "head", "Linear", shapes=[[1, 20]], parameters=99)]
    found = difference(before, Graph([*after.nodes[:-1], *wider], after.edges))
    assert found.nodes == {
        **{f"body/block2/{part}": "added" for part in ("conv1", "conv2", "add")},
        "head": "changed",
    }
    assert found.words["head"] == "1×10 → 1×20; 50 → 99 parameters"
    gone = difference(after, before)
    assert set(gone.nodes.values()) == {"removed"} and len(gone.graph.nodes) == len(after.nodes)
    batch = [Node("n", "n", "op", shapes=[[size, 8]]) for size in (1, 32)]
    assert difference(Graph(batch[:1], []), Graph(batch[1:], [])).nodes == {}


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


def chain(count: int) -> Graph:
    """One operation after the other, the last one before the first."""
    edges = [Edge(f"n{i}", f"n{(i + 1) % count}") for i in range(count)]
    return Graph([Node(f"n{i}", f"layer {i}", "op") for i in range(count)], edges, "torch", "net")


def test_a_ring_of_two_hundred_thousand_operations_is_folded_searched_and_followed_in_seconds() -> None:
    began = time.perf_counter()
    tree = Tree(chain(200_000))
    opened = reveal(tree, first_view(tree), find(tree, "layer 123456")[0])
    picture = card.picture(tree, opened, card.Look(trace="n123456"))
    assert {box["way"] for box in picture["boxes"] if box["id"] != "n123456"} <= {"out", "self"}
    assert len(picture["boxes"]) < 300 and time.perf_counter() - began < 20


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
