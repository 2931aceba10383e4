"""Several ranks of a run on the Charts page and in the API."""

from __future__ import annotations

import json
import re
import struct
import urllib.error
import urllib.request
from typing import Any

import numpy as np
import pytest
from dashboard_fixtures import Dashboard, log_run
from playwright.sync_api import Page, expect

from trainboard.storage import Store


@pytest.fixture
def run(store: Store, segment: Any) -> str:
    """A run of four ranks: the third is slow, the last five steps behind."""
    for rank in range(4):
        launch = {"launch": "job", "world_size": 4, "hosts": {str(rank): f"node-{rank}"}}
        made = segment(run="job", rank=rank, project="p", name="four", environment=launch)
        for step in range(20 if rank < 3 else 15):
            made.scalars(step, {"loss": float(rank), "step_time": 0.3 if rank == 2 else 0.1})
        store.ingest(f"spool-{rank}").feed(0, made.data, 0)
    return "job"


def card(board: Page, tag: str) -> Any:
    return board.locator(f'article[data-tag="{tag}"]')


def test_the_charts_show_the_mean_between_the_extremes_and_each_rank_if_asked(
    board: Page, dashboard: Dashboard, run: str
) -> None:
    board.goto(dashboard.url)
    expect(card(board, "loss")).to_contain_text("four · mean: 75 points, last 1.000 at step 19.")
    line = board.evaluate("trainboard.scalars.lines('loss')[0]")
    assert set(line["low"]) == {0} and (line["high"][0], line["high"][19]) == (3, 2)
    ranks = board.locator(".ranks-field")
    for view, last in (("Min", "0"), ("Max", "2.000"), ("Sum", "3.000")):
        ranks.get_by_text(view, exact=True).click()
        expect(card(board, "loss")).to_contain_text(
            f"four · {view.lower()}: 75 points, last {last} at step 19"
        )
    ranks.get_by_text("Each", exact=True).click()
    for rank, count in ((0, 20), (3, 15)):
        expect(card(board, "loss")).to_contain_text(f"four · rank {rank}: {count} points")
    assert "ranks=each" in board.url


def test_the_tooltip_says_which_ranks_lie_at_the_ends_and_how_many_miss_the_step(
    board: Page, dashboard: Dashboard, run: str
) -> None:
    board.goto(dashboard.url)
    expect(card(board, "loss")).to_contain_text("four · mean")
    plot = card(board, "loss").locator(".u-over")
    box = plot.bounding_box()
    assert box is not None
    plot.hover(position={"x": box["width"] - 3, "y": box["height"] / 2})
    expect(board.locator("#tooltip tbody tr")).to_contain_text("rank 0: 0")
    expect(board.locator("#tooltip tbody tr")).to_contain_text("rank 2: 2")
    expect(board.locator("#tooltip tbody tr")).to_contain_text("3 of 4")


def test_a_rank_that_joins_later_is_in_the_mean_by_itself(
    board: Page, store: Store, dashboard: Dashboard, run: str, segment: Any
) -> None:
    board.goto(dashboard.url)
    expect(card(board, "loss")).to_contain_text("four · mean: 75 points")
    made = segment(run="job", rank=4, project="p", environment={"launch": "job"})
    made.scalars(19, {"loss": 21.0})
    store.ingest("spool-4").feed(0, made.data, 0)
    expect(card(board, "loss")).to_contain_text("four · mean: 76 points, last 6.000 at step 19.")


def test_runs_of_one_process_have_no_control_for_ranks(
    board: Page, store: Store, dashboard: Dashboard
) -> None:
    log_run(store, "alone", [{"loss": 1.0}])
    board.goto(dashboard.url)
    expect(card(board, "loss")).to_contain_text("alone: 1 point")
    expect(board.locator(".ranks-field")).to_be_hidden()


def test_a_runs_details_name_the_slowest_rank_and_the_one_furthest_behind(
    board: Page, dashboard: Dashboard, run: str
) -> None:
    board.goto(dashboard.url)
    row = board.locator("li.run")
    expect(row).to_be_visible()
    row.hover()
    for words in (
        "4 ranks, 4 of them log",
        "furthest behind: rank 3 on node-3, 5 steps",
        "slowest: rank 2 on node-2, step_time 3.00 times the others'",
    ):
        expect(row).to_have_attribute("title", re.compile(words))


def ask(dashboard: Dashboard, path: str, asked: object = None) -> bytes:
    body = None if asked is None else json.dumps(asked).encode()
    with urllib.request.urlopen(f"{dashboard.url}/api/v1/{path}", body, timeout=60) as answer:
        return answer.read()


def test_the_api_tells_of_each_rank_of_a_run(dashboard: Dashboard, run: str) -> None:
    told = json.loads(ask(dashboard, "runs/job"))
    assert (told["name"], told["world_size"], told["slowest"]["rank"]) == ("four", 4, 2)
    assert [(one["rank"], one["host"], one["last_step"], one["behind"]) for one in told["ranks"]] == [
        (0, "node-0", 19, 0),
        (1, "node-1", 19, 0),
        (2, "node-2", 19, 0),
        (3, "node-3", 14, 5),
    ]
    with pytest.raises(urllib.error.HTTPError, match="404"):
        ask(dashboard, "runs/nobody")


def test_the_api_packs_ranks_together_and_refuses_views_there_are_none_of(
    dashboard: Dashboard, run: str
) -> None:
    asked = [{"run": "job", "tag": "loss", "rank": view} for view in ("mean", "max", "sum")]
    body = ask(dashboard, "scalars", {"series": asked})
    length = struct.unpack_from("<I", body)[0]
    header = json.loads(body[4 : 4 + length])
    assert [(entry["ranks"], entry["n"], entry["total"]) for entry in header] == [(4, 20, 75)] * 3
    columns = np.frombuffer(body, "<f8", offset=4 + length).reshape(3, 9, 20)
    assert columns[:, 2, 0].tolist() == [1.5, 3.0, 6.0]
    assert columns[0, 6:, 0].tolist() == [4, 0, 3] and columns[0, 6:, 19].tolist() == [3, 0, 2]
    assert columns[2, 7:, 0].tolist() == [-1, -1]
    with pytest.raises(urllib.error.HTTPError, match="400"):
        ask(dashboard, "scalars", {"series": [{"run": "job", "tag": "loss", "rank": "median"}]})
