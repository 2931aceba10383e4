"""Values, configs and runs that are too large for a store or for a disk: training goes on, and is told."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from logged import stored, warned

import trainboard as tb
from trainboard.loggers import convert, plain
from trainboard.loggers import spool as spool_module
from trainboard.loggers.run import Run


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    run = tb.init(store=tmp_path / "store.db")
    run.log({"before": 1.0})
    yield run
    run.finish()


def test_a_record_too_large_for_any_store_is_refused_and_blocks_nothing(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(convert, "MAX_PAYLOAD", 1 << 20)
    texts = warned(lambda: run.log({"huge": tb.Text("a" * (1 << 20)), "small": tb.Text("a")}))
    assert texts == ["trainboard: 'huge': not logged, because it is 1 MiB, and a record may be 1 MiB"]
    assert "small" in {series.tag for series in stored(run).series(run.id)}


def test_a_huge_value_is_refused_without_a_copy_of_it(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(convert, "MAX_PAYLOAD", 1 << 20)
    huge = {"text": tb.Text("a" * (64 << 20)), "list": ["a"] * (1 << 20), "bytes": b"a" * (64 << 20)}
    tracemalloc.start()
    try:
        texts = warned(lambda: [run.log(huge) for _ in range(3)])
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()
    assert len(texts) == 3 and all(len(text) < 300 for text in texts)


@pytest.mark.parametrize(
    ("make", "shape", "dtype"),
    [
        (tb.Image, (1 << 15, 1 << 16), np.uint8),
        (tb.Video, (1 << 11, 1 << 10, 1 << 10, 1), np.uint8),
        (tb.Audio, (1 << 29,), np.float32),
    ],
)
def test_media_of_two_gigabytes_are_refused_before_they_are_encoded(
    run: Run, make: Callable[[Any], Any], shape: tuple[int, ...], dtype: Any
) -> None:
    huge = np.broadcast_to(np.zeros(1, dtype), shape)  # it takes no memory itself
    tracemalloc.start()
    try:
        texts = warned(lambda: run.log({"huge": make(huge), "small": 1.0}))
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()
    expected = "not logged, because it is 2048 MiB, and an array may be 400 MiB"
    assert texts == [f"trainboard: 'huge': {expected}"]
    assert stored(run).points(run.id, "small").total == 2


def test_a_config_of_gigabytes_is_refused_and_blocks_nothing(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plain, "MAX_DETAILS", 1 << 20)
    weights = "a" * (1 << 20)
    texts = warned(lambda: run.config.update(weights=weights))
    most = "what is set at once in a config or summary may be 1 MiB"
    assert texts == [f"trainboard: not logged, because it is 1 MiB, and {most}"]
    with pytest.raises(ValueError, match=most):
        tb.init(config={"weights": weights})
    run.config.lr = 0.1
    config = stored(run).run(run.id).config
    assert config["lr"] == 0.1 and "weights" not in config


def test_a_full_disk_drops_counts_and_warns_once(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool_module, "_RETRY_SECONDS", 0.0)
    assert run.flush(60)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 19, hard))
    try:
        texts = warned(lambda: [run.log({"a": 1.0, "b": 2.0}) for _ in range(20_000)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert sum("cannot grow" in text for text in texts) == 1
    run.log({"after": 1.0})
    store = stored(run)
    kept, dropped = store.points(run.id, "a").total, store.run(run.id).dropped
    assert dropped > 0 and 2 * kept + dropped == 80_000
    assert {series.tag for series in store.series(run.id)} == {"before", "a", "b", "after"}


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small file system needs root")
def test_a_full_file_system_never_ends_the_program(tmp_path: Path) -> None:
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", tmp_path], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("this machine does not let tests mount a file system")
    code = """
import sys, trainboard as tb
run = tb.init(id="r", store=sys.argv[1], mode="offline")
for number in range(200_000):
    run.log({"a": float(number)})
run.finish()
"""
    try:
        result = subprocess.run(
            [sys.executable, "-c", code, tmp_path / "s.db"], capture_output=True, text=True
        )
        assert result.returncode == 0, result.stderr
        assert result.stderr.count("cannot grow") == 1
    finally:
        subprocess.run(["umount", tmp_path], check=True)
