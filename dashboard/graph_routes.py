"""``/api/v1/graph/…``: the graphs of runs, folded and laid out, searched, and told of box by box."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from ..storage.errors import RunNotFound, SeriesNotFound, TrainboardError
from ..storage.patterns import BadPattern
from . import asked, twin
from .cards import graph as card
from .cards.graph_colors import COLORS, legend
from .cards.graph_details import details, watched
from .cards.graph_scopes import close_scope, find, first_view, node_path, open_scope, reveal, scope_path
from .graphs import FILE, Graphs, Source

if TYPE_CHECKING:
    from ..storage import Store
    from .cards.graph_tree import Tree
    from .graphs import Shown

MOST_FOUND = 200
MOST_CHANGES = 200


def create_routes(graphs: Graphs) -> list[BaseRoute]:
    def answering(answer: Callable[[Graphs, Mapping[str, Any]], Any]) -> Callable[[Request], Any]:
        async def handle(request: Request) -> Response:
            body = await asked.body(request)
            return JSONResponse(await asyncio.to_thread(_answered, answer, graphs, body))

        return handle

    async def runs(request: Request) -> Response:
        """``?runs=A,B``: for those that have graphs, how many."""
        ids = asked.run_ids(request, "runs")
        return JSONResponse({"runs": await asyncio.to_thread(_counts, graphs.store, ids)})

    async def pair(request: Request) -> Response:
        """``{"a", "b", "pairs": [[layer of a, layer of b or null], …]}``: keep what a person says."""
        body = await asked.body(request)
        await asyncio.to_thread(_answered, _keep_pairs, graphs, body)
        return JSONResponse({})

    answers = {"about": _about, "view": _view, "find": _find, "box": _box, "twin": _twin}
    posts = [
        Route(f"/api/v1/graph/{name}", answering(answer), methods=["POST"])
        for name, answer in answers.items()
    ]
    kept = Route("/api/v1/graph/pairs", pair, methods=["POST"])
    return [Route("/api/v1/graph", runs), kept, *posts]


def _answered(
    answer: Callable[[Graphs, Mapping[str, Any]], Any], graphs: Graphs, body: Mapping[str, Any]
) -> Any:
    try:
        return answer(graphs, body)
    except TrainboardError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise HTTPException(400, f"This is not a question about a graph: {error!r:.300}.") from error


def _counts(store: Store, run_ids: list[str]) -> dict[str, int]:
    series = store.series(run_ids, kind="graph") if run_ids else []
    return {one.run_id: one.count for one in series if one.tag == card.TAG}


def _about(graphs: Graphs, body: Mapping[str, Any]) -> dict[str, Any]:
    """What is said of a graph as a whole, its versions, and what was told of their changes."""
    source = Source.asked(body)
    shown = graphs.shown(source)
    graph = graphs.shown(source._replace(against=None)).tree.graph
    return {
        "name": graph.name,
        "summary": card.summary(graph),
        "partial": graph.partial,
        "legend": legend(shown.tree),
        "versions": [] if source.run.startswith(FILE) else graphs.versions(source.run),
        "events": _events(graphs.store, source),
        "changes": _listed_changes(shown),
    }


def _events(store: Store, source: Source) -> list[dict[str, Any]]:
    if source.run.startswith(FILE):
        return []
    try:
        records = store.records(source.run, card.CHANGES_TAG, "event", limit=MOST_CHANGES)
    except (RunNotFound, SeriesNotFound):
        return []
    return [{"step": one.step, "title": one.value.title, "text": one.value.text} for one in records]


def _listed_changes(shown: Shown) -> list[dict[str, str]]:
    nodes = [node for node in shown.tree.graph.nodes if node.id in shown.changes]
    return [
        {
            "id": node.id,
            "name": node_path(node),
            "change": shown.changes[node.id],
            "words": shown.words.get(node.id, node.op),
        }
        for node in nodes[:MOST_CHANGES]
    ]


def _view(graphs: Graphs, body: Mapping[str, Any]) -> dict[str, Any]:
    """The picture with some scopes open, after one more thing was done: "toggle" a scope, "reveal" a box."""
    source = Source.asked(body)
    shown = graphs.shown(source)
    opened = _opened(shown.tree, body)
    color = body.get("color") if body.get("color") in COLORS else "op"
    health = graphs.health(source, shown.tree) if color == "health" else []
    matches = _matches(shown.tree, body)
    look = card.Look(str(color), str(body.get("trace") or ""), health, shown.changes, matches)
    return {"opened": sorted(opened), **card.picture(shown.tree, opened, look)}


def _opened(tree: Tree, body: Mapping[str, Any]) -> frozenset[str]:
    given = body.get("opened")
    opened = first_view(tree) if given is None else frozenset(asked.texts(given))
    toggled, shown = scope_path(str(body.get("toggle") or "")), str(body.get("reveal") or "")
    if toggled is not None and toggled in tree.place:
        change = close_scope if toggled in opened else open_scope
        opened = change(tree, opened, toggled)
    if shown:
        opened = reveal(tree, opened, shown)
    return frozenset(one for one in opened if one in tree.place)


def _matches(tree: Tree, body: Mapping[str, Any]) -> frozenset[str]:
    try:
        return frozenset(find(tree, str(body.get("text") or ""), body.get("pattern") is True))
    except BadPattern:
        return frozenset()


def _find(graphs: Graphs, body: Mapping[str, Any]) -> dict[str, Any]:
    """The boxes that match "text", a regular expression if "pattern" is true."""
    tree = graphs.shown(Source.asked(body)).tree
    try:
        found = find(tree, str(body["text"]), body.get("pattern") is True)
    except BadPattern as error:
        return {"total": 0, "found": [], "problem": str(error)}
    return {"total": len(found), "found": [_match(tree, one) for one in found[:MOST_FOUND]], "problem": None}


def _match(tree: Tree, box_id: str) -> dict[str, str]:
    path = scope_path(box_id)
    if path is not None:
        return {"id": box_id, "name": path, "op": "layer"}
    node = tree.graph.nodes[tree.node_place[box_id]]
    return {"id": box_id, "name": node_path(node), "op": node.op}


def _box(graphs: Graphs, body: Mapping[str, Any]) -> dict[str, Any]:
    """What is known of the box with the id "box", at a "step" or the last one; null if there is none."""
    source = Source.asked(body)
    shown = graphs.shown(source)
    told = details(shown.tree, str(body["box"]), shown.words)
    if told is None or source.run.startswith(FILE):
        return {"box": told}
    step = None if body.get("step") is None else int(body["step"])
    return {"box": told | watched(graphs.store, source.run, shown.tree, str(body["box"]), step)}


def _twin(graphs: Graphs, body: Mapping[str, Any]) -> dict[str, Any]:
    """The newest graphs of two runs or files, "a" and "b", layer by layer, as ``twin.compare`` says."""
    sources = Source.asked({"run": body["a"]}), Source.asked({"run": body["b"]})
    first, second = (graphs.shown(source).tree.graph for source in sources)
    tolerance, step = float(body["tolerance"]), body.get("step")
    runs = sources[0].run, sources[1].run
    return twin.compare(graphs.store, runs, (first, second), tolerance, None if step is None else int(step))


def _keep_pairs(graphs: Graphs, body: Mapping[str, Any]) -> None:
    a, b = asked.texts([body["a"], body["b"]])
    if FILE in (a[: len(FILE)], b[: len(FILE)]):
        raise HTTPException(400, "Only pairs of layers of runs are kept; a file is not.")
    graphs.store.save_layer_map(a, b, twin.as_pairs(body["pairs"]))
