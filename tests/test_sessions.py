"""Metrics in runs below a trial's, as TensorBoard's HParams plugin and Keras's callback lay them out."""

from __future__ import annotations

import numpy as np
from dashboard_fixtures import log_run

from trainboard.dashboard.sessions import tags_below
from trainboard.dashboard.trial_figures import parallel
from trainboard.dashboard.trial_views import drawn
from trainboard.dashboard.trials import Trials, read_trials
from trainboard.storage import Store


def test_metrics_of_the_runs_below_a_trial_are_the_trials_own(store: Store) -> None:
    for number, rate in enumerate((0.1, 0.2)):
        log_run(store, f"{number}", config={"lr": rate})
        for part, loss in (("train", 1.0), ("validation", 2.0)):
            log_run(store, f"{number}/{part}", [{"epoch_loss": loss + rate}])
    assert tags_below(store, "digits") == ["validation/epoch_loss", "train/epoch_loss"]
    trials = read_trials(store, "digits", "", "last.validation/epoch_loss")
    assert trials.names == ["0", "1"] and trials.total == 2
    assert trials.values.tolist() == [2.1, 2.2]
    assert [config[0] for config in trials.configs] == [0.1, 0.2]
    assert read_trials(store, "digits", "config.lr > 0.15", "last.train/epoch_loss").values.tolist() == [1.2]


def test_of_many_hyper_parameters_it_is_told_how_many_there_are(store: Store) -> None:
    for name in ("one", "two"):
        log_run(store, name, [{"loss": 1.0}], config={f"key {number}": name for number in range(60)})
    trials = read_trials(store, "digits", "", "last.loss")
    assert "40 of 60 hyper-parameters" in str(drawn(trials, "table", "auto", "Viridis", "metric", "light"))
    assert "of 60 hyper-parameters" in str(drawn(trials, "parallel", "auto", "Viridis", "metric", "light"))
    assert trials.keys[:3] == ["key 0", "key 1", "key 2"]


def test_axes_of_trials_are_marked_at_round_numbers() -> None:
    count = 9
    rates = [10.0**-exponent for exponent in range(count)]
    configs = [[seed, rate] for seed, rate in zip(range(count), rates, strict=True)]
    names = [str(seed) for seed in range(count)]
    values = np.linspace(0.283, 0.507, count)
    trials = Trials(names, names, names, ["seed", "lr"], configs, "last.loss", values, count, 2)
    notes = parallel(trials, "auto", "Viridis", "metric", "light")["layout"]["annotations"]

    def marks(at: int) -> list[str]:
        return [note["text"] for note in notes if note["x"] == at and note["y"] <= 1]

    assert marks(0) == ["0", "2", "4", "6", "8"]
    assert marks(1) == ["1e-08", "1e-06", "0.0001", "0.01", "1"]
    assert marks(2) == ["0.283", "0.3", "0.35", "0.4", "0.45", "0.507"]


def test_a_run_with_a_config_of_its_own_is_a_trial_wherever_it_is(store: Store) -> None:
    log_run(store, "7", [{"loss": 1.0}], config={"lr": 0.1})
    log_run(store, "7/again", [{"loss": 2.0}], config={"lr": 0.2})
    assert tags_below(store, "digits") == []
    assert read_trials(store, "digits", "", "last.loss").names == ["7", "7/again"]
