"""Is A better yet: rarely wrong however often one looks, right in the end, and telling how long it takes."""

from __future__ import annotations

import math

import numpy as np
import pytest

from trainboard.dashboard.verdict import ALPHA, MOST_MORE, judge, pair


def first_verdict(differences: np.ndarray) -> int:
    """After how many pairs someone who looks after each sees a verdict; 0 if never."""
    n = np.arange(2, len(differences) + 1)
    return next((int(count) for count in n if judge(differences[:count]).decided), 0)


def test_on_equal_groups_peeking_after_every_seed_misleads_at_most_one_time_in_twenty() -> None:
    generator = np.random.default_rng(7)
    misled = [
        first_verdict(generator.normal(0, 3.0, 60) - generator.normal(0, 3.0, 60)) for _ in range(1_000)
    ]
    assert np.mean(np.array(misled) > 0) <= ALPHA


def test_a_t_test_that_is_repeated_after_every_seed_would_mislead_far_more_often() -> None:
    from scipy.stats import t

    generator = np.random.default_rng(7)
    d = generator.normal(size=(1_000, 60))
    n = np.arange(1, 61)
    mean = d.cumsum(1) / n
    deviation = np.sqrt(np.maximum((d**2).cumsum(1) - n * mean**2, 0) / np.maximum(n - 1, 1))
    statistic = np.abs(mean[:, 4:]) / deviation[:, 4:] * np.sqrt(n[4:])
    assert np.mean((statistic > t.ppf(0.975, n[4:] - 1)).any(axis=1)) > 4 * ALPHA


def test_a_real_difference_is_found_and_about_when_it_was_told() -> None:
    generator = np.random.default_rng(3)
    waits = [first_verdict(generator.normal(1.0, 1.0, 200)) for _ in range(100)]
    assert min(waits) >= 5 and 10 < np.median(waits) < 30 and 0 not in waits
    told = judge(generator.normal(1.0, 1.0, 8)).more
    assert told is not None and told < 60


def test_the_interval_holds_the_truth_at_every_look() -> None:
    generator = np.random.default_rng(5)
    held = 0
    for _ in range(150):
        d = generator.normal(0.4, 2.0, 60)
        verdicts = [judge(d[:n]) for n in range(2, 61)]
        held += all(one.low <= 0.4 <= one.high for one in verdicts)
        assert all((one.decided != 0) == (one.low > 0 or one.high < 0) for one in verdicts)
    assert held / 150 >= 1 - ALPHA


@pytest.mark.parametrize(
    ("differences", "decided", "more"),
    [
        ([], 0, None),
        ([1.0], 0, None),
        ([1.0, 1.0], 0, 3),
        ([-2.0] * 5, -1, None),
        ([0.0] * 50, 0, None),
        ([1e-9 * (-1) ** n + 1e-13 for n in range(50)], 0, None),
    ],
)
def test_few_or_equal_values_are_no_problem(differences: list[float], decided: int, more: int | None) -> None:
    verdict = judge(differences)
    assert (verdict.decided, verdict.more) == (decided, more)
    assert not math.isnan(verdict.evidence) and MOST_MORE >= (verdict.more or 0)


def test_seeds_are_paired_and_without_seeds_runs_as_they_came() -> None:
    a = [("1", 5.0), ("2", 7.0), ("9", 1.0)]
    assert pair(a, [("2", 6.0), ("1", 3.0)]) == ([2.0, 1.0], True)
    assert pair(a, [(None, 1.0), (None, 1.0)]) == ([4.0, 6.0], False)
    assert pair([("1", 1.0), ("1", 2.0)], [("1", 0.0), ("1", 0.5)]) == ([1.0, 1.5], True)
