"""Whatever is passed to log(): one warning per cause, never an exception, never a lost earlier point."""

from __future__ import annotations

import math
import os
import resource
import subprocess
import sys
import threading
import tracemalloc
import warnings
from collections.abc import Callable, Iterator
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import trainboard as tb
from trainboard.loggers import convert
from trainboard.loggers import spool as spool_module
from trainboard.loggers.run import Run
from trainboard.storage.store import Store


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    run = tb.init(store=tmp_path / "store.db")
    run.log({"before": 1.0})
    yield run
    run.finish()


def stored(run: Run) -> Store:
    run.finish()
    return tb.open_store(run.store)


def tags(run: Run) -> set[str]:
    return {series.tag for series in stored(run).series(run.id)}


def warned(act: Callable[[], Any]) -> list[str]:
    """The texts of the warnings that ``act`` causes when done twice."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        act()
        act()
    # What is never closed is told whenever it is collected, be it another test's.
    return [str(warning.message) for warning in caught if warning.category is not ResourceWarning]


@pytest.mark.parametrize("tag", ["", "   ", 5, None, ("a",)])
def test_a_tag_that_is_none_is_refused_and_its_neighbours_are_kept(run: Run, tag: Any) -> None:
    (text,) = warned(lambda: run.log({tag: 1.0, "good": 2.0}))
    assert "tag" in text
    assert tags(run) == {"before", "good"}


def test_a_tag_of_10000_characters_is_kept_shortened(run: Run) -> None:
    assert warned(lambda: run.log({"x" * 10_000: 1.0})) == []
    (long,) = tags(run) - {"before"}
    assert len(long) == 1_000


def test_negative_steps_are_kept(run: Run) -> None:
    assert warned(lambda: run.log({"a": 1.0}, step=-(2**63))) == []
    assert stored(run).points(run.id, "a").step.tolist() == [-(2**63)] * 2


@pytest.mark.parametrize("step", [2**63, -(2**63) - 1, 10**30, 1.5, math.nan, "seven", [1]])
def test_a_step_that_is_no_int64_is_refused(run: Run, step: Any) -> None:
    (text,) = warned(lambda: run.log({"a": 1.0}, step=step))
    assert "step" in text
    run.log({"after": 1.0})
    store = stored(run)
    assert [series.tag for series in store.series(run.id)] == ["after", "before"]
    assert store.points(run.id, "after").step.tolist() == [1]


@pytest.mark.parametrize("step", [4.0, np.int32(4), np.float64(4.0), np.array(4)])
def test_a_step_of_another_type_that_is_whole_is_kept(run: Run, step: Any) -> None:
    assert warned(lambda: run.log({"a": 1.0}, step=step)) == []
    assert stored(run).points(run.id, "a").step.tolist() == [4, 4]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, Decimal("1.5"), Fraction(1, 2), True])
def test_odd_numbers_are_kept(run: Run, value: Any) -> None:
    assert warned(lambda: run.log({"a": value})) == []
    assert stored(run).points(run.id, "a").value.tolist() == pytest.approx([float(value)] * 2, nan_ok=True)


@pytest.mark.parametrize("value", ["text", None, object(), b"bytes", [1.0, 2.0], 1j, 10**400, Exception("x")])
def test_a_value_that_is_not_a_number_is_refused_by_its_tag(run: Run, value: Any) -> None:
    (text,) = warned(lambda: run.log({"bad": value, "good": 1.0}))
    assert "'bad'" in text and "not a number" in text
    assert tags(run) == {"before", "good"}


def test_an_array_is_refused_and_the_constructors_are_named(run: Run) -> None:
    (text,) = warned(lambda: run.log({"bad": np.zeros((3, 4)), "good": 1.0}))
    assert "tb.Histogram" in text and "tb.Image" in text
    assert tags(run) == {"before", "good"}


def test_a_value_whose_conversion_fails_is_refused(run: Run) -> None:
    class Broken(float):
        def __float__(self) -> float:
            raise RuntimeError("broken on purpose")

    class Lazy:
        def item(self) -> float:
            raise RuntimeError("the device is gone")

    assert any(
        "the device is gone" in text for text in warned(lambda: run.log({"a": Lazy(), "b": Broken(1)}))
    )
    assert "before" in tags(run)


@pytest.mark.parametrize("values", [None, 5, "loss", [("a", 1.0)], {"a"}])
def test_values_that_are_no_dict_are_refused(run: Run, values: Any) -> None:
    (text,) = warned(lambda: run.log(values))
    assert "dict" in text
    assert tags(run) == {"before"}


def test_an_empty_dict_logs_nothing_and_says_nothing(run: Run) -> None:
    assert warned(lambda: run.log({})) == []
    assert tags(run) == {"before"}


def test_a_dict_that_contains_itself_is_refused(run: Run) -> None:
    values: dict[str, Any] = {"a": 1.0}
    values["self"] = values
    assert len(warned(lambda: run.log(values))) == 1
    assert "before" in tags(run)


@pytest.mark.parametrize("moment", ["noon", None.__class__, [1]])
def test_a_wall_time_that_is_no_number_is_refused(run: Run, moment: Any) -> None:
    (text,) = warned(lambda: run.log({"a": 1.0}, wall_time=moment))
    assert "wall_time" in text
    assert tags(run) == {"before"}


def test_logging_after_finish_warns_once(run: Run) -> None:
    run.finish()
    (text,) = warned(lambda: run.log({"a": 1.0}))
    assert "finished" in text
    assert tags(run) == {"before"}


def test_logging_without_a_run_warns_once() -> None:
    code = """
import warnings, trainboard as tb
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    tb.log({"a": 1.0}); tb.log({"a": 1.0}); tb.finish()
print(len(caught), "init()" in str(caught[0].message))
"""
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.split() == ["1", "True"]


def test_warnings_made_errors_do_not_reach_training(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run.log({"bad": "text", "good": 1.0})
    assert "not a number" in capsys.readouterr().err
    assert tags(run) == {"before", "good"}


def test_a_dict_that_another_thread_changes_is_logged_as_it_was_at_some_moment(run: Run) -> None:
    values: dict[str, Any] = {f"m{number}": 1.0 for number in range(50)}
    stop = threading.Event()

    def change() -> None:
        number = 0
        while not stop.is_set():
            values[f"extra{number % 20}"] = 1.0
            values.pop(f"extra{(number + 10) % 20}", None)
            number += 1

    thread = threading.Thread(target=change)
    thread.start()
    try:
        texts = warned(lambda: [run.log(values) for _ in range(2_000)])
    finally:
        stop.set()
        thread.join()
    assert texts == []
    assert stored(run).points(run.id, "m0").total == 4_000


def test_ctrl_c_in_the_middle_of_log_damages_nothing(tmp_path: Path) -> None:
    code = """
import random, signal, sys, time, trainboard as tb
def interrupt(*_):
    raise KeyboardInterrupt
signal.signal(signal.SIGALRM, interrupt)
run = tb.init(id="r", store=sys.argv[1])
done = 0
for _ in range(300):
    try:
        signal.setitimer(signal.ITIMER_REAL, random.uniform(0.0001, 0.002))
        until = time.monotonic() + 1  # for the rare signal that Python tells nobody of
        while time.monotonic() < until:
            run.log({"a": 1.0, "b": 2.0})
            done += 1
    except KeyboardInterrupt:
        pass
run.finish()
print(done)
"""
    path = tmp_path / "s.db"
    result = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True)
    assert result.stderr == ""
    done = int(result.stdout)
    store = tb.open_store(path)
    a, b = store.points("r", "a").total, store.points("r", "b").total
    assert a == b and done <= a <= done + 300
    assert store.run("r").status == "finished"


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
    monkeypatch.setattr(convert, "MAX_DETAILS", 1 << 20)
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
    assert run.flush(30)
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
