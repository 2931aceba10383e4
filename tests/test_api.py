"""The HTTP interface below /api/v1/, asked as a page asks it."""

from __future__ import annotations

import json
import math
import struct
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dashboard_fixtures import eventually, falling, log_run
from starlette.testclient import TestClient

import trainboard as tb
from trainboard.dashboard.cards import scalar
from trainboard.dashboard.server import create_app
from trainboard.storage import Store
from trainboard.storage.kinds import KINDS


@pytest.fixture
def api(store: Store) -> Iterator[TestClient]:
    with TestClient(create_app(store), base_url="http://127.0.0.1:6006") as client:
        yield client


def unpack(body: bytes) -> list[Any]:
    """The reply of /api/v1/scalars as the page reads it: a dict a series, or None."""
    (length,) = struct.unpack_from("<I", body)
    header: list[Any] = json.loads(body[4 : 4 + length])
    at = 4 + length
    for entry in header:
        if entry is None:
            continue
        for name in scalar.EXACT if entry["exact"] else scalar.THINNED:
            entry[name] = np.frombuffer(body, "<f8", entry["n"], at)
            at += 8 * entry["n"]
    assert at == len(body)
    return header


def ask(api: TestClient, run: str, tag: str, since: int = 0, **more: Any) -> Any:
    body = {"series": [{"run": run, "tag": tag, "rank": 0, "since": since}], **more}
    answer = api.post("/api/v1/scalars", json=body)
    assert answer.status_code == 200, answer.text
    return unpack(answer.content)[0]


def test_runs_come_newest_first_each_with_its_own_colour(api: TestClient, store: Store) -> None:
    first = log_run(store, "first")
    alone = api.get("/api/v1/runs").json()["runs"]
    second = log_run(store, "second")
    log_run(store, "elsewhere", project="other")
    both = api.get("/api/v1/runs", params={"project": "digits"}).json()
    assert [run["id"] for run in both["runs"]] == [second, first]
    assert set(both["projects"]) == {"digits", "other"}
    assert both["runs"][1]["color"] == alone[0]["color"] != both["runs"][0]["color"]


def test_an_unknown_project_shows_the_newest_one(api: TestClient, store: Store) -> None:
    log_run(store, "one")
    assert api.get("/api/v1/runs", params={"project": "gone"}).json()["project"] == "digits"


def test_runs_asked_by_id_leave_out_what_is_gone(api: TestClient, store: Store) -> None:
    run = log_run(store, "one")
    answer = api.get("/api/v1/runs", params={"ids": f"{run},nobody"}).json()
    assert [(found["id"], found["status"]) for found in answer["runs"]] == [(run, "finished")]


def test_series_are_told_for_every_run_asked_for(api: TestClient, store: Store) -> None:
    run = log_run(store, "one", [{"loss": 1.0}, {"loss": 0.5}])
    answer = api.get("/api/v1/series", params={"runs": f"{run},nobody"}).json()
    assert answer == {"series": [["loss", "scalar", 0]], "runs": {run: [0], "nobody": []}, "total": 1}


def test_scalars_come_whole_and_then_only_what_is_new(api: TestClient, store: Store) -> None:
    run = tb.init(project="digits", store=store.url)
    for step in range(5):
        run.log({"loss": float(step)}, step=step)
    run.flush()
    whole = ask(api, run.id, "loss")
    assert (whole["append"], whole["exact"], whole["total"]) == (False, True, 5)
    assert whole["step"].tolist() == [0, 1, 2, 3, 4]
    run.log({"loss": 2.5}, step=2)
    run.finish()
    news = ask(api, run.id, "loss", since=5)
    assert (news["append"], news["total"]) == (True, 6)
    assert (news["step"].tolist(), news["value"].tolist()) == ([2], [2.5])
    assert ask(api, run.id, "loss", since=5)["value"].tolist() == [2.5]
    assert ask(api, run.id, "loss", since=6)["n"] == 0


def test_a_long_series_comes_as_buckets_that_hide_no_extreme(api: TestClient, store: Store) -> None:
    values = [math.sin(step) for step in range(5000)]
    values[1234], values[4321] = 99.0, math.nan
    run = log_run(store, "long", [{"loss": value} for value in values])
    thinned = ask(api, run, "loss", width=100)
    assert not thinned["exact"] and thinned["n"] <= 400 and thinned["total"] == 5000
    assert np.nanmax(thinned["high"]) == 99.0
    assert thinned["bad"].sum() == 1
    detail = ask(api, run, "loss", width=100, window=[1230, 1240])
    assert detail["exact"] and detail["step"].tolist() == list(range(1230, 1241))


def test_nan_and_infinities_arrive_as_they_were_logged(api: TestClient, store: Store) -> None:
    run = log_run(store, "wild", [{"x": math.nan}, {"x": math.inf}, {"x": -math.inf}])
    values = ask(api, run, "x")["value"]
    assert math.isnan(values[0]) and values[1] == math.inf and values[2] == -math.inf


def test_a_series_that_does_not_exist_is_null_beside_those_that_do(api: TestClient, store: Store) -> None:
    run = log_run(store, "one", falling(3))
    series = [{"run": run, "tag": "nothing"}, {"run": "nobody", "tag": "x"}, {"run": run, "tag": "val/loss"}]
    nothing, nobody, found = unpack(api.post("/api/v1/scalars", json={"series": series}).content)
    assert nothing is None and nobody is None
    assert found is not None and found["n"] == 3


@pytest.mark.parametrize(
    "body",
    [
        b"not json",
        b"[]",
        b"{}",
        b'{"series": [{"run": "a"}]}',
        b'{"series": [{"run": "a", "tag": "b", "colour": 1}]}',
        b'{"series": [], "width": "wide"}',
        b'{"series": [], "axis": "epoch"}',
        b'{"series": [], "window": [1]}',
    ],
)
def test_a_wrong_request_for_scalars_is_a_clear_400(api: TestClient, body: bytes) -> None:
    answer = api.post("/api/v1/scalars", content=body)
    assert answer.status_code == 400
    assert answer.json()["message"]


def test_too_many_series_or_too_large_a_request_is_refused(api: TestClient) -> None:
    many = [{"run": "a", "tag": str(i)} for i in range(5001)]
    assert api.post("/api/v1/scalars", json={"series": many}).status_code == 413
    assert api.post("/api/v1/scalars", content=b" " * (5 << 20)).status_code == 413


def test_changes_answer_at_once_when_something_is_new(api: TestClient, store: Store) -> None:
    run = log_run(store, "one", falling(3))
    answer = api.get("/api/v1/changes", params={"since": -1}).json()
    assert answer["version"] == store.version()
    second = log_run(store, "two")
    newer = api.get("/api/v1/changes", params={"since": answer["version"]}).json()
    assert newer["runs"] == [second] and run not in newer["runs"]


def test_changes_wait_for_news_and_tell_it_within_a_fifth_of_a_second(api: TestClient, store: Store) -> None:
    with tb.init(project="digits", store=store.url) as run, ThreadPoolExecutor() as pool:

        def is_heard_at_once() -> bool:
            version = api.get("/api/v1/changes", params={"wait": 0}).json()["version"]
            waiting = pool.submit(api.get, "/api/v1/changes", params={"since": version})
            run.log({"loss": 0.5})
            run.flush()
            stored = time.monotonic()
            assert waiting.result().json()["runs"] == [run.id]
            return time.monotonic() - stored < 0.2

        run.log({"loss": 1.0})
        run.flush()
        eventually(is_heard_at_once)


def test_changes_without_news_answer_when_the_time_is_over(api: TestClient, store: Store) -> None:
    version = store.version()
    answer = api.get("/api/v1/changes", params={"since": version, "wait": 0.05}).json()
    assert answer == {"version": version, "runs": [], "store": 0, "behind": None, "read": None}


def test_an_unknown_address_below_api_is_json_never_a_page(api: TestClient) -> None:
    for path in ("/api/typo", "/api", "/api/v1/", "/api/v1/runs/extra"):
        answer = api.get(path)
        assert answer.status_code == 404
        assert answer.json()["error"] == "Not Found"
    assert api.get("/api/v1/scalars").status_code == 405


def test_a_failure_of_the_store_is_a_json_error_and_is_logged(
    api: TestClient, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    store.close()
    (path := store.url.removeprefix("sqlite:///"))
    with open(path, "wb") as damaged:
        damaged.write(b"this is not a store any more" * 1000)
    for rest in ("-wal", "-shm"):
        Path(path + rest).unlink(missing_ok=True)
    store.close()  # a connection that was opened meanwhile has pages of what was there before
    answer = TestClient(api.app, base_url=str(api.base_url), raise_server_exceptions=False).get(
        "/api/v1/runs"
    )
    assert answer.status_code >= 500
    assert answer.json()["message"]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_a_card_that_draws(kind: str) -> None:
    names = {"figure": "plotly_figure"}
    assert callable(import_module(f"trainboard.dashboard.cards.{names.get(kind, kind)}").draw)


def test_the_scalar_card_draws_nothing_and_one_point(store: Store) -> None:
    assert scalar.draw([], "empty").to_plotly_json()["props"]["lines"] == []
    run = log_run(store, "one", [{"loss": 0.5}])
    line = scalar.read(store, scalar.Wanted(run, "loss"), width=100)
    drawn = scalar.draw([("one", "#226dc9", line)], "loss").to_plotly_json()["props"]["lines"]
    assert drawn[0]["value"] == [0.5] and drawn[0]["step"] == [0.0]
