"""The Curves page's numbers: what the counts of a PR curve tell of ROC and calibration, and how exactly."""

from __future__ import annotations

import json
import math
import struct
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import numpy as np
import pytest
from dashboard_fixtures import Dashboard, served

import trainboard as tb
from trainboard.dashboard.binary_scores import check, score
from trainboard.storage.kinds.confusion_matrix import ConfusionMatrix
from trainboard.storage.kinds.pr_curve import PRCurve


@pytest.fixture(scope="module")
def dashboard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dashboard]:
    with served(tmp_path_factory.mktemp("curves")) as dashboard:
        store = dashboard.store
        with tb.init("p", id="a", store=store.url) as run:
            for step in (10, 20):
                labels = np.array([0, 0, 1, 1])
                predictions = np.array([0.1, 0.4, 0.35, 0.8]) if step == 10 else labels * 1.0
                run.log(
                    {"pr": tb.PRCurve(labels, predictions), "m": tb.ConfusionMatrix(labels, labels)}, step
                )
            nan = PRCurve.from_counts(*[[math.nan] * 5] * 6)
            uneven = PRCurve(*[np.ones(3 + (at > 2)) for at in range(6)])
            run.log({"nan": nan, "uneven": uneven}, 0)
            run.log({"none": ConfusionMatrix.from_matrix(np.zeros((2, 2)))}, 0)
            run.log({"large": ConfusionMatrix.from_matrix(np.eye(1_001))}, 0)
        yield dashboard


def get(dashboard: Dashboard, path: str, **query: Any) -> bytes:
    address = f"{dashboard.url}/api/v1/curves/{path}?{urlencode(query)}"
    with urllib.request.urlopen(address, timeout=60) as answer:
        return answer.read()


def true_area(labels: np.ndarray, predictions: np.ndarray) -> float:
    """The share of pairs that are ordered rightly; ties count half."""
    positives, negatives = predictions[labels == 1], predictions[labels == 0]
    above = (positives[:, None] > negatives).mean()
    return float(above + (positives[:, None] == negatives).mean() / 2)


@pytest.mark.parametrize("thresholds", [5, 127, 1_001])
def test_the_area_under_the_roc_curve_is_within_the_bound_that_is_told(thresholds: int) -> None:
    random = np.random.default_rng(thresholds)
    for weights in (None, random.random(1_000)):
        predictions = random.random(1_000)
        labels = (random.random(1_000) < predictions).astype(int)
        scores = score(PRCurve.from_predictions(labels, predictions, thresholds, weights))
        if weights is None:
            assert abs(scores.auc - true_area(labels, predictions)) <= scores.auc_bound
        assert 0 <= scores.auc_bound < 1 / (thresholds - 1)


def test_calibration_is_off_by_at_most_half_an_interval() -> None:
    random = np.random.default_rng(0)
    predictions = random.beta(2, 5, 5_000)
    labels = (random.random(5_000) < predictions**2).astype(int)
    bins = score(PRCurve.from_predictions(labels, predictions, 201)).calibration
    inside = np.digitize(predictions, bins.edges[1:-1])
    for at, (confidence, share, count) in enumerate(
        zip(bins.confidence, bins.share, bins.count, strict=True)
    ):
        mine = inside == at
        assert count == mine.sum()
        if count:
            assert share == pytest.approx(labels[mine].mean())
            assert abs(confidence - predictions[mine].mean()) <= 1 / 400 + 1e-9


def test_a_perfect_and_a_one_sided_classifier_have_their_numbers() -> None:
    labels = np.array([0, 0, 1, 1])
    perfect = score(PRCurve.from_predictions(labels, labels))
    assert (
        perfect.auc == 1
        and perfect.average_precision == 1
        and perfect.calibration.error == pytest.approx(0.5 / 126 / 2)
    )
    only = score(PRCurve.from_predictions([1, 1], [0.5, 0.9]))
    assert math.isnan(only.auc) and math.isnan(only.average_precision)


def test_curves_that_make_no_sense_are_named() -> None:
    assert "not finite" in check(PRCurve.from_counts(*[[math.inf] * 4] * 6))
    assert "below zero" in check(PRCurve.from_counts(*[[-1.0] * 4] * 6))
    assert "empty" in check(PRCurve.from_counts(*[[0.0] * 4] * 6))
    assert "lengths" in check(PRCurve(*[np.ones(3 + at) for at in range(6)]))


def test_the_index_says_which_runs_have_which_steps(dashboard: Dashboard) -> None:
    told = json.loads(get(dashboard, "index", runs="a,nobody"))
    assert told["pr_curve"]["pr"] == {"a": [10, 20]}
    assert told["confusion_matrix"]["large"] == {"a": [0]}


def test_a_curve_is_that_of_the_step_or_the_newest(dashboard: Dashboard) -> None:
    (newest,) = json.loads(get(dashboard, "pr", runs="a,nobody", tag="pr"))["curves"]
    assert (newest["step"], newest["auc"], newest["thresholds"]) == (20, 1.0, 127)
    (older,) = json.loads(get(dashboard, "pr", runs="a", tag="pr", step=15))["curves"]
    assert (older["step"], older["auc"]) == (10, 0.75)
    assert older["columns"]["precision"][-1] is None  # nothing is predicted there
    assert json.loads(get(dashboard, "pr", runs="a", tag="pr", step=5))["curves"] == []
    for tag in ("nan", "uneven"):
        (broken,) = json.loads(get(dashboard, "pr", runs="a", tag=tag))["curves"]
        assert broken["problem"] and "columns" not in broken


def test_a_matrix_comes_as_counts_or_says_why_not(dashboard: Dashboard) -> None:
    packed = get(dashboard, "matrix", run="a", tag="m")
    (length,) = struct.unpack_from("<I", packed)
    header, counts = json.loads(packed[4 : 4 + length]), np.frombuffer(packed, "<f4", offset=4 + length)
    assert (header["step"], header["classes"], counts.tolist()) == (20, ["0", "1"], [2, 0, 0, 2])
    for tag, told in (("none", "no counts"), ("large", "1,001 classes; up to 1,000")):
        with pytest.raises(urllib.error.HTTPError) as refused:
            get(dashboard, "matrix", run="a", tag=tag)
        assert refused.value.code == 422 and told in json.load(refused.value)["message"]


def test_a_matrix_that_nobody_could_read_is_refused_before_it_is_made() -> None:
    with pytest.raises(ValueError, match="at most 2,048 classes .got 10,000.: group them"):
        tb.ConfusionMatrix([9_999], [0])
    with pytest.raises(ValueError, match="at most 2,048 classes"):
        tb.ConfusionMatrix(matrix=np.zeros((2_049, 2_049)))
