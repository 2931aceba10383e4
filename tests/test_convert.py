"""Values of every framework become floats, steps and tags."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import trainboard as tb
from trainboard.loggers.convert import LONGEST_TAG, Refused, to_float, to_step, to_tag
from trainboard.loggers.plain import to_plain


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1.5, 1.5),
        (3, 3.0),
        (True, 1.0),
        (Decimal("0.25"), 0.25),
        (Fraction(1, 4), 0.25),
        (np.float32(0.5), 0.5),
        (np.float16(0.5), 0.5),
        (np.int8(-3), -3.0),
        (np.bool_(True), 1.0),
        (np.array(2.5), 2.5),
        (np.array([2.5]), 2.5),
    ],
)
def test_a_number_of_any_type_is_its_float(value: Any, expected: float) -> None:
    result = to_float(value)
    assert result == expected and type(result) is float


def test_nan_and_infinities_stay_what_they_are() -> None:
    assert math.isnan(to_float(np.float32("nan")))
    assert to_float(float("inf")) == math.inf


def test_a_torch_scalar_is_its_float() -> None:
    torch = pytest.importorskip("torch")
    assert to_float(torch.tensor(1.5, requires_grad=True)) == 1.5
    assert to_float(torch.tensor(3)) == 3.0
    assert to_float(torch.tensor(1.5, dtype=torch.bfloat16)) == 1.5


def test_a_tensorflow_scalar_is_its_float() -> None:
    tensorflow = pytest.importorskip("tensorflow")
    assert to_float(tensorflow.constant(1.5)) == 1.5
    assert to_float(tensorflow.Variable(2)) == 2.0


@pytest.mark.parametrize(
    "value", ["text", None, object(), b"x", 1j, [1.0], np.datetime64("2020-01-01"), 10**400]
)
def test_what_is_not_a_number_is_refused_by_name(value: Any) -> None:
    with pytest.raises(Refused, match="not a number"):
        to_float(value)


def test_an_array_is_refused_with_the_constructors_to_use() -> None:
    with pytest.raises(Refused, match=r"shape \(2, 3\).*tb.Histogram.*tb.Image"):
        to_float(np.zeros((2, 3)))


@pytest.mark.parametrize("step", [-5, 2**63 - 1, -(2**63), np.int64(7), 4.0, np.float32(4.0), True])
def test_a_whole_number_is_a_step(step: Any) -> None:
    assert to_step(step) == int(step)


@pytest.mark.parametrize("step", [2**63, -(2**63) - 1, 1.5, math.nan, math.inf, "5", None, [1]])
def test_anything_else_is_not_a_step(step: Any) -> None:
    with pytest.raises(Refused, match="step"):
        to_step(step)


def test_a_long_tag_is_shortened_and_stays_distinct() -> None:
    one, other = to_tag("x" * 10_000 + "a"), to_tag("x" * 10_000 + "b")
    assert len(one) == len(other) == LONGEST_TAG
    assert one != other and one.startswith("x" * 900)


@pytest.mark.parametrize("tag", ["", "  ", 5, None, ("a", "b")])
def test_a_tag_that_is_empty_or_no_string_is_refused(tag: Any) -> None:
    with pytest.raises(Refused, match="tag"):
        to_tag(tag)


def test_a_tag_that_no_database_takes_is_mended() -> None:
    assert to_tag("a\0b\ud800c").encode() == "a\N{REPLACEMENT CHARACTER}b?c".encode()


def test_config_values_become_what_json_can_hold() -> None:
    assert to_plain({"lr": np.float32(0.5), 3: (1, {"a"}), "path": Decimal("1.5"), "f": len}) == {
        "lr": 0.5,
        "3": [1, ["a"]],
        "path": 1.5,
        "f": "<built-in function len>",
    }


def test_a_tensor_that_needs_gradients_or_is_bfloat16_makes_a_histogram_and_an_image() -> None:
    torch = pytest.importorskip("torch")
    weights = torch.ones(4, 5, requires_grad=True)
    assert tb.Histogram(weights).count == 20
    assert tb.Histogram(weights.to(torch.bfloat16)).count == 20
    assert (tb.Image(weights).width, tb.Image(weights).height) == (5, 4)
