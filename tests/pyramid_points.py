"""Points in a store, and what a picture of them must tell."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from trainboard.storage import Points, Store
from trainboard.storage.append import append_points
from trainboard.storage.buckets import FIELDS, Buckets
from trainboard.storage.chunks import Columns
from trainboard.storage.run_rows import load_run
from trainboard.storage.series import SeriesKey

KEY = SeriesKey(0, "scalar", "loss")


def steps_in(order: str, count: int, generator: np.random.Generator) -> NDArray[np.int64]:
    steps = np.arange(count) * 3 - count
    if order == "repeated":
        return steps // 500
    if order == "resumed":
        steps[count // 2 :] -= count
    if order == "late":
        steps[generator.integers(0, count, 5)] -= 2 * count
    if order == "shuffled":
        generator.shuffle(steps)
    if order == "huge":
        steps = np.sort(generator.integers(-(2**63), 2**63 - 1, count))
    return steps


def some_points(order: str, count: int, seed: int) -> Columns:
    """Points with NaN, infinities and very large values among them, their clock set back once."""
    generator = np.random.default_rng(seed)
    walls = 1e9 + np.arange(count) * 0.25 + generator.random(count) * 0.1
    walls[count // 3 :] -= 20.0
    values = generator.normal(size=count)
    for special in (math.nan, math.inf, -math.inf, 1.7e308):
        values[generator.integers(0, count, count // 50)] = special
    values[: count // 100] = math.nan
    return Columns(steps_in(order, count, generator), walls, values)


def append(store: Store, run: str, points: Columns, cuts: list[int]) -> None:
    ends = sorted({min(cut, len(points.steps)) for cut in cuts} | {len(points.steps)})
    for start, end in zip([0, *ends], ends, strict=False):
        if end > start:
            with store.writing() as connection:
                load_run(connection, run)
                append_points(connection, run, {KEY: points.take(slice(start, end))})


def new_run(store: Store, points: Columns, cuts: list[int] | None = None) -> str:
    run = f"run-{len(store.runs())}"
    append(store, run, points, cuts or [])
    return run


def assert_tells(told: Buckets | Points, at: int, points: Columns) -> None:
    """Entry ``at`` of buckets is what one would compute from the points it stands for."""
    if isinstance(told, Points):
        names = ("minimum", "maximum", "mean", "nan_count", "pos_inf_count", "neg_inf_count", "count")
        entry = {name: getattr(told, name)[at] for name in names}
    else:
        kinds = {"floats": FIELDS[4:13], "ints": FIELDS[:4] + FIELDS[13:]}
        entry = {name: getattr(told, kind)(name)[at] for kind, names in kinds.items() for name in names}
        for name, column in (("step", points.steps), ("wall", points.walls)):
            ends = (entry[f"first_{name}"], entry[f"last_{name}"], entry[f"min_{name}"], entry[f"max_{name}"])
            assert ends == (column[0], column[-1], column.min(), column.max())
        assert entry["first"].tobytes() == points.values[0].tobytes()
        assert entry["last"].tobytes() == points.values[-1].tobytes()
    values = points.values
    numbers, finite = values[~np.isnan(values)], values[np.isfinite(values)]
    assert entry["count"] == len(values)
    assert entry["nan_count"] == len(values) - len(numbers)
    assert (entry["pos_inf_count"], entry["neg_inf_count"]) == (
        np.count_nonzero(values == np.inf),
        np.count_nonzero(values == -np.inf),
    )
    extremes = (numbers.min(), numbers.max()) if len(numbers) else (np.nan, np.nan)
    assert np.array_equal((entry["minimum"], entry["maximum"]), extremes, equal_nan=True)
    mean = math.fsum(finite / len(finite)) if len(finite) else math.nan
    assert entry["mean"] == pytest.approx(
        mean, rel=1e-9, abs=1e-9 * np.abs(finite).max(initial=0), nan_ok=True
    )
