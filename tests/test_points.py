"""Charts get the points of their window, in order, and no more than they have room for."""

from __future__ import annotations

import math

import numpy as np
import pytest
from dashboard_fixtures import once_within
from hypothesis import given, settings
from hypothesis import strategies as st

from trainboard.storage import Points, Store, open_store
from trainboard.storage.append import append_points
from trainboard.storage.chunks import Columns
from trainboard.storage.run_rows import load_run
from trainboard.storage.series import SeriesKey

KEY = SeriesKey(0, "scalar", "loss")
Point = tuple[int, float, float]
STEPS = st.integers(-5, 20) | st.integers(-(2**63), 2**63 - 1)
WALLS = st.floats(0, 100)
POINTS = st.lists(st.tuples(STEPS, WALLS, st.floats(width=64)), min_size=1, max_size=120)


@pytest.fixture(scope="module")
def shared(shared_store_url: str) -> Store:
    return open_store(shared_store_url, create=True)


def append(store: Store, run: str, points: list[Point], batch: int = 50) -> None:
    with store.writing() as connection:
        load_run(connection, run)
        for at in range(0, len(points), batch):
            steps, walls, values = zip(*points[at : at + batch], strict=True)
            columns = Columns(np.array(steps, np.int64), np.array(walls, float), np.array(values, float))
            append_points(connection, run, {KEY: columns})


def new_run(store: Store, points: list[Point], batch: int = 50) -> str:
    run = f"run-{len(store.runs())}"
    append(store, run, points, batch)
    return run


def listed(points: Points) -> list[tuple[int, float, bytes]]:
    values = (value.tobytes() for value in points.value)
    return list(zip(points.step.tolist(), points.wall_time.tolist(), values, strict=True))


def as_bits(points: list[Point]) -> list[tuple[int, float, bytes]]:
    return [(step, wall, np.float64(value).tobytes()) for step, wall, value in points]


@settings(deadline=None, max_examples=50)
@given(points=POINTS, batch=st.integers(1, 60), ends=st.tuples(STEPS, STEPS))
def test_a_window_of_steps_is_what_a_plain_list_gives(
    shared: Store, points: list[Point], batch: int, ends: tuple[int, int]
) -> None:
    run = new_run(shared, points, batch)
    low, high = min(ends), max(ends)
    expected = [point for point in sorted(points, key=lambda point: point[0]) if low <= point[0] <= high]
    found = shared.points(run, "loss", window=(low, high))
    assert listed(found) == as_bits(expected)
    assert found.exact and found.total == len(expected)
    assert listed(shared.points_since(run, "loss", len(points) // 2)) == as_bits(points[len(points) // 2 :])


@settings(deadline=None, max_examples=50)
@given(points=POINTS, ends=st.tuples(WALLS, WALLS), relative=st.booleans())
def test_a_window_of_time_is_what_a_plain_list_gives(
    shared: Store, points: list[Point], ends: tuple[float, float], relative: bool
) -> None:
    run = new_run(shared, points)
    low, high = min(ends), max(ends)
    window = (low, high)
    if relative:
        origin = shared.run(run).created_at
        window = (low - origin, high - origin)
        low, high = window[0] + origin, window[1] + origin
    expected = [point for point in sorted(points, key=lambda point: point[1]) if low <= point[1] <= high]
    found = shared.points(run, "loss", axis="relative" if relative else "wall", window=window)
    assert listed(found) == as_bits(expected)


@settings(deadline=None, max_examples=80)
@given(points=POINTS, width=st.integers(1, 40), axis=st.sampled_from(["step", "wall", "relative"]))
def test_thinned_points_account_for_every_point(
    shared: Store, points: list[Point], width: int, axis: str
) -> None:
    run = new_run(shared, points)
    every = shared.points(run, "loss", axis=axis)  # type: ignore[arg-type]
    thin = shared.points(run, "loss", axis=axis, width=width)  # type: ignore[arg-type]
    assert thin.total == len(points)
    assert thin.exact == (len(points) <= 2 * width)
    if thin.exact:
        assert listed(thin) == listed(every)
        return
    assert thin.count is not None and thin.mean is not None and thin.minimum is not None
    assert thin.maximum is not None and thin.nan_count is not None
    assert 2 <= len(thin.step) <= 2 * width
    assert listed(thin)[0] == listed(every)[0] and listed(thin)[-1] == listed(every)[-1]
    assert thin.count.min() >= 1 and thin.count.sum() == len(points)
    for at, stop in enumerate(np.cumsum(thin.count)):
        bucket = every.value[stop - thin.count[at] : stop]
        numbers, finite = bucket[~np.isnan(bucket)], bucket[np.isfinite(bucket)]
        assert thin.nan_count[at] == len(bucket) - len(numbers)
        assert np.array_equal(thin.minimum[at], numbers.min(initial=np.inf) if len(numbers) else np.nan, True)
        assert np.array_equal(
            thin.maximum[at], numbers.max(initial=-np.inf) if len(numbers) else np.nan, True
        )
        if len(finite):
            mean = math.fsum(value / len(finite) for value in finite)
            assert thin.mean[at] == pytest.approx(mean, abs=1e-12 * np.abs(finite).max() + 1e-320)
        else:
            assert math.isnan(thin.mean[at])


def test_bucket_edges_stay_while_a_series_grows(shared: Store) -> None:
    points = [(step, float(step), 0.0) for step in range(20_000)]
    run = new_run(shared, points, 20_000)
    before = shared.points(run, "loss", width=500)
    append(shared, run, [(step, float(step), 0.0) for step in range(20_000, 20_200)])
    after = shared.points(run, "loss", width=500)
    assert after.step[: len(before.step) - 1].tolist() == before.step[:-1].tolist()


def test_the_infinities_of_a_bucket_are_counted(shared: Store) -> None:
    values = [math.inf, -math.inf, math.inf, math.nan] + [1.0] * 96
    run = new_run(shared, [(step, 0.0, value) for step, value in enumerate(values)])
    thin = shared.points(run, "loss", width=4)
    assert thin.pos_inf_count is not None and thin.neg_inf_count is not None
    assert (thin.pos_inf_count[0], thin.neg_inf_count[0]) == (2, 1)
    assert thin.pos_inf_count.sum() == 2


def test_nothing_in_the_window_is_an_empty_answer(shared: Store) -> None:
    run = new_run(shared, [(0, 0.0, 1.0), (10, 1.0, 2.0)])
    for width in (None, 5):
        found = shared.points(run, "loss", window=(3, 7), width=width)
        assert (len(found.step), found.exact, found.total) == (0, True, 0)
    assert len(shared.points(run, "loss", window=(-math.inf, math.inf)).step) == 2
    assert len(shared.points(run, "loss", window=(-(10**30), 10**30)).step) == 2
    assert len(shared.points(run, "loss", window=(2**63, 10**30), width=5).step) == 0
    assert len(shared.points_since(run, "loss", 2).step) == 0


def test_one_point_is_shown_as_it_is(shared: Store) -> None:
    run = new_run(shared, [(7, 1.0, math.nan)])
    found = shared.points(run, "loss", width=1)
    assert (found.step.tolist(), found.exact) == ([7], True)


def test_a_bad_question_is_refused(shared: Store) -> None:
    run = new_run(shared, [(0, 0.0, 1.0)])
    with pytest.raises(ValueError, match="axis must be one of step, wall, relative"):
        shared.points(run, "loss", axis="epoch")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="width must be at least 1"):
        shared.points(run, "loss", width=0)


def test_a_hundred_thousand_points_are_thinned_without_a_wait(shared: Store) -> None:
    run = new_run(shared, [(step, step * 0.1, math.sin(step)) for step in range(100_000)], 100_000)
    assert len(shared.points(run, "loss", width=1000).step) <= 2000
    once_within(0.1, lambda: shared.points(run, "loss", width=1000))  # 4 ms on an idle core
