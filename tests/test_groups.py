"""Groups of runs: who belongs together, and what a group says as one line with a band."""

from __future__ import annotations

import json
import struct
import urllib.error
import urllib.request
from typing import Any

import numpy as np
import pytest
from dashboard_fixtures import Dashboard, log_run

from trainboard.dashboard.groups import (
    INTERPOLATED,
    SAME_PLACES,
    By,
    Member,
    aggregate,
    group_runs,
)
from trainboard.storage import Store
from trainboard.storage.patterns import BadPattern

SEEDS = [
    Member(f"{model}-{seed}", f"{model}-seed{seed}", model, {"model": model, "opt": {"lr": lr}, "seed": seed})
    for model, lr in (("small", 1), ("large", 1.0))
    for seed in range(3)
]


def names(by: By, members: list[Member] = SEEDS) -> dict[str, int]:
    return {group.name: len(group.runs) for group in group_runs(members, by)}


def line(*values: float) -> tuple[Any, Any]:
    return np.arange(float(len(values))), np.array(values)


def test_runs_are_grouped_by_keys_by_all_but_the_seed_by_pattern_and_by_their_group() -> None:
    assert names(By(keys=["model"])) == names(By(but=["seed"])) == {"model small": 3, "model large": 3}
    assert names(By(pattern=r"^(\w+)-")) == names(By()) == {"small": 3, "large": 3}
    assert names(By(pattern="small")) == {"small": 3, "no match": 3}
    assert names(By(keys=["opt.lr"])) == {"opt.lr 1": 6}
    assert names(By(keys=[])) == {"all runs": 6}


def test_a_missing_key_and_a_text_that_looks_like_a_number_are_groups_of_their_own() -> None:
    members = [
        Member(str(n), "", None, config) for n, config in enumerate([{"a": 1}, {"a": "1"}, {}, {"a": "–"}])
    ]
    assert names(By(keys=["a"]), members) == {"a 1": 1, 'a "1"': 1, "a –": 1, 'a "\\u2013"': 1}


@pytest.mark.parametrize("pattern", ["(", "(?:a|aa)+b"])
def test_a_pattern_that_is_broken_or_takes_too_long_is_told(pattern: str) -> None:
    with pytest.raises(BadPattern):
        group_runs([Member("a", "a" * 5_000, None, {})], By(pattern=pattern))


def test_runs_of_the_same_steps_are_averaged_step_by_step() -> None:
    drawn = aggregate([line(1, 2, 3), line(3, 4, 8)])
    assert drawn.value.tolist() == [2, 3, 5.5] and drawn.alignment == SAME_PLACES
    assert (drawn.value - drawn.low).tolist() == np.std([[1, 2, 3], [3, 4, 8]], axis=0, ddof=1).tolist()
    assert aggregate([line(1, 2), line(3, 4)], band="minmax").high.tolist() == [3, 4]
    assert aggregate([line(1), line(2), line(9)], "median").value.tolist() == [2]
    sem = aggregate([line(1), line(3)], band="sem")
    assert (sem.high - sem.value).tolist() == pytest.approx([1.0])


def test_a_run_counts_between_its_own_points_and_nowhere_else() -> None:
    short = np.array([0.0, 10.0]), np.array([0.0, 10.0])
    long = np.array([0.0, 5.0, 20.0]), np.array([2.0, 2.0, 2.0])
    drawn = aggregate([short, long])
    assert drawn.x.tolist() == [0, 5, 10, 20] and drawn.alignment == INTERPOLATED
    assert drawn.count.tolist() == [2, 2, 2, 1]
    assert drawn.value.tolist() == [1, 3.5, 6, 2]
    assert np.isnan(drawn.low[-1]) and drawn.runs == 2


def test_nan_and_infinities_are_left_out_and_counted() -> None:
    drawn = aggregate([line(np.nan, 2, np.inf), line(1, 4, 6)])
    assert drawn.bad == 2 and drawn.count.tolist() == [1, 2, 1]
    empty = aggregate([line(np.nan), (np.empty(0), np.empty(0))])
    assert (len(empty.x), empty.runs, empty.bad) == (0, 2, 1)


@pytest.mark.parametrize("statistic", ["mean", "median"])
def test_a_bootstrap_interval_holds_the_true_value_about_as_often_as_it_says(statistic: Any) -> None:
    generator = np.random.default_rng(1)
    runs = [(np.arange(400.0), generator.normal(3.0, 1.0, 400)) for _ in range(20)]
    drawn = aggregate(runs, statistic, "bootstrap")
    held = np.mean((drawn.low <= 3.0) & (drawn.high >= 3.0))
    assert 0.87 < held < 0.99
    assert aggregate(runs, statistic, "bootstrap").low.tolist() == drawn.low.tolist()


def ask(dashboard: Dashboard, path: str, body: object) -> bytes:
    with urllib.request.urlopen(f"{dashboard.url}/api/v1/{path}", json.dumps(body).encode()) as answer:
        return answer.read()


def unpack(body: bytes) -> tuple[list[Any], np.ndarray[Any, Any]]:
    (length,) = struct.unpack_from("<I", body)
    return json.loads(body[4 : 4 + length]), np.frombuffer(body, "<f8", offset=4 + length)


def test_a_page_gets_groups_and_their_bands(store: Store, dashboard: Dashboard) -> None:
    ids = [
        log_run(
            store,
            f"seed {seed}",
            [{"loss": seed + step} for step in range(3)],
            config={"lr": lr, "seed": seed},
        )
        for lr in (0.1, 0.2)
        for seed in (0, 2)
    ]
    told = json.loads(ask(dashboard, "groups", {"runs": ids, "by": {"but": ["seed"]}}))
    assert [(group["name"], group["runs"]) for group in told["groups"]] == [
        ("lr 0.1", ids[:2]),
        ("lr 0.2", ids[2:]),
    ]
    assert told["keys"] == ["lr", "seed"]
    groups = [{"name": group["name"], "runs": group["runs"]} for group in told["groups"]]
    for axis in ("step", "relative", "wall"):
        header, numbers = unpack(ask(dashboard, "bands", {"groups": groups, "tag": "loss", "axis": axis}))
        assert [(entry["name"], entry["runs"]) for entry in header] == [("lr 0.1", 2), ("lr 0.2", 2)]
        if axis == "step":
            assert header[0]["n"] == 3 and numbers[:6].tolist() == [0, 1, 2, 1, 2, 3]
        if axis == "relative":
            assert 0 <= numbers[0] < 60


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("groups", {"runs": ["x"], "by": {"pattern": "("}}, 422),
        ("groups", {"runs": "x"}, 400),
        ("groups", {"runs": [], "by": {"shoe size": ["x"]}}, 400),
        ("bands", {"groups": [], "tag": "loss", "band": "rubber"}, 400),
        ("bands", {"groups": [{"name": "a", "runs": ["x"] * 10}]}, 400),
        ("bands", {"groups": [{"name": "a", "runs": [str(n) for n in range(2_000)]}], "tag": "loss"}, 413),
    ],
)
def test_a_request_that_makes_no_sense_is_refused(
    dashboard: Dashboard, path: str, body: Any, status: int
) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        ask(dashboard, path, body)
    assert refused.value.code == status and json.load(refused.value)["message"]
