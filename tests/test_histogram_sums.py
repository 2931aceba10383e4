"""Histograms merged by zoom level, and how far two are apart."""

from __future__ import annotations

import time

import numpy as np
import pytest
from dashboard_fixtures import log_run

import trainboard as tb
from trainboard.dashboard.cards.histogram_steps import StepAxis, chooser
from trainboard.dashboard.merged_histograms import MergedHistograms
from trainboard.storage import SeriesRecord, Store
from trainboard.storage.kinds.histogram import Histogram
from trainboard.storage.kinds.histogram_distance import wasserstein
from trainboard.storage.kinds.histogram_sums import total

RANDOM = np.random.default_rng(3)
STEPS = 150


@pytest.fixture
def series(store: Store) -> SeriesRecord:
    """``STEPS`` histograms, that of step n of the values n and NaN."""
    run = log_run(store, "long", [{"w": tb.Histogram([step, np.nan])} for step in range(STEPS)])
    return store.series(run, kind="histogram")[0]


def test_a_sum_of_many_is_what_merging_them_one_by_one_gives() -> None:
    values = [RANDOM.normal(0, 10.0**scale, 50) for scale in range(-3, 3)] + [
        [np.inf, -np.inf, np.nan, 0],
        [],
    ]
    histograms = [tb.Histogram(one) for one in values]
    added, expected = total(histograms), Histogram()
    for one in histograms:
        expected = expected.merge(one)
    assert added.buckets.tolist() == expected.buckets.tolist()
    assert added.counts.tolist() == expected.counts.tolist()
    assert added.moments[:7] == expected.moments[:7]
    assert added.sum == pytest.approx(expected.sum)
    assert total([]).count == 0 and np.isnan(total([]).minimum)


def test_every_step_is_in_the_picture_however_few_columns_it_has(store: Store, series: SeriesRecord) -> None:
    merged = MergedHistograms(store)
    for most in (1, 7, 40, 128, 5_000):
        columns = merged.read(series, most).columns
        assert len(columns) <= most
        assert sum(column.value.finite_count for column in columns) == STEPS
        assert sum(column.value.nans for column in columns) == STEPS
        assert [columns[0].first_step, columns[-1].step] == [0, STEPS - 1]


def test_zooming_in_ends_at_single_steps(store: Store, series: SeriesRecord) -> None:
    merged = MergedHistograms(store)
    within = merged.read(series, 128, chooser("30,70.5", StepAxis()))
    assert [column.records for column in within.columns] == [1] * 41
    assert [column.value.maximum for column in within.columns] == list(range(30, 71))
    assert merged.at(series, 90).columns[0].step == 90
    assert merged.read(series, 128, chooser("800,900", StepAxis())).columns == []


def test_late_and_new_steps_are_added(store: Store) -> None:
    with tb.init(project="digits", name="late", store=store.url) as run:
        merged = MergedHistograms(store)
        for step in [*range(0, 200, 2), 31, *range(200, 240, 2)]:
            run.log({"w": tb.Histogram([step])}, step=step)
            if step in (198, 31):
                run.flush()
                _check_total(merged, store.series(run.id, kind="histogram")[0])
        run.flush()
        _check_total(merged, store.series(run.id, kind="histogram")[0])


def _check_total(merged: MergedHistograms, series: SeriesRecord) -> None:
    columns = merged.read(series, 4).columns
    assert sum(column.value.count for column in columns) == series.count
    assert all(
        column.first_step <= column.value.minimum <= column.value.maximum <= column.step for column in columns
    )


def test_what_cannot_be_read_in_time_is_read_when_asked_again(store: Store, series: SeriesRecord) -> None:
    merged = MergedHistograms(store)
    assert merged.read(series, 10, until=time.monotonic() - 1).columns == []
    assert len(merged.read(series, 10).columns) > 0
    assert len(merged.read(series, 10, until=time.monotonic() - 1).columns) > 0


def test_sums_that_do_not_fit_memory_are_made_again(store: Store, series: SeriesRecord) -> None:
    merged = MergedHistograms(store, capacity_bytes=2_000)
    for _ in range(2):
        assert sum(column.value.finite_count for column in merged.read(series, 10).columns) == STEPS


PAIRS = {
    "moved": (RANDOM.normal(0, 1, 4_000), RANDOM.normal(3, 1, 4_000)),
    "wider": (RANDOM.normal(0, 1, 4_000), RANDOM.normal(0, 5, 3_000)),
    "skewed": (RANDOM.exponential(1, 4_000), RANDOM.normal(-1, 0.1, 100)),
    "mostly zero": (np.maximum(RANDOM.normal(0, 1, 4_000), 0), np.zeros(10)),
    "single values": (np.array([2.0]), np.array([5.0])),
}


@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS)
def test_the_distance_is_that_of_the_values_within_its_bound(pair: tuple[np.ndarray, np.ndarray]) -> None:
    one, other = (np.sort(values) for values in pair)
    places = np.sort(np.concatenate((one, other)))
    below = [np.searchsorted(values, places[:-1], side="right") / len(values) for values in (one, other)]
    exact = float(np.abs(below[0] - below[1]) @ np.diff(places))
    found = wasserstein(tb.Histogram(one), tb.Histogram(other))
    assert abs(found.value - exact) <= found.bound + 1e-9
    assert found.bound <= (np.abs(one).mean() + np.abs(other).mean()) / 16 + 1e-12
    assert wasserstein(tb.Histogram(other), tb.Histogram(one)).value == pytest.approx(found.value)


def test_no_distance_to_what_has_no_finite_values() -> None:
    assert np.isnan(wasserstein(tb.Histogram([np.nan]), tb.Histogram([1.0])).value)
    assert wasserstein(tb.Histogram([1.0, 2.0]), tb.Histogram([1.0, 2.0])).value == 0
