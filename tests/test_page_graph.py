"""The Graph page: folding, layout, and what a person does with them in a real browser."""

from __future__ import annotations

from itertools import combinations

import pytest
from dashboard_fixtures import Dashboard, eventually, log_run
from playwright.sync_api import Page, expect

import trainboard as tb
from trainboard.dashboard.cards import graph as card
from trainboard.dashboard.cards.graph_layout import lay_out
from trainboard.dashboard.cards.graph_scopes import (
    PAGE,
    close_scope,
    find,
    first_view,
    open_scope,
    paged,
    scope_id,
    view,
)
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
    boxes = {box.name: box for box in view(residual(), ()).boxes}
    assert set(boxes) == {"input", "body", "head"}
    assert (boxes["body"].operations, boxes["body"].parameters) == (6, 400)


def test_edges_that_cross_a_closed_scope_are_merged_and_counted() -> None:
    links = {(link.source, link.target): link for link in view(residual(), {"body"}).links}
    between = links[scope_id("body/block0"), scope_id("body/block1")]
    assert (between.count, between.label) == (2, "1x16x8x8  (2)")
    assert links[scope_id("body/block1"), "head"].label == "1x16"
    assert not any(source == target for source, target in links)


def test_an_inner_scope_stays_out_of_view_until_the_outer_one_is_open() -> None:
    names = [box.name for box in view(residual(), {"body/block0"}).boxes]
    assert "conv1" not in names
    assert "conv1" in [box.name for box in view(residual(), {"body", "body/block0"}).boxes]


def test_a_graph_opens_at_its_first_choice() -> None:
    nodes = [Node(f"n{i}", f"n{i}", "op", f"model/net/part{i % 2}") for i in range(6)]
    assert first_view(Graph(nodes, [])) == {"model", "model/net"}
    assert first_view(Graph([], [])) == frozenset()


def test_closing_a_scope_closes_what_is_inside_and_nothing_beside_it() -> None:
    assert close_scope({"a", "a/b", "ab"}, "a") == {"ab"}


def test_too_many_boxes_close_everything_that_was_not_asked_for() -> None:
    nodes = [Node(f"{s}/{i}", str(i), "op", s) for s in ("a", "b", "c", "d") for i in range(90)]
    graph = Graph(nodes, [])
    many = open_scope(graph, open_scope(graph, open_scope(graph, (), "a"), "b"), "c")
    assert many == {"a", "b", "c"}
    assert open_scope(graph, many, "d") == {"d"}


def test_a_crowded_level_is_split_into_pages() -> None:
    graph = paged(Graph([Node(str(i), str(i), "op") for i in range(2 * PAGE + 50)], []))
    assert [box.name for box in view(graph, ()).boxes] == ["1–100", "101–200", "201–250"]
    assert sum(box.operations for box in view(graph, ()).boxes) == 250


def test_search_finds_names_paths_and_operations_whatever_the_case() -> None:
    graph = residual()
    assert [node.id for node in find(graph, "LINEAR")] == ["head"]
    assert {node.scope for node in find(graph, "block1/conv")} == {"body/block1"}
    assert find(graph, "  ") == []


@pytest.mark.parametrize("blocks", [1, 3, 12])
def test_boxes_never_overlap_and_edges_point_down(blocks: int) -> None:
    graph = residual(blocks)
    seen = view(graph, opened(graph))
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
    seen = view(graph, opened(graph))
    drawing = lay_out(seen)
    for box in seen.boxes:
        if not box.scope:
            continue
        (x, y), (width, height) = drawing.centres[box.id], drawing.sizes[box.id]
        (left, top), (w, h) = drawing.centres[scope_id(box.scope)], drawing.sizes[scope_id(box.scope)]
        assert abs(x - left) + width / 2 <= w / 2 and abs(y - top) + height / 2 <= h / 2


def test_a_skip_connection_runs_beside_the_boxes_it_skips() -> None:
    graph = residual(1)
    seen = view(graph, opened(graph))
    drawing = lay_out(seen)
    route = drawing.routes["input", "body/block0/add"]
    x, y = drawing.centres["body/block0/conv2"]
    width, height = drawing.sizes["body/block0/conv2"]
    beside = [px for px, py in route if abs(py - y) <= height / 2 + 1]
    assert beside and all(abs(px - x) > width / 2 for px in beside)


def test_a_cycle_is_drawn_too() -> None:
    nodes = [Node(name, name, "op") for name in "abc"]
    graph = Graph(nodes, [Edge("a", "b"), Edge("b", "c"), Edge("c", "a"), Edge("a", "a")])
    assert len(lay_out(view(graph, ())).centres) == 3


def test_an_anchored_box_stays_where_it_was() -> None:
    graph = residual()
    body = scope_id("body")
    element = next(e for e in card.elements(graph, {"body"}, (body, 12.0, 34.0)) if e["data"]["id"] == body)
    assert element["position"]["x"] == pytest.approx(12.0, abs=0.1)
    assert element["position"]["y"] - element["data"]["height"] / 2 == pytest.approx(34.0, abs=0.1)


def node_position(board: Page, name: str, pane: int = 0) -> dict[str, float]:
    """Where on the screen the box whose label begins with a name is, once it is there."""
    script = """([pane, name]) => {
        const id = JSON.stringify({ pane, type: "graph-canvas" });
        const cy = document.getElementById(id)?._cyreg?.cy;
        const nameOf = (node) => node.data("label").replace(/^[▸▾] /, "").split("\\n")[0];
        const node = cy?.nodes().filter((node) => nameOf(node) === name)[0];
        if (!node || !cy.scratch("_trainboard")?.graph) return null;
        const { x, y } = cy.container().getBoundingClientRect();
        const at = node.renderedPosition();
        const top = at.y - node.renderedHeight() / 2;
        return { x: x + at.x, y: y + top + 12, middle: y + at.y };
    }"""
    eventually(lambda: board.evaluate(script, [pane, name]))
    return board.evaluate(script, [pane, name])


def has_box(board: Page, name: str) -> bool:
    script = """(name) => {
        const id = JSON.stringify({ pane: 0, type: "graph-canvas" });
        const cy = document.getElementById(id)?._cyreg?.cy;
        return !!cy && cy.nodes().some((n) => n.data("label").includes(name));
    }"""
    return board.evaluate(script, name)


def test_a_double_click_opens_a_layer_in_place_and_a_click_tells_about_it(
    board: Page, store: Store, dashboard: Dashboard
) -> None:
    log_run(store, "net", [{"graph": residual()}])
    board.goto(f"{dashboard.url}/graph")
    expect(board.locator(".graph-head").first).to_contain_text("PyTorch · 8 operations · 450 parameters")
    before = node_position(board, "body")
    board.mouse.dblclick(before["x"], before["y"])
    eventually(lambda: has_box(board, "block0"))
    after = node_position(board, "body")
    assert (after["x"], after["y"]) == pytest.approx((before["x"], before["y"]), abs=2)
    head = node_position(board, "block1")
    board.mouse.click(head["x"], head["middle"])
    details = board.locator(".graph-details-open")
    expect(details).to_contain_text("body/block1")
    expect(details).to_contain_text("200")
    board.mouse.dblclick(after["x"], after["y"])
    eventually(lambda: not has_box(board, "block0"))


def test_search_opens_the_scopes_around_an_operation(board: Page, store: Store, dashboard: Dashboard) -> None:
    log_run(store, "net", [{"graph": residual()}])
    board.goto(f"{dashboard.url}/graph")
    search = board.get_by_placeholder("Find an operation or layer").first
    search.fill("block1/conv2")
    board.get_by_role("option", name="body/block1/conv2").click()
    eventually(lambda: has_box(board, "conv2"))
    expect(board.locator(".graph-details-open")).to_contain_text("1×16×8×8")


def test_two_runs_are_seen_side_by_side(board: Page, store: Store, dashboard: Dashboard) -> None:
    first = log_run(store, "torch-net", [{"graph": residual()}])
    second = log_run(store, "keras-net", [{"graph": residual(1, "layer")}])
    board.goto(f"{dashboard.url}/graph?graph_run={first}&graph_twin={second}")
    expect(board.locator(".graph-pane-0 .graph-head")).to_contain_text("torch-net")
    expect(board.locator(".graph-pane-1 .graph-head")).to_contain_text("keras-net")
    node_position(board, "head", 0)
    node_position(board, "head", 1)


def test_a_partial_graph_says_why_and_names_are_text(board: Page, store: Store, dashboard: Dashboard) -> None:
    attack = "<img src=x onerror=document.title='ran'>"
    node = Node("n", attack, attack, attributes={attack: attack})
    graph = Graph([node, Node("m", "m", "op")], [Edge("n", "m", attack)], partial=f"stopped at {attack}")
    log_run(store, attack, [{"graph": graph}])
    board.goto(f"{dashboard.url}/graph")
    expect(board.locator(".graph-partial")).to_have_text(f"Incomplete: stopped at {attack}")
    place = node_position(board, attack[:29] + "…")
    board.mouse.click(place["x"], place["middle"])
    expect(board.locator(".graph-details-open h2")).to_have_text(attack)
    assert board.title() != "ran"


def test_without_a_graph_the_page_says_what_to_call(board: Page, store: Store, dashboard: Dashboard) -> None:
    log_run(store, "plain", [{"loss": 1.0}])
    board.goto(f"{dashboard.url}/graph")
    expect(board.get_by_text("run.log_graph(model, inputs)")).to_be_visible()
    expect(board.get_by_text("tb.KerasCallback()")).to_be_visible()


def test_a_model_of_three_thousand_operations_opens_folded(
    board: Page, store: Store, dashboard: Dashboard
) -> None:
    with tb.init(project="digits", name="large", store=store.url) as run:
        run.log({"graph": residual(1000)}, step=0)
    board.goto(f"{dashboard.url}/graph")
    expect(board.locator(".graph-head").first).to_contain_text("3,002 operations")
    place = node_position(board, "body")
    board.mouse.dblclick(place["x"], place["y"])
    eventually(lambda: not has_box(board, "1000 ops"))
