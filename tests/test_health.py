"""What statistics say: nothing is sampled away, each rule has its threshold, and faults have causes."""

from __future__ import annotations

import json
import math
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from dashboard_fixtures import Dashboard, log_run, once_within
from health_fixtures import OUTPUTS, PARAMETERS, healthy, stats

from trainboard.dashboard.cards.layer_stats import Wanted, draw
from trainboard.dashboard.health import anatomy, faults
from trainboard.dashboard.health.causes import Evidence, causes
from trainboard.dashboard.health.findings import find
from trainboard.dashboard.health.history import MAX_COLUMNS, Histories, History
from trainboard.dashboard.health.rows import MAX_ROWS, between, fold
from trainboard.storage import Store, open_store
from trainboard.storage.kinds.event import Event


def history_of(steps: list[dict[str, Any]], every: int = 1) -> History:
    history = History()
    for step, records in enumerate(steps):
        for tag, record in records.items():
            history.add(tag.removeprefix("layers/"), step * every, record)
    return history


def titles(history: History) -> list[tuple[str, str, int]]:
    return [(found.title, found.level, found.since) for found in find(history)]


def test_a_healthy_model_has_no_findings() -> None:
    assert find(history_of(healthy())) == []


def test_however_long_a_run_no_value_that_is_not_finite_and_no_peak_is_lost() -> None:
    history = History()
    for step in range(10_000):
        peak = 1e6 if step == 5_001 else 1e-3
        history.add("gradients", step, stats(["a"], norm=peak, nans=step % 1000 == 7))
    assert len(history.steps) <= MAX_COLUMNS
    assert (history.steps[0][0], history.steps[-1][1]) == (0, 9_999)
    assert history.counts("gradients", "nans").sum() == 10
    assert history.measure("gradients", "norm").max() == 1e6
    assert math.isclose(history.measure("gradients", "norm", "low").min(), 1e-3, rel_tol=1e-6)


def test_steps_that_come_late_or_again_are_put_where_they_belong() -> None:
    history = History()
    for step in (10, 0, 5, 10):
        history.add("gradients", step, stats(["a"], norm=step))
    assert history.steps == [(0, 0), (5, 5), (10, 10)]
    history.add("gradients", 5, stats(["a", "new"], norm=7))
    assert history.measure("gradients", "norm")[:, 1].tolist() == [7, 7]
    assert np.isnan(history.measure("gradients", "norm")[1, 0])


def test_a_dead_layer_is_named_with_the_step_since_which_it_is_dead() -> None:
    steps = healthy()
    for step in steps[12:]:
        step["layers/activations"] = stats(OUTPUTS, zero_fraction=[0.5, 0.5, 0.97, 0.5])
    (found,) = find(history_of(steps, every=100))
    assert (found.title, found.level, found.since, found.layer) == (
        "Units are dead",
        "warning",
        1200,
        "body.1.relu",
    )


def test_a_layer_without_gradient_is_told_and_a_bias_without_one_is_not() -> None:
    steps = healthy()
    for step in steps:
        step["layers/gradients"] = stats(PARAMETERS, norm=[1e-9, 1e-9, 0.1, 0, 0.1, 0, 0.1, 0.1])
    (found,) = find(history_of(steps))
    assert (found.title, found.layer, found.layers) == ("Gradients vanish", "stem.weight", 1)


def test_an_explosion_is_a_warning_while_it_lasts_and_a_note_once_it_is_over() -> None:
    steps = healthy()
    steps[-1]["layers/gradients"] = stats(PARAMETERS, norm=500.0)
    assert titles(history_of(steps)) == [("Gradients explode", "warning", 19)]
    (over,) = find(history_of([*steps, *healthy(3)]))
    assert (over.level, over.since, over.until) == ("note", 19, 19)


def test_updates_beyond_the_usual_are_a_note_and_far_beyond_a_warning() -> None:
    steps = healthy()
    for step in steps[10:]:
        ratios = [0.02, 0.02, 0.5, 0.5, 1e-3, 1e-3, 1e-6, 1e-6]
        step["layers/updates"] = stats(PARAMETERS, ratio=ratios)
    assert sorted(titles(history_of(steps))) == [
        ("Updates are large", "note", 10),
        ("Updates are large", "warning", 10),
        ("Updates are small", "warning", 10),
    ]


def test_what_is_not_finite_is_an_error_except_infinities_that_masks_put_into_outputs() -> None:
    steps = healthy()
    steps[5]["layers/activations"] = stats(OUTPUTS, infs=100, zero_fraction=0.5)
    assert find(history_of(steps)) == []
    steps[-1]["layers/gradients"] = stats(PARAMETERS, nans=[0, 0, 3, 0, 0, 0, 0, 0], norm=0.1)
    assert titles(history_of(steps)) == [("Gradients are not finite", "error", 19)]


def test_a_record_of_nothing_but_nan_is_told_and_breaks_nothing() -> None:
    steps = healthy()
    columns = dict.fromkeys(("norm", "mean", "std", "min", "max", "zero_fraction", "ratio"), math.nan)
    steps[-1] = {tag: stats(record.names, **columns, nans=8) for tag, record in steps[-1].items()}
    history = history_of(steps)
    assert {found.level for found in find(history)} == {"error"}
    for quantity in ("gradients", "updates", "dead", "nonfinite"):
        json.dumps(draw(history, quantity, Wanted()), allow_nan=False)


def test_thousands_of_layers_are_folded_into_rows_that_can_be_taken_in() -> None:
    names = [f"blocks.{block}.{layer}.weight" for block in range(500) for layer in range(10)]
    everything = range(len(names))
    rows, left_out = fold(names, everything, frozenset(), frozenset())
    assert [(row.path, row.is_open, len(row.members), left_out) for row in rows] == [
        ("blocks", False, 5000, 0)
    ]
    rows, left_out = fold(names, everything, frozenset({"blocks", "blocks.3"}), frozenset())
    assert [row.label for row in rows[4:7]] == ["3", "0.weight", "1.weight"]
    assert len(rows) == MAX_ROWS and left_out == 511 - MAX_ROWS


def test_odd_names_have_rows_of_their_own() -> None:
    names = ["", "...", "a", "a.b", "a/b/c", "x" * 5_000, ".".join("y" * 2_000)]
    rows, _ = fold(names, range(len(names)), frozenset(), frozenset())
    assert sorted(member for row in rows for member in row.members) == list(range(len(names)))


FAULT = {
    "layer": "2",
    "phase": "forward",
    "step": 40,
    "batch": 41,
    "last_good_step": 39,
    "detail": "",
    "trace": "",
}


def likeliest(norms: list[float], signals: Any = (), **changed: Any) -> str:
    ring = [{"step": 20 + at, "gradients": {"0.weight": norm}} for at, norm in enumerate(norms)]
    fault = faults.parse({**FAULT, "ring": ring, **changed}, 40)
    return causes(Evidence(fault, list(signals)))[0].title


def test_the_likeliest_cause_follows_from_what_came_before() -> None:
    calm, growing = [1.0] * 16, [1.0] * 10 + [3.0**power for power in range(6)]
    assert likeliest(growing) == "Gradients exploded"
    assert likeliest(calm, layer="0") == "A bad batch"
    assert likeliest(calm) == "An operation inside layer 2"
    assert likeliest(calm, phase="loss") == "The loss function"
    assert likeliest(calm, phase="backward") == "The derivative of layer 2"
    assert likeliest(calm, phase="update") == "The optimizer's step"
    assert likeliest([], phase="unheard of") == "Not known"


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, str, str]]:
    """A store with a run whose learning rate jumped before a fault, and one whose steps wait for data."""
    store = open_store(tmp_path_factory.mktemp("health") / "runs.db", create=True)
    ring = [{"step": step, "gradients": {"0.weight": 1.0, "2.weight": 2.0}} for step in range(25, 40)]
    ring.append({"step": 40, "gradients": {"0.weight": math.nan, "2.weight": 2.0}})
    steps: list[dict[str, Any]] = [
        {"loss": 1.0 if step < 38 else math.inf, "knobs/lr": 0.1 if step < 35 else 10.0} for step in range(40)
    ]
    odd = Event("odd", "", "error", {"ring": "none", "step": "x", "layer": 7})
    told = Event("Not finite", "", "error", {**FAULT, "ring": ring})
    knobbed = log_run(store, "knobbed", [*steps, {"flight_recorder": odd}, {"flight_recorder": told}])
    waiting = [{"steps/data": 0.001 if step < 40 else 0.06, "steps/forward": 0.04} for step in range(100)]
    timed = log_run(store, "timed", [one | {"steps/total": sum(one.values())} for one in waiting])
    yield store, knobbed, timed
    store.close()


def test_a_fault_after_a_turned_knob_is_blamed_on_the_knob(faulty: tuple[Store, str, str]) -> None:
    store, knobbed, _ = faulty
    told = faults.read(store, knobbed)
    report = told["reports"][0]
    assert (report["what"], report["batch"]) == ("NaN or infinity came out of layer 2.", 41)
    assert [cause["title"] for cause in report["causes"]][:2] == [
        "The learning rate jumped",
        "The loss was not finite before",
    ]
    assert "loss was NaN or infinite from step 38 on" in report["causes"][1]["why"]
    assert "knobs/lr became 100 times as large at step 35" in report["causes"][0]["why"]
    assert report["norms"]["gradients"]["rows"][0][-2:] == [1.0, "bad"]
    json.dumps(told, allow_nan=False)


def test_an_event_that_is_no_fault_is_a_report_that_knows_little(faulty: tuple[Store, str, str]) -> None:
    store, knobbed, _ = faulty
    report = faults.read(store, knobbed)["reports"][-1]
    assert (report["layer"], report["step"], report["steps"]) == ("", 40, [])


def test_the_verdict_on_steps_says_how_much_and_since_when(faulty: tuple[Store, str, str]) -> None:
    store, _, timed = faulty
    told = anatomy.read(store, timed, 0)
    assert told is not None and told["verdict"]["kind"] == "input-bound"
    assert told["verdict"]["words"] == "Input-bound: 60% of step time waits for data since step 40."
    assert anatomy.read(store, faulty[1], 0) is None


def test_steps_that_are_mostly_none_of_their_phases_are_not_said_to_compute() -> None:
    steps, total = np.arange(20), np.full(20, 0.1)
    told = anatomy.judge(steps, {"forward": np.full(20, 0.01), "other": np.full(20, 0.09)}, total)
    assert told.words.startswith("Elsewhere: 90% of step time goes to the loop's own code")
    told = anatomy.judge(steps, {"other": np.full(20, 0.09)}, total)
    assert told.kind == "compute-bound", "where computing was not measured it is among the rest"


def test_a_first_look_at_a_long_run_ends_in_time_and_the_next_ones_read_on(store: Store) -> None:
    run = log_run(store, "long", [{"layers/gradients": stats(PARAMETERS, norm=0.1)} for _ in range(300)])
    histories = Histories(store)
    read = []
    for _ in range(20):
        with histories.look(run, seconds=1e-9) as look:
            read.append(look.read)
    assert read[0] < 300 and read[-1] == 300 and sorted(read) == read

    def look_again() -> None:
        with histories.look(run) as look:
            assert look.read == 300

    once_within(1, look_again)


def test_a_window_of_a_long_run_is_seen_in_more_detail(store: Store) -> None:
    run = log_run(store, "longer", [{"layers/gradients": stats(PARAMETERS, norm=at)} for at in range(600)])
    histories = Histories(store)
    with histories.look(run, seconds=60) as look:
        assert len(look.history.steps) == 300 and look.read == look.total == 600
    with histories.look(run, window=(100, 149), seconds=60) as look:
        assert look.history.steps == [(step, step) for step in range(100, 150)]
        assert look.history.measure("gradients", "norm")[0].tolist() == list(range(100, 150))
        assert look.read == look.total == 600


def test_layers_lie_between_two_of_them_whatever_their_parts_are_called() -> None:
    names = ["stem.weight", "body.0.weight", "body.0.bias", "body.1.weight", "head.weight"]
    every = range(len(names))
    assert between(names, every, "body.0.bias", "body.1") == [2, 3]
    assert between(names, every, "body.1.relu", "head") == [3, 4]
    assert between(names, [0, 4], "stem", "body.0.relu") == [0]
    assert between(names, every, "no such", "layer") == list(every)


def ask(dashboard: Dashboard, path: str, **asked: str) -> Any:
    url = f"{dashboard.url}/api/v1/{path}?{urllib.parse.urlencode(asked)}"
    with urllib.request.urlopen(url, timeout=60) as answer:
        return json.loads(answer.read())


def test_the_api_answers_for_runs_that_log_nothing_and_says_what_is_wrong_with_a_question(
    store: Store, dashboard: Dashboard
) -> None:
    run = log_run(store, "plain", [{"loss": 1.0}])
    (told,) = ask(dashboard, "health", runs=run)["runs"]
    assert (told["count"], told["findings"], told["faults"]) == (0, [], [])
    assert ask(dashboard, "health/maps", run=run)["steps"] == []
    assert ask(dashboard, "health/time", run=run)["anatomy"] is None
    assert ask(dashboard, "health/faults", run=run) == {"total": 0, "reports": []}
    assert "no regular expression" in ask(dashboard, "health/maps", run=run, filter="(a")["problem"]
    with pytest.raises(urllib.error.HTTPError) as refused:
        ask(dashboard, "health/maps", run=run, quantities="x")
    assert refused.value.code == 400 and "are some of" in refused.value.read().decode()
