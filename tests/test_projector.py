"""What the Projector page is told: projections to be trusted, in processes that end when they should."""

from __future__ import annotations

import io
import json
import os
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import urlencode

import numpy as np
import psutil
import pytest
from dashboard_fixtures import Dashboard, eventually, log_run, served

import trainboard as tb
from trainboard.dashboard.projector.linear import between, principal, spherized
from trainboard.dashboard.projector.maps import turned

BAD = {
    "nothing": (np.zeros((0, 3)), "no points"),
    "flat": (np.zeros((5, 0)), "no dimensions"),
    "nan": (np.full((5, 3), np.nan), "NaN"),
}


def blobs(count: int, dimensions: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Points around five places, and which place each is around."""
    random = np.random.default_rng(seed)
    places = random.integers(0, 5, count)
    vectors = random.normal(size=(count, dimensions)) + 6 * random.normal(size=(5, dimensions))[places]
    return vectors.astype(np.float32), places


@pytest.fixture(scope="module")
def dashboard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dashboard]:
    with served(tmp_path_factory.mktemp("projector")) as dashboard:
        store = dashboard.store
        vectors, places = blobs(300, 8)
        names = [[f"place {place}", f"point {number}"] for number, place in enumerate(places)]
        log_run(
            store,
            "words",
            [
                {
                    "words": tb.Embedding(vectors + step, names, columns=["place", "name"]),
                    "plain": tb.Embedding(vectors),
                }
                for step in range(3)
            ],
        )
        log_run(store, "large", [{"large": tb.Embedding(blobs(20_000, 32)[0])}])
        extreme = np.array([[1, 2], [np.nan, 0], [3e38, 1], [2, np.inf], [0, 0]], np.float32)
        odd = {"extreme": tb.Embedding(extreme), "one": tb.Embedding(np.ones((1, 4)))}
        log_run(store, "odd", [{**odd, **{name: tb.Embedding(array) for name, (array, _) in BAD.items()}}])
        yield dashboard


def ask(dashboard: Dashboard, what: str, run: str, tag: str, **asked: Any) -> tuple[int, bytes]:
    """Status and body of an answer of the API."""
    ids = {one.name: one.id for one in dashboard.store.runs()}
    query = urlencode({"run": ids[run], "tag": tag, "index": 0, "basis": 0, **asked})
    request = urllib.request.Request(f"{dashboard.url}/api/v1/projector/{what}?{query}")
    if what in ("cancel", "rows"):
        request = urllib.request.Request(
            request.full_url, json.dumps({"rows": asked.pop("rows", [])}).encode(), method="POST"
        )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def told(dashboard: Dashboard, what: str, run: str, tag: str, **asked: Any) -> Any:
    status, body = ask(dashboard, what, run, tag, **asked)
    assert status == 200, body
    return json.loads(body)


def positions(dashboard: Dashboard, run: str, tag: str, **asked: Any) -> tuple[np.ndarray, np.ndarray]:
    """Positions N x 3 and the rows they are of, once they are made."""
    answer = b""

    def is_made() -> bool:
        nonlocal answer
        status, answer = ask(dashboard, "positions", run, tag, **asked)
        assert status in (200, 202), answer
        return status == 200

    eventually(is_made)
    length = int.from_bytes(answer[:4], "little")
    header = json.loads(answer[4 : 4 + length])
    found, at = {}, 4 + length
    for name, (kind, count) in header["arrays"].items():
        found[name] = np.frombuffer(answer, kind, count, at)
        at += 4 * count
    return found["positions"].reshape(-1, 3), found["rows"]


def workers() -> list[psutil.Process]:
    found = []
    for child in psutil.Process().children():
        with suppress(psutil.Error):  # it has just ended
            if "projector.worker" in " ".join(child.cmdline()):
                found.append(child)
    return found


@pytest.mark.parametrize("dimensions", [3, 40, 1_500])
def test_principal_components_are_those_of_a_singular_value_decomposition(dimensions: int) -> None:
    vectors = blobs(200, dimensions)[0]
    basis = principal(vectors)
    centred = vectors - vectors.mean(axis=0)
    _, lengths, right = np.linalg.svd(centred.astype(np.float64), full_matrices=False)
    assert np.allclose(np.abs(right[:2] @ basis.axes[:, :2]), np.eye(2), atol=1e-3)
    assert np.allclose(basis.shares[:2], (lengths**2 / (lengths**2).sum())[:2], rtol=1e-3)
    assert np.abs(basis.see(vectors, [0, 1, 2])).max() == pytest.approx(1, abs=1e-5)


def test_axes_of_ones_own_lead_from_one_centroid_to_another() -> None:
    vectors, places = blobs(200, 6)
    ends = [np.flatnonzero(places == place) for place in range(4)]
    seen = between(vectors, [(ends[0], ends[1]), (ends[2], ends[3])]).see(vectors, [0, 1, 2])
    assert seen[ends[0], 0].mean() < seen[ends[1], 0].mean()
    assert seen[ends[2], 1].mean() < seen[ends[3], 1].mean()
    assert not seen[:, 2].any()


def test_on_a_sphere_all_have_length_one_but_a_point_in_the_middle() -> None:
    vectors = np.array([[1, 0], [-1, 0], [0, 2], [0, -2], [0, 0]], np.float32)
    assert np.linalg.norm(spherized(vectors), axis=1).tolist() == [1, 1, 1, 1, 0]


def test_a_map_is_turned_onto_another_and_never_stretched() -> None:
    places = np.random.default_rng(0).normal(size=(50, 3))
    places -= places.mean(axis=0)
    mirror = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))[0]
    assert np.allclose(turned(2 * places @ mirror, places), 2 * places)


def test_points_keep_their_places_over_steps_that_are_fitted_to_one(dashboard: Dashboard) -> None:
    places = [positions(dashboard, "words", "words", index=step, basis=2)[0] for step in range(3)]
    assert np.abs(places[2]).max() == pytest.approx(1, abs=1e-5)
    moved = [np.abs(place - place[0] - (places[2] - places[2][0])).max() for place in places]
    assert max(moved) < 1e-4
    assert np.abs(places[0] - places[2]).max() > 0.01


@pytest.mark.parametrize(
    "method",
    [
        "tsne",
        pytest.param(
            "umap", marks=pytest.mark.skipif(bool(os.environ.get("CI")), reason="is compiled for a minute")
        ),
    ],
)
def test_maps_keep_groups_together(dashboard: Dashboard, method: str) -> None:
    found, rows = positions(dashboard, "words", "words", method=method, dimensions=2, neighbours=10)
    places = blobs(300, 8)[1][rows]
    assert np.abs(found).max() == pytest.approx(1, abs=1e-5) and not found[:, 2].any()
    apart = np.linalg.norm(found[:, None] - found[None], axis=2) + 10 * np.eye(len(rows))
    assert (places[apart.argmin(axis=1)] == places).mean() > 0.98


def test_the_map_of_a_step_begins_where_that_of_another_ended(dashboard: Dashboard) -> None:
    maps = [
        positions(dashboard, "words", "words", index=step, basis=0, method="tsne", dimensions=2)[0]
        for step in range(2)
    ]
    places = blobs(300, 8)[1]
    middles = [np.stack([one[places == place].mean(axis=0) for place in range(5)]) for one in maps]
    assert np.abs(middles[0] - middles[1]).max() < 0.35


def test_a_projection_is_made_in_a_process_that_cancelling_ends(dashboard: Dashboard) -> None:
    asked = {"method": "tsne", "most": 10_000}
    status, answer = ask(dashboard, "positions", "large", "large", **asked)
    assert status == 202 and json.loads(answer).keys() == {"share"}
    eventually(lambda: workers())
    assert told(dashboard, "cloud", "large", "large")["count"] == 20_000
    assert workers(), "the server answers while a projection is made"
    assert told(dashboard, "cancel", "large", "large", **asked) == {"cancelled": True}
    eventually(lambda: not workers())
    assert told(dashboard, "cancel", "large", "large", **asked) == {"cancelled": False}


def test_points_beyond_what_a_method_takes_are_drawn_by_chance_and_the_same_each_time(
    dashboard: Dashboard,
) -> None:
    places, rows = positions(dashboard, "large", "large", most=500)
    assert len(places) == len(set(rows.tolist())) == 500 and rows.max() > 10_000
    assert np.array_equal(rows, positions(dashboard, "large", "large", most=500)[1])


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_neighbours_are_exact(dashboard: Dashboard, metric: str) -> None:
    vectors = blobs(300, 8)[0].astype(np.float64)
    if metric == "cosine":
        lengths = np.linalg.norm(vectors, axis=1)
        distances = 1 - vectors @ vectors[7] / lengths / lengths[7]
    else:
        distances = np.linalg.norm(vectors - vectors[7], axis=1)
    found = told(dashboard, "neighbours", "words", "words", row=7, metric=metric, count=5, label="name")
    assert found["rows"] == np.argsort(distances)[1:6].tolist()
    assert np.allclose(found["distances"], np.sort(distances)[1:6], atol=1e-5)
    assert (found["label"], found["labels"][0]) == ("point 7", f"point {found['rows'][0]}")


def test_metadata_is_searched_by_words_and_by_patterns(dashboard: Dashboard) -> None:
    found = told(dashboard, "search", "words", "words", text="POINT 29", label="name")
    assert found["total"] == 11 and found["labels"][0] == "point 29"
    assert told(dashboard, "search", "words", "words", text="t 29.$", pattern=1)["total"] == 10
    status, answer = ask(dashboard, "search", "words", "words", text="(", pattern=1)
    assert status == 422 and "no regular expression" in json.loads(answer)["message"]


def test_axes_are_found_by_what_points_are_called(dashboard: Dashboard) -> None:
    ends = {"left": "place 0", "right": "place 1", "down": "place 2", "up": "/^place [34]/"}
    seen, rows = positions(dashboard, "words", "words", method="custom", **ends)
    places = blobs(300, 8)[1][rows]
    assert seen[places == 0, 0].mean() < seen[places == 1, 0].mean()
    status, answer = ask(
        dashboard, "positions", "words", "words", method="custom", **ends | {"up": "no such"}
    )
    assert status == 422 and "no such" in json.loads(answer)["message"]


def test_chosen_points_are_saved_with_their_metadata(dashboard: Dashboard) -> None:
    status, text = ask(dashboard, "rows", "words", "words", rows=[3, 1])
    places = blobs(300, 8)[1]
    lines = ["row,place,name", f"3,place {places[3]},point 3", f"1,place {places[1]},point 1", ""]
    assert (status, text.decode()) == (200, "\r\n".join(lines))
    assert ask(dashboard, "rows", "words", "words", rows=[300])[0] == 400


def send(dashboard: Dashboard, what: str, body: bytes, **asked: Any) -> tuple[int, dict[str, Any]]:
    url = f"{dashboard.url}/api/v1/projector/{what}?{urlencode(asked)}"
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, method="POST"), timeout=60) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_files_of_vectors_and_metadata_are_looked_at_and_changed_in_memory_only(dashboard: Dashboard) -> None:
    array = io.BytesIO()
    np.save(array, np.eye(3))
    sent = [
        send(dashboard, "vectors", body, name="a.tsv") for body in (b"1\t0\n0\t1\n2\t2\n", array.getvalue())
    ]
    assert [status for status, _ in sent] == [200, 200]
    place = {**sent[0][1], "index": 0}
    text = "kind\tsize\nant\t1.5\nbee\u2028x\t2\nbee\n".encode()
    status, known = send(dashboard, "metadata", text, name="b.tsv", **place)
    assert status == 200
    rows = json.dumps({"rows": [0, 2], "column": "note", "text": " new "}).encode()
    _, changed = send(dashboard, "label", rows, **place, **known)

    def saved(**metadata: str) -> str:
        url = f"{dashboard.url}/api/v1/projector/metadata?{urlencode({**place, **metadata})}"
        return urllib.request.urlopen(url, timeout=60).read().decode()

    assert saved(**known) == "kind\tsize\nant\t1.5\nbee x\t2\nbee\t \n"
    assert saved(**changed).splitlines()[1:] == ["ant\t1.5\tnew", "bee x\t2\t", "bee\t \tnew"]
    status, problem = send(dashboard, "metadata", b"one\n", name="c.tsv", **place)
    assert (status, problem["message"]) == (422, "c.tsv has 1 rows, and there are 3 points.")
    status, problem = send(dashboard, "label", b'{"rows": [3], "column": "kind"}', **place)
    assert (status, problem["message"]) == (400, "'rows' must be numbers of points.")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"1\t2\n3\n", "line 2 holds 1 numbers, and the first 2"),
        (b"1\t2\n3\tx\n", "line 2 holds 'x', which is no number"),
        (b"\xff\xfe\x00", "neither text nor an array"),
        (b"\x93NUMPY\x01\x00", "holds no vectors"),
    ],
)
def test_a_file_that_holds_no_vectors_says_which_and_why(
    dashboard: Dashboard, content: bytes, words: str
) -> None:
    status, told = send(dashboard, "vectors", content, name="a.tsv")
    assert status == 422 and told["message"].startswith("a.tsv") and words in told["message"]


def test_texts_that_are_numbers_can_be_colored_as_both(dashboard: Dashboard) -> None:
    place = send(dashboard, "vectors", b"1\n2\n3\n", name="a.tsv")[1] | {"index": 0}
    place |= send(dashboard, "metadata", b"a\tb\n1\t.5\n2\t\n10\tnan\n", name="b.tsv", **place)[1]

    def column(name: str, scale: str) -> Any:
        url = f"{dashboard.url}/api/v1/projector/column?{urlencode({**place, 'name': name, 'scale': scale})}"
        return json.load(urllib.request.urlopen(url, timeout=60))

    told = {"rows": [0, 1, 2], "numeric": True}
    assert column("a", "auto") == told | {"texts": ["1", "2", "10"]}
    assert column("a", "numbers") == told | {"numbers": [1.0, 2.0, 10.0]}
    assert column("b", "auto") == told | {"numbers": [0.5, None, None]}
    assert column("b", "names") == told | {"texts": [".5", "", "nan"]}


@pytest.mark.parametrize("tag", BAD)
@pytest.mark.parametrize("method", ["pca", "tsne"])
def test_an_embedding_without_points_to_draw_says_why(dashboard: Dashboard, tag: str, method: str) -> None:
    def answer() -> tuple[int, bytes]:
        return ask(dashboard, "positions", "odd", tag, method=method)

    eventually(lambda: answer()[0] == 422)
    eventually(lambda: BAD[tag][1] in answer()[1].decode())


def test_a_point_alone_and_points_with_nan_beside_them_are_drawn(dashboard: Dashboard) -> None:
    assert positions(dashboard, "odd", "one")[0].tolist() == [[0, 0, 0]]
    places, rows = positions(dashboard, "odd", "extreme")
    assert rows.tolist() == [0, 2, 4] and np.isfinite(places).all()
    assert told(dashboard, "cloud", "odd", "extreme") | {"most": 0, "missing": 0} == {
        "count": 5, "finite": 3, "dimensions": 2, "columns": [], "label": "", "sprite": None,
        "most": 0, "missing": 0,
    }  # fmt: skip
    assert ask(dashboard, "neighbours", "odd", "extreme", row=1)[0] == 404
    assert told(dashboard, "neighbours", "odd", "one", row=0)["rows"] == []


@pytest.mark.parametrize(
    "asked", [{"method": "x"}, {"most": "many"}, {"components": "0"}, {"metric": "?"}, {"basis": -1}]
)
def test_a_question_that_makes_no_sense_is_refused(dashboard: Dashboard, asked: dict[str, Any]) -> None:
    assert ask(dashboard, "positions", "words", "words", **asked)[0] == 400
