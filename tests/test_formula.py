"""Arithmetic over tags: what it computes, and that nothing else can be said in it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from dashboard_fixtures import log_run

from trainboard.dashboard.derived import derive
from trainboard.dashboard.formula import BadFormula, parse
from trainboard.storage import Store, open_store

A, B = np.array([1.0, 4.0]), np.array([2.0, 0.0])


@pytest.mark.parametrize(
    ("text", "tags", "value"),
    [
        ("train/loss - val/loss", ("train/loss", "val/loss"), [-1, 4]),
        ("2 * (a-b + `x (y)`)", ("a-b", "x (y)"), [6, 8]),
        ("a / b", ("a", "b"), [0.5, np.inf]),
        ("- a ** 2", ("a",), [-1, -16]),
        ("max(a, b) + sqrt(a)", ("a", "b"), [3, 6]),
        ("log * 1e-1", ("log",), [0.1, 0.4]),
        ("损失 + 1", ("损失",), [2, 5]),
    ],
)
def test_a_formula_names_its_tags_and_computes(text: str, tags: tuple[str, ...], value: list[float]) -> None:
    formula = parse(text)
    assert formula.tags == tags
    np.testing.assert_allclose(formula([A, B][: len(tags)]), value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "at least one tag"),
        ("3 + 4", "at least one tag"),
        ("a -", "missing"),
        ("(a", "missing"),
        ("a b", "missing"),
        ("`a", "backtick"),
        ("log(a, b)", "log takes 1 value"),
        ("open(a)", "no arithmetic"),
        ("__import__('os')", "no arithmetic"),
        ("a , b", "no arithmetic"),
        ("a < b", "missing"),
        ("lambda: a", "missing"),
        ("9" * 400 + " * a", "too large"),
        ("a" + " + a" * 60, "at most 50 terms"),
        ("(" * 5000 + "a", "missing"),
        ("a" * 20_000, "at most 12,000 characters"),
    ],
)
def test_what_is_no_formula_is_told(text: str, said: str) -> None:
    with pytest.raises(BadFormula, match=said):
        parse(text)


@pytest.fixture
def store(tmp_path: Path):
    opened = open_store(tmp_path / "runs.db", create=True)
    yield opened
    opened.close()


def test_tags_logged_at_different_steps_meet_at_those_of_the_rarer(store: Store) -> None:
    values = [{"loss": float(step)} | ({"val": 10.0} if step % 5 == 3 else {}) for step in range(12)]
    line = derive(store, log_run(store, "one", values), parse("loss - val"), width=100)
    assert line.exact and line.names == ("step", "wall", "value")
    np.testing.assert_array_equal(line.columns[0], [3, 8])
    np.testing.assert_array_equal(line.columns[2], [-7, -2])


def test_a_long_formula_line_is_thinned_between_its_extremes(store: Store) -> None:
    values = [{"a": float(step % 7), "b": 1.0} for step in range(2_000)]
    line = derive(store, log_run(store, "one", values), parse("a + b"), width=100)
    step, _, mean, low, high, bad = line.columns
    assert not line.exact and line.total == 2_000 and len(step) == 100
    assert low.min() == 1 and high.max() == 7 and not bad.any() and step[-1] == 1_999
    assert ((low <= mean) & (mean <= high)).all()
