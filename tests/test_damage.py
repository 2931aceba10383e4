"""A damaged chunk costs its own points and no others, and a series that has one goes on growing."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from trainboard.storage import Store, open_store
from trainboard.storage.append import append_points
from trainboard.storage.chunks import CHUNK_POINTS, Columns, decode, encode
from trainboard.storage.run_rows import load_run
from trainboard.storage.series import SeriesKey

LOSS = SeriesKey(0, "scalar", "loss")


def append(store: Store, steps: range) -> None:
    with store.writing() as connection:
        load_run(connection, "run")
        walls = np.array(steps, np.float64)
        append_points(connection, "run", {LOSS: Columns(np.array(steps), walls, walls / 2)})


def damage(store: Store, where: str) -> None:
    with sqlite3.connect(store.url.removeprefix("sqlite:///")) as database:
        assert database.execute(f"UPDATE chunks SET data = x'00' WHERE {where}").rowcount


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(tmp_path / "store.db", create=True)
    yield opened
    opened.close()


def test_a_series_goes_on_after_a_damaged_open_chunk(store: Store) -> None:
    append(store, range(100))
    append(store, range(100, 110))
    damage(store, "start = 100")
    for at in range(110, 10_000, 15):
        append(store, range(at, at + 15))
    points = store.points("run", "loss")
    expected = [*range(100), *range(110, points.step[-1] + 1)]
    assert points.step.tolist() == expected
    assert points.value.tolist() == [step / 2 for step in expected]
    assert store.run("run").damaged == 10
    assert store.series("run")[0].count == len(expected)
    assert store.points("run", "loss", width=50).total == len(expected)


def test_two_damaged_open_chunks_of_a_series_are_both_set_aside(store: Store) -> None:
    append(store, range(3))
    damage(store, "level = 0")
    append(store, range(3, 9))
    damage(store, "level = 0")
    append(store, range(9, 30))
    assert store.points("run", "loss").step.tolist() == list(range(9, 30))
    assert store.run("run").damaged == 9


def test_a_damaged_open_chunk_among_those_that_are_sealed_leaves_whole_levels(store: Store) -> None:
    append(store, range(3_000))
    append(store, range(3_000, 3_500))
    damage(store, "start = 3000")
    append(store, range(3_500, 50_000))
    points = store.points("run", "loss")
    assert len(points.step) == 49_500
    thinned = store.points("run", "loss", width=20)
    assert (thinned.total, thinned.unreadable) == (49_500, 0)
    assert 49_500 % CHUNK_POINTS


def test_a_flipped_bit_never_yields_a_wrong_number() -> None:
    noise = np.random.default_rng(0).normal(size=(2, CHUNK_POINTS))
    for count in (10, CHUNK_POINTS):  # packed quickly, and well
        points = Columns(np.arange(count), *noise[:, :count])
        data = encode(points)
        for bit in np.linspace(0, 8 * len(data) - 1, 200).astype(int).tolist():
            flipped = bytearray(data)
            flipped[bit // 8] ^= 1 << bit % 8
            with contextlib.suppress(ValueError):
                for read, column in zip(decode(bytes(flipped), count), points, strict=True):
                    assert np.array_equal(read, column)
