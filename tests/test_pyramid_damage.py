"""Damaged chunks of points and of levels: what can be told still is, and what is lost is counted."""

from __future__ import annotations

import numpy as np
import pytest
from pyramid_points import append, assert_tells, new_run, some_points
from sqlalchemy import delete, update

from trainboard.storage import Store, open_store
from trainboard.storage.pyramid import FAN_OUT, LEVEL_CHUNK
from trainboard.storage.schema import chunks


@pytest.fixture(scope="module")
def shared(shared_store_url: str) -> Store:
    return open_store(shared_store_url, create=True)


def damage(store: Store, run: str, level: int, start: int) -> None:
    """Overwrite a stored chunk with bytes that are none."""
    which = (chunks.c.run_id == run) & (chunks.c.level == level) & (chunks.c.start == start)
    with store.writing() as connection:
        assert connection.execute(update(chunks).where(which).values(data=b"\x02torn")).rowcount == 1


def test_a_damaged_chunk_of_points_costs_its_own_points_and_they_are_counted(shared: Store) -> None:
    points = some_points("in order", 20_000, 5)
    run = new_run(shared, points)
    damage(shared, run, 0, 4096)
    readable = np.delete(points.steps, np.s_[4096:8192])
    for found in (shared.points(run, "loss"), shared.points_since(run, "loss", 0)):
        assert (found.unreadable, found.total) == (4096, 20_000)
        assert found.step.tolist() == readable.tolist()
    assert shared.points_since(run, "loss", 5000).unreadable == 8192 - 5000
    whole = shared.points(run, "loss", width=100)
    assert whole.total == 20_000 and whole.unreadable == 0  # the buckets above tell them still
    window = (int(points.steps[8000]), int(points.steps[8300]))
    part = shared.points(run, "loss", window=window, width=500)
    assert part.step.tolist() == points.steps[8192:8301].tolist()
    assert 192 <= part.unreadable <= 192 + FAN_OUT
    assert shared.points(run, "loss", window=(int(points.steps[9000]), 10**6)).unreadable == 0


def test_a_damaged_open_chunk_is_counted_too(shared: Store) -> None:
    points = some_points("in order", 4096 + 100, 5)
    run = new_run(shared, points)
    damage(shared, run, 0, 4096)
    found = shared.points(run, "loss", width=3000)
    assert (found.unreadable, found.total, len(found.step)) == (100, 4196, found.total - 100)


@pytest.mark.parametrize(("level", "start"), [(1, 0), (1, 2 * LEVEL_CHUNK), (2, 0)])
def test_where_a_level_is_damaged_the_one_below_answers(shared: Store, level: int, start: int) -> None:
    points = some_points("in order", 60_000, 5)
    run = new_run(shared, points)
    damage(shared, run, level, start)
    for window in (None, (int(points.steps[20_000]), int(points.steps[59_000]))):
        found = shared.points(run, "loss", window=window, width=40)
        held = points if window is None else points.take(slice(20_000, 59_001))
        assert found.count is not None and found.unreadable == 0
        assert found.total == len(held.steps)
        stops = np.cumsum(found.count).tolist()
        for at, stop in enumerate(stops):
            assert_tells(found, at, held.take(slice(stop - int(found.count[at]), stop)))


def test_a_damaged_open_level_does_not_keep_points_out(shared: Store) -> None:
    points = some_points("in order", 60_000, 5)
    run = new_run(shared, points.take(slice(0, 30_000)))
    damage(shared, run, 1, LEVEL_CHUNK)
    append(shared, run, points.take(slice(30_000, None)), [])
    found = shared.points(run, "loss", width=40)
    assert (found.total, found.unreadable) == (60_000, 0)
    assert found.nan_count is not None
    assert found.nan_count.sum() == np.count_nonzero(np.isnan(points.values))


def test_a_level_that_is_lost_altogether_is_missed_by_nobody(shared: Store) -> None:
    points = some_points("resumed", 40_000, 5)
    run = new_run(shared, points)
    before = shared.points(run, "loss", width=60)
    with shared.writing() as connection:
        connection.execute(delete(chunks).where(chunks.c.run_id == run, chunks.c.level == 1))
    after = shared.points(run, "loss", width=60)
    assert after.count is not None and before.count is not None
    assert after.total == before.total and after.minimum is not None and before.minimum is not None
    assert np.nanmin(after.minimum) == np.nanmin(before.minimum)
