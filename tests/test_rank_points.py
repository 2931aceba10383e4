"""One tag of all ranks brought together, against the same done with plain lists."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainboard.storage import Store, open_store
from trainboard.storage.errors import RunNotFound, SeriesNotFound
from trainboard.storage.ranks import slowest

Logged = list[tuple[int, float]]


def logged(store: Store, segment: Any, run: str, by_rank: dict[int, Logged], tag: str = "loss") -> None:
    for rank, points in by_rank.items():
        made = segment(run=run, rank=rank, project="p")
        for step, value in points:
            made.scalars(step, {tag: value})
        store.ingest(f"{run}-{rank}").feed(0, made.data, 0)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return open_store(tmp_path_factory.mktemp("ranks") / "s.db", create=True)


VALUES = st.floats(-1e6, 1e6) | st.sampled_from([math.nan, math.inf, -math.inf])
RANKS = st.dictionaries(
    st.integers(0, 5), st.lists(st.tuples(st.integers(0, 30), VALUES), min_size=1, max_size=40), min_size=1
)
_number = iter(range(1_000_000))


@settings(max_examples=40, deadline=None)
@given(by_rank=RANKS)
def test_ranks_are_aligned_by_step_and_missing_ones_counted(
    shared: Store, segment: Any, by_rank: dict[int, Logged]
) -> None:
    run = f"run-{next(_number)}"
    logged(shared, segment, run, by_rank)
    found = shared.rank_points(run, "loss")
    last = {rank: dict(points) for rank, points in by_rank.items()}
    steps = sorted({step for points in last.values() for step in points})
    assert found.exact and found.ranks == sorted(by_rank)
    assert found.step.tolist() == steps
    for at, step in enumerate(steps):
        here = {rank: points[step] for rank, points in sorted(last.items()) if step in points}
        finite = [value for value in here.values() if math.isfinite(value)]
        known = {rank: value for rank, value in here.items() if not math.isnan(value)}
        assert found.count[at] == len(here) and found.bad[at] == len(here) - len(finite)
        expected = (sum(finite) / len(finite), sum(finite)) if finite else (math.nan, math.nan)
        assert (found.mean[at], found.sum[at]) == pytest.approx(expected, nan_ok=True, abs=1e-6)
        least = min(known.values(), default=math.nan)
        greatest = max(known.values(), default=math.nan)
        np.testing.assert_equal((found.minimum[at], found.maximum[at]), (least, greatest))
        ends = (found.min_rank[at], found.max_rank[at])
        if known:
            assert (known[ends[0]], known[ends[1]]) == (least, greatest)
        else:
            assert ends == (-1, -1)


def test_long_series_of_many_ranks_are_thinned_to_the_width_and_keep_their_extremes(
    shared: Store, segment: Any
) -> None:
    random = np.random.default_rng(1)
    values = random.normal(size=(4, 10_000))
    values[2, 7_777] = 50.0
    logged(
        shared, segment, "long", {rank: list(enumerate(some.tolist())) for rank, some in enumerate(values)}
    )
    found = shared.rank_points("long", "loss", width=100)
    assert not found.exact and 50 <= len(found.step) <= 200
    assert found.total == 40_000 and (found.count == 4).all()
    assert found.step[0] >= 0 and found.step[-1] == 9_999 and (np.diff(found.step) > 0).all()
    assert (found.minimum.min(), found.maximum.max()) == (values.min(), 50.0)
    assert found.max_rank[found.maximum.argmax()] == 2
    # The cells are of one size but for the last, which may be short.
    cells = np.diff(np.append(-1, found.step))
    assert np.average(found.mean, weights=cells) == pytest.approx(values.mean(), abs=0.01)
    near = shared.rank_points("long", "loss", window=(7_770, 7_780), width=100)
    assert near.exact and near.step.tolist() == list(range(7_770, 7_781))
    np.testing.assert_allclose(near.mean, values[:, 7_770:7_781].mean(axis=0))


@pytest.mark.parametrize("axis", ["wall", "relative"])
def test_on_a_time_axis_entries_are_in_order_of_time(shared: Store, segment: Any, axis: Any) -> None:
    run = f"by-{axis}"
    logged(shared, segment, run, {rank: [(step, 1.0) for step in range(500)] for rank in range(2)})
    for width in (None, 20):
        found = shared.rank_points(run, "loss", axis=axis, width=width)
        assert (np.diff(found.wall_time) > 0).all()
        np.testing.assert_allclose(found.mean, 1.0)


def test_a_rank_that_is_far_behind_is_missed_not_invented(shared: Store, segment: Any) -> None:
    logged(shared, segment, "behind", {0: [(step, 1.0) for step in range(2_000)], 1: [(0, 3.0)]})
    found = shared.rank_points("behind", "loss", width=50)
    assert found.count[0] == 2 and (found.count[1:] == 1).all() and (found.mean[1:] == 1.0).all()
    assert [(one.rank, one.behind) for one in shared.ranks("behind")] == [(0, 0), (1, 1_999)]


def test_what_is_not_there_is_named(shared: Store, segment: Any) -> None:
    logged(shared, segment, "some", {0: [(0, 1.0)]})
    with pytest.raises(SeriesNotFound, match="lost"):
        shared.rank_points("some", "lost")
    with pytest.raises(RunNotFound, match="nobody"):
        shared.rank_points("nobody", "loss")
    with pytest.raises(RunNotFound, match="nobody"):
        shared.ranks("nobody")


def test_the_slowest_rank_is_told_by_a_tag_of_time_only_if_it_stands_out(shared: Store, segment: Any) -> None:
    even = {rank: [(step, 0.1) for step in range(5)] for rank in range(4)}
    logged(shared, segment, "even", even, "step_time")
    assert slowest(shared.series("even")) is None
    logged(shared, segment, "uneven", even | {2: [(0, 0.25)]}, "step/seconds")
    assert slowest(shared.series("uneven")) == (2, "step/seconds", pytest.approx(2.5))
    logged(shared, segment, "loss", even | {2: [(0, 0.25)]}, "times/loss")
    assert slowest(shared.series("loss")) is None
