"""The levels above a series tell its points truly, whatever order they came in, and queries stay bounded."""

from __future__ import annotations

import cProfile
import pstats
import sqlite3
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pyramid_points import append, assert_tells, new_run, some_points
from sqlalchemy import select

from trainboard.storage import Points, Store, buckets, open_store
from trainboard.storage.buckets import Buckets
from trainboard.storage.chunks import CHUNK_POINTS, Columns
from trainboard.storage.pyramid import FAN_OUT, LEVEL_CHUNK, level_lengths
from trainboard.storage.schema import chunks


@pytest.fixture(scope="module")
def shared(shared_store_url: str) -> Store:
    return open_store(shared_store_url, create=True)


ORDERS = ("in order", "repeated", "resumed", "late", "shuffled", "huge")
AXES = st.sampled_from(["step", "wall", "relative"])


def stored_level(store: Store, run: str, level: int) -> list[tuple[int, Buckets]]:
    """The chunks of a level: their starts and what they hold."""
    query = select(chunks.c.start, chunks.c.count, chunks.c.data)
    query = query.where(chunks.c.run_id == run, chunks.c.level == level).order_by(chunks.c.start)
    with store.reading() as connection:
        return [
            (start, buckets.decode(data, count, FAN_OUT**level))
            for start, count, data in connection.execute(query)
        ]


def place_of(points: Columns | Points, axis: str, origin: float) -> NDArray[Any]:
    if isinstance(points, Points):
        points = Columns(points.step, points.wall_time, points.value)
    return points.steps if axis == "step" else points.walls - (origin if axis == "relative" else 0.0)


@settings(deadline=None, max_examples=12)
@given(
    order=st.sampled_from(ORDERS),
    count=st.integers(4_000, 40_000) | st.integers(260_000, 300_000),
    seed=st.integers(0, 10**6),
    cuts=st.lists(st.integers(1, 40_000), max_size=6),
)
def test_every_stored_bucket_agrees_with_the_points_it_stands_for(
    shared: Store, order: str, count: int, seed: int, cuts: list[int]
) -> None:
    points = some_points(order, count, seed)
    run = new_run(shared, points, cuts)
    lengths = level_lengths(count - count % CHUNK_POINTS)
    generator = np.random.default_rng(seed)
    for level, length in enumerate(lengths, 1):
        stored = stored_level(shared, run, level)
        assert [start for start, _ in stored] == list(range(0, length, LEVEL_CHUNK))
        assert sum(len(part) for _, part in stored) == length
        for number in generator.integers(0, length, 20).tolist():
            start, part = stored[number // LEVEL_CHUNK]
            size = FAN_OUT**level
            assert_tells(part, number - start, points.take(slice(number * size, (number + 1) * size)))
    assert stored_level(shared, run, len(lengths) + 1) == []


@settings(deadline=None, max_examples=40)
@given(
    order=st.sampled_from(("in order", "repeated", "huge")),
    count=st.integers(2, 60_000),
    seed=st.integers(0, 10**6),
    width=st.integers(1, 400),
    window=st.none() | st.tuples(st.floats(-0.2, 1.2), st.floats(-0.2, 1.2)),
)
def test_a_picture_of_points_in_order_covers_each_point_of_its_window_once(
    shared: Store,
    order: str,
    count: int,
    seed: int,
    width: int,
    window: tuple[float, float] | None,
) -> None:
    points = some_points(order, count, seed)
    run = new_run(shared, points)
    if window:
        first, last = int(points.steps[0]), int(points.steps[-1])
        low, high = (first + int(part * 1024) * ((last - first) // 1024) for part in sorted(window))
        low, high = max(low, -(2**63)), min(high, 2**63 - 1)
        points = points.take((points.steps >= low) & (points.steps <= high))
        window = (low, high)
    found = shared.points(run, "loss", window=window, width=width)
    assert found.total == len(points.steps)
    assert found.exact == (len(points.steps) <= 2 * width)
    if found.exact:
        assert found.step.tolist() == points.steps.tolist()
        assert found.value.tobytes() == points.values.tobytes()
        return
    assert found.count is not None
    assert 2 <= len(found.step) <= 2 * width
    stops = np.cumsum(found.count)
    assert stops[-1] == len(points.steps)
    for at, stop in enumerate(stops.tolist()):
        assert_tells(found, at, points.take(slice(stop - int(found.count[at]), stop)))
    shown = np.concatenate(([0], stops[1:] - 1))
    assert found.step.tolist() == points.steps[shown].tolist()
    assert found.wall_time.tolist() == points.walls[shown].tolist()
    assert found.value.tobytes() == points.values[shown].tobytes()


@settings(deadline=None, max_examples=60)
@given(
    order=st.sampled_from(ORDERS),
    count=st.integers(2, 60_000),
    seed=st.integers(0, 10**6),
    width=st.integers(1, 400),
    axis=AXES,
    window=st.none() | st.tuples(st.floats(0, 1), st.floats(0, 1)),
)
def test_a_picture_of_points_in_any_order_tells_each_of_them_once(
    shared: Store,
    order: str,
    count: int,
    seed: int,
    width: int,
    axis: Any,
    window: tuple[float, float] | None,
) -> None:
    points = some_points(order, count, seed)
    run = new_run(shared, points)
    origin = shared.run(run).created_at
    places = np.sort(place_of(points, axis, origin))
    if window:
        low, high = (places[int(part * (count - 1))].item() for part in sorted(window))
        held = place_of(points, axis, origin)
        points = points.take((held >= low) & (held <= high))
        window = (low, high)
    every = shared.points(run, "loss", axis=axis, window=window)
    ordered = points.take(np.argsort(place_of(points, axis, origin), kind="stable"))
    assert every.exact and every.step.tolist() == ordered.steps.tolist()
    assert every.value.tobytes() == ordered.values.tobytes()
    found = shared.points(run, "loss", axis=axis, window=window, width=width)
    assert found.total == len(points.steps)
    assert found.exact == (found.total <= 2 * width)
    assert len(found.step) <= 2 * width
    for end in (0, -1):
        assert (found.step[end], found.wall_time[end]) == (ordered.steps[end], ordered.walls[end])
        assert found.value[end].tobytes() == ordered.values[end].tobytes()
    shown = place_of(found, axis, origin)
    assert np.all(shown[:-1] <= shown[1:])
    if found.exact:
        assert found.value.tobytes() == ordered.values.tobytes()
        return
    assert found.count is not None and found.minimum is not None and found.maximum is not None
    assert found.nan_count is not None and found.mean is not None
    assert found.count.sum() == len(points.steps)
    assert found.nan_count.sum() == np.count_nonzero(np.isnan(points.values))
    assert np.fmin.reduce(found.minimum) == np.fmin.reduce(points.values)
    assert np.fmax.reduce(found.maximum) == np.fmax.reduce(points.values)


def chunks_decoded(store: Store, run: str, **view: Any) -> int:
    """How many chunks a query unpacks."""
    profile = cProfile.Profile()
    profile.runcall(store.points, run, "loss", **view)
    calls = {name: count for (_, _, name), (count, *_) in pstats.Stats(profile).stats.items()}  # type: ignore[attr-defined]
    return calls["unpack"]


@pytest.mark.parametrize(
    ("order", "limit"), [*((order, 16) for order in ORDERS[:3]), ("late", 30), ("huge", 16)]
)
def test_what_a_query_reads_does_not_grow_with_the_series(shared: Store, order: str, limit: int) -> None:
    count = 600_000
    run = new_run(shared, some_points(order, count, 1))
    ordered = np.sort(shared.points(run, "loss").step)
    for part in ((0.0, 1.0), (0.3, 0.7), (0.5, 0.501), (0.9, 1.0)):
        window = tuple(int(ordered[int(end * (count - 1))]) for end in part)
        assert chunks_decoded(shared, run, width=100, window=window) <= limit


def test_points_in_no_order_at_all_are_told_within_bounds(shared: Store) -> None:
    count = 2_000_000
    points = some_points("shuffled", count, 1)
    run = new_run(shared, points)
    assert chunks_decoded(shared, run, width=100) <= 200
    whole = shared.points(run, "loss", width=100)
    assert whole.total == count and whole.count is not None and whole.count.sum() == count
    assert (whole.step[0], whole.step[-1]) == (points.steps.min(), points.steps.max())
    low, high = -count, 0
    assert chunks_decoded(shared, run, width=100, window=(low, high)) <= 500
    part = shared.points(run, "loss", width=100, window=(low, high))
    held = np.count_nonzero((points.steps >= low) & (points.steps <= high))
    assert part.total == pytest.approx(held, rel=0.02) and not part.exact
    assert part.step.min() >= low and part.step.max() <= high
    assert shared.points(run, "loss", window=(low, high)).total == held


def test_wall_times_that_are_no_numbers_are_counted_all_the_same(shared: Store) -> None:
    points = some_points("in order", 50_000, 3)
    points.walls[[7, 30_000, 49_999]] = np.nan
    run = new_run(shared, points)
    found = shared.points(run, "loss", axis="wall", width=50)
    assert found.total == 50_000
    finite = points.take(~np.isnan(points.walls))
    window = (float(finite.walls.min()), float(finite.walls.max()))
    assert shared.points(run, "loss", axis="wall", width=50, window=window).total == 49_997


def test_buckets_come_back_from_their_bytes_bit_for_bit() -> None:
    made = buckets.merge(buckets.of_points(some_points("late", 8_000, 2)), np.arange(0, 8_000, FAN_OUT))
    assert buckets.decode(buckets.encode(made), len(made), FAN_OUT).table.tobytes() == made.table.tobytes()
    with pytest.raises(ValueError, match="format"):
        buckets.decode(b"\x02", 1, 16)


def test_a_noisy_curve_takes_less_than_eight_bytes_a_point_levels_included(tmp_path: Any) -> None:
    generator = np.random.default_rng(0)
    count = 200_000
    steps = np.arange(count)
    walls = 1.8e9 + np.cumsum(0.05 * np.exp(generator.normal(0, 0.1, count)))
    losses = (0.3 + 2 * np.exp(-steps / 2e4)) * np.exp(generator.normal(0, 0.08, count))
    points = Columns(steps, walls, losses.astype(np.float32).astype(np.float64))
    store = open_store(tmp_path / "store.db", create=True)
    append(store, "run", points, list(range(0, count, 997)))
    store.close()
    with sqlite3.connect(tmp_path / "store.db") as database:
        (size,) = database.execute(
            "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
        ).fetchone()
        (free,) = database.execute(
            "SELECT freelist_count * page_size FROM pragma_freelist_count, pragma_page_size"
        ).fetchone()
    assert (size - free) / count < 8
    assert store.points("run", "loss").value.tobytes() == points.values.tobytes()
