"""Whatever is passed to log(): one warning per cause, never an exception, never a lost earlier point."""

from __future__ import annotations

import math
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from logged import stored, warned

import trainboard as tb
from trainboard.loggers.run import Run


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    run = tb.init(store=tmp_path / "store.db")
    run.log({"before": 1.0})
    yield run
    run.finish()


def tags(run: Run) -> set[str]:
    return {series.tag for series in stored(run).series(run.id)}


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
