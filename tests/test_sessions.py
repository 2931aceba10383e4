"""Metrics in runs below a trial's, as TensorBoard's HParams plugin and Keras's callback lay them out."""

from __future__ import annotations

from dashboard_fixtures import log_run

from trainboard.dashboard.sessions import tags_below
from trainboard.dashboard.trials import read_trials
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


def test_a_run_with_a_config_of_its_own_is_a_trial_wherever_it_is(store: Store) -> None:
    log_run(store, "7", [{"loss": 1.0}], config={"lr": 0.1})
    log_run(store, "7/again", [{"loss": 2.0}], config={"lr": 0.2})
    assert tags_below(store, "digits") == []
    assert read_trials(store, "digits", "", "last.loss").names == ["7", "7/again"]
