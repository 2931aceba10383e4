"""Columns of points survive their packing bit for bit, and pack well."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sqlalchemy import select

from trainboard.storage import Store, open_store
from trainboard.storage.append import append_points
from trainboard.storage.chunks import CHUNK_POINTS, Columns, decode, encode
from trainboard.storage.run_rows import load_run
from trainboard.storage.schema import chunks
from trainboard.storage.series import SeriesKey

KEY = SeriesKey(0, "scalar", "loss")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(tmp_path / "store.db", create=True)


def append(store: Store, points: Columns) -> None:
    with store.writing() as connection:
        load_run(connection, "run")
        append_points(connection, "run", {KEY: points})


def chunk_sizes(store: Store) -> list[int]:
    with store.reading() as connection:
        return list(
            connection.scalars(select(chunks.c.count).where(chunks.c.level == 0).order_by(chunks.c.start))
        )


def ramp(start: int, count: int) -> Columns:
    steps = np.arange(start, start + count)
    times = steps.astype(np.float64)
    return Columns(steps, times * 0.01, np.sin(times * 0.001))


@settings(deadline=None)
@given(data=st.data(), count=st.integers(1, 200))
def test_any_bits_come_back_as_they_were(data: st.DataObject, count: int) -> None:
    any_bits = arrays(np.uint64, count, elements=st.integers(0, 2**64 - 1))
    bits = [data.draw(any_bits) for _ in range(3)]
    columns = Columns(bits[0].view(np.int64), bits[1].view(np.float64), bits[2].view(np.float64))
    back = decode(encode(columns), count)
    assert [column.tobytes() for column in back] == [column.tobytes() for column in columns]
    assert (back.steps.dtype, back.values.dtype) == (np.int64, np.float64)


def test_a_noisy_curve_takes_fewer_than_nine_bytes_a_point() -> None:
    generator = np.random.default_rng(0)
    steps = np.arange(CHUNK_POINTS)
    walls = 1.8e9 + steps * 0.25 + generator.uniform(0, 0.01, CHUNK_POINTS)
    losses = (1 / np.sqrt(steps + 1) + generator.normal(0, 0.01, CHUNK_POINTS)).astype(np.float32)
    assert len(encode(Columns(steps, walls, losses.astype(np.float64)))) < 9 * CHUNK_POINTS


@pytest.mark.parametrize("data", [b"", b"\x02abc", b"\x01not zstd"])
def test_bytes_that_are_no_chunk_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="chunk"):
        decode(data, 5)


def test_points_that_trickle_in_one_by_one_make_few_chunks(store: Store) -> None:
    for step in range(300):
        append(store, ramp(step, 1))
        assert len(chunk_sizes(store)) <= math.log2(step + 1) + 1
    assert store.points("run", "loss").step.tolist() == list(range(300))


def test_chunks_are_sealed_at_their_size_however_points_arrive(store: Store) -> None:
    for start, count in ((0, 4000), (4000, 50), (4050, 46), (4096, 10_000), (14_096, 1)):
        append(store, ramp(start, count))
    sizes = chunk_sizes(store)
    assert sizes[:3] == [CHUNK_POINTS] * 3
    assert sum(sizes) == 14_097
    assert store.points("run", "loss").value.tobytes() == ramp(0, 14_097).values.tobytes()


@settings(deadline=None, max_examples=25)
@given(sizes=st.lists(st.integers(1, 6000), min_size=1, max_size=12))
def test_any_batches_add_up_to_the_same_series(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int]
) -> None:
    store = open_store(tmp_path_factory.mktemp("batches") / "store.db", create=True)
    at = 0
    for size in sizes:
        append(store, ramp(at, size))
        at += size
    (series,) = store.series("run")
    assert (series.count, series.first_step, series.last_step) == (at, 0, at - 1)
    assert store.points("run", "loss").value.tobytes() == ramp(0, at).values.tobytes()
    full = [size for size in chunk_sizes(store) if size == CHUNK_POINTS]
    assert len(full) == at // CHUNK_POINTS
    assert store.points_since("run", "loss", at // 2).step.tolist() == list(range(at // 2, at))
    store.close()


@settings(deadline=None, max_examples=50)
@given(
    values=st.lists(st.floats(width=64), min_size=1, max_size=40),
    steps=st.lists(st.integers(-(2**63), 2**63 - 1) | st.integers(0, 3), min_size=40, max_size=40),
    cut=st.integers(1, 40),
)
def test_a_summary_is_what_one_would_compute_from_all_points(
    values: list[float], steps: list[int], cut: int
) -> None:
    from trainboard.storage.summary import add_points, empty_row

    steps = steps[: len(values)]
    row: dict[str, Any] = empty_row("run", KEY)
    for part in (slice(0, cut), slice(cut, None)):
        if values[part]:
            some = np.array(values[part], np.float64)
            add_points([row], [Columns(np.array(steps[part], np.int64), np.zeros(len(some)), some)])
    numbers = [value for value in values if not math.isnan(value)]
    finite = [value for value in numbers if not math.isinf(value)]
    last = max(range(len(steps)), key=lambda at: (steps[at], at))
    assert row["last"] == (None if math.isnan(values[last]) else values[last])
    assert row["minimum"] == min(numbers, default=None)
    assert row["maximum"] == max(numbers, default=None)
    if numbers:
        assert row["min_step"] == steps[values.index(min(numbers))]
        assert row["max_step"] == steps[values.index(max(numbers))]
    assert (row["finite_count"], row["nan_count"]) == (len(finite), len(values) - len(numbers))
    if finite:
        mean = math.fsum(value / len(finite) for value in finite)
        scale = max(abs(value) for value in finite)
        assert row["mean"] == pytest.approx(mean, abs=1e-12 * scale + 1e-320)
