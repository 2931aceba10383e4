"""Folding, paging, layout, paths, colours and differences of graphs."""

from __future__ import annotations

import time
from itertools import combinations

import pytest

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


def chain(count: int) -> Graph:
    """One operation after the other, the last one before the first."""
    edges = [Edge(f"n{i}", f"n{(i + 1) % count}") for i in range(count)]
    return Graph([Node(f"n{i}", f"layer {i}", "op") for i in range(count)], edges, "torch", "net")


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


def test_a_ring_of_two_hundred_thousand_operations_is_folded_searched_and_followed_in_seconds() -> None:
    began = time.process_time()
    tree = Tree(chain(200_000))
    opened = reveal(tree, first_view(tree), find(tree, "layer 123456")[0])
    picture = card.picture(tree, opened, card.Look(trace="n123456"))
    assert {box["way"] for box in picture["boxes"] if box["id"] != "n123456"} <= {"out", "self"}
    assert len(picture["boxes"]) < 300 and time.process_time() - began < 20
