"""Rules: a server tells of what they find in new points, each alert once, whoever runs and however often."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from dashboard_fixtures import log_run

import trainboard as tb
from trainboard.dashboard.alerts.outbox import Outbox
from trainboard.dashboard.alerts.rule_watch import RuleWatch
from trainboard.loggers.warn import TrainboardWarning
from trainboard.storage import Store, alerts, open_store
from trainboard.storage.errors import BadChange
from trainboard.storage.event_log import newest_events
from trainboard.storage.rules import Rule


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(tmp_path / "runs.db", create=True)
    yield opened
    opened.close()


@pytest.fixture
def begin(store: Store) -> Iterator[Callable[..., tb.Run]]:
    """Begin a run that the test's end finishes."""
    begun: list[tb.Run] = []

    def one(**about: Any) -> tb.Run:
        begun.append(tb.init("digits", store=store.url, **about))
        return begun[-1]

    yield one
    for run in begun:
        run.finish()


def watch(store: Store) -> RuleWatch:
    return RuleWatch(store, Outbox(local=True))


def told(store: Store, run: tb.Run) -> list[tuple[str, int]]:
    """What rules told of a run: the titles and the steps of their alerts."""
    if not any(one.tag == "rules" for one in store.series(run.id, "event")):
        return []
    return [(one.value.title, one.step) for one in store.records(run.id, "rules", "event")]


def log(run: tb.Run, values: Sequence[float], tag: str = "loss", minutes: float = 0.0) -> None:
    start = run._step
    for at, value in enumerate(values):
        run.log({tag: value}, wall_time=1e9 + 60 * minutes * (start + at) if minutes else None)
    run.flush()


@pytest.mark.parametrize(
    ("condition", "options", "values", "steps"),
    [
        ("above", {"value": 1.0}, [0, 2, 3], [1]),
        ("above", {"value": 1.0, "points": 2}, [2, 0, 2, 2, 2], [3]),
        ("above", {"value": 1.0}, [0, math.nan, math.inf], [2]),
        ("below", {"value": 0.5}, [1, 0.4], [1]),
        ("no_progress", {"steps": 3}, [3, 2, 2, 2, 2, 2], [4]),
        ("no_progress", {"steps": 2, "better": "max"}, [1, 2, 1, 1], [3]),
        ("divergence", {}, [1, 0.5, math.nan], [2]),
        ("divergence", {"value": 3.0}, [1, 0.5, 1.4, 1.6], [3]),
        ("divergence", {"value": 3.0}, [-4, -3, 5], [2]),
    ],
)
def test_a_rule_tells_when_its_condition_begins_to_hold(
    store: Store,
    begin: Callable[..., tb.Run],
    condition: Any,
    options: dict[str, Any],
    values: Sequence[float],
    steps: Sequence[int],
) -> None:
    alerts.save_rule(store, "digits", Rule("mine", condition, "lo.*", **options))
    run = begin()
    log(run, values)
    watch(store).look()
    assert told(store, run) == [("mine", step) for step in steps]


def test_minutes_without_progress_are_those_of_the_points(store: Store, begin: Callable[..., tb.Run]) -> None:
    run = begin()
    run.rule("stuck", "no_progress", "loss", minutes=10)
    log(run, [1.0] * 20, minutes=1)
    watch(store).look()
    assert told(store, run) == [("stuck", 10)]


def test_an_alert_is_given_once_however_often_the_server_starts(
    store: Store, begin: Callable[..., tb.Run]
) -> None:
    run = begin()
    run.rule("high", "above", "loss", value=1.0, points=3)
    log(run, [2.0, 2.0])
    watch(store).look()
    log(run, [2.0])
    one, other = watch(store), watch(store)
    one.look()
    other.look()
    watch(store).look()
    assert told(store, run) == [("high", 2)]


def test_any_engine_keeps_rules_alerts_and_what_people_saw(store_url: str) -> None:
    with open_store(store_url, create=True) as store:
        rule = Rule("high", "above", "loss", value=1.0, level="error")
        alerts.save_rule(store, "digits", rule)
        alerts.save_rule(store, "digits", rule, muted=True)
        alerts.mute_rule(store, "digits", "high", False)
        alerts.set_webhook(store, "digits", "https://example.org/", "error")
        with tb.init("digits", store=store.url) as run:
            log(run, [2.0])
            for one in (watch(store), watch(store)):
                for _ in range(2):
                    one.look()
        assert told(store, run) == [("high", 0)]
        (logged,) = newest_events(store, run.id, alerts.RULES_KEY, 5, ["error", "info"])
        assert logged.event.title == "high"
        assert newest_events(store, run.id, alerts.RULES_KEY, 5, ["info"]) == []
        for _ in range(2):
            alerts.acknowledge(store, run.id, [(alerts.RULES_KEY, logged.position)])
        (seen,) = alerts.read_seen(store, [run.id]).values()
        assert (seen.total, seen.has(0), seen.has(1)) == (1, True, False)
        alerts.acknowledge_all(store, run.id, {alerts.RULES_KEY: 1})
        assert alerts.read_seen(store, [run.id]) == {
            (run.id, alerts.RULES_KEY.id): alerts.Seen(1, frozenset())
        }
        assert alerts.read_webhooks(store)["digits"].level == "error"


def test_two_servers_on_one_store_tell_once(store: Store, begin: Callable[..., tb.Run]) -> None:
    run = begin()
    run.rule("high", "above", "loss", value=1.0)
    log(run, [0.0])
    servers = [watch(store), watch(store)]
    for one in servers:
        one.look()
    log(run, [2.0])
    for one in servers * 2:
        one.look()
    assert told(store, run) == [("high", 1)]


def test_a_rule_says_nothing_of_what_was_before_it(store: Store, begin: Callable[..., tb.Run]) -> None:
    run = begin()
    log(run, [5.0, 1.0, 1.0])
    alerts.save_rule(store, "digits", Rule("high", "above", "loss", value=2.0))
    alerts.save_rule(store, "digits", Rule("stuck", "no_progress", "loss", steps=3))
    rules = watch(store)
    rules.look()
    assert told(store, run) == []
    log(run, [1.0, 3.0])
    rules.look()
    assert told(store, run) == [("high", 4), ("stuck", 4)]


def test_what_swings_across_a_threshold_is_told_once_a_minute(
    store: Store, begin: Callable[..., tb.Run]
) -> None:
    run = begin()
    run.rule("high", "above", "loss", value=1.0)
    log(run, [0.0, 2.0] * 90, minutes=1 / 60)
    watch(store).look()
    events = [one.value for one in store.records(run.id, "rules", "event")]
    assert len(events) == 3 and "It held 29 more times" in events[1].text


def test_a_muted_rule_tells_nobody_and_a_deleted_one_is_gone(
    store: Store, begin: Callable[..., tb.Run]
) -> None:
    run = begin()
    for name in ("muted", "deleted", "kept"):
        alerts.save_rule(store, "digits", Rule(name, "above", "loss", value=1.0))
    alerts.mute_rule(store, "digits", "muted", True)
    alerts.delete_rule(store, "digits", "deleted")
    log(run, [2.0])
    watch(store).look()
    assert told(store, run) == [("kept", 0)]
    with pytest.raises(BadChange, match="no rule 'deleted'"):
        alerts.mute_rule(store, "digits", "deleted", True)


def test_runs_that_crash_and_runs_that_fall_silent_are_told_of(store: Store) -> None:
    alerts.save_rule(store, "digits", Rule("crashed", "crashed"))
    with pytest.raises(RuntimeError), tb.init("digits", store=store.url) as crashed:
        raise RuntimeError("out of memory")
    with tb.init("digits", store=store.url) as silent:
        silent.rule("silent", "silent", level="error")
    before = log_run(store, "before", [{"loss": 1.0}])
    with store.writing() as connection:
        connection.exec_driver_sql(
            "UPDATE runs SET status = 'running', updated_at = updated_at - 60 WHERE status = 'finished'"
        )
    alerts.save_rule(store, "digits", Rule("all silent", "silent"))
    watch(store).look()
    assert [title for title, _ in told(store, crashed)] == ["crashed"]
    assert [title for title, _ in told(store, silent)] == ["silent"]
    assert store.series(before, "event") == []  # it fell silent before anybody asked


def test_a_run_that_waits_for_its_data_is_told_of(store: Store, begin: Callable[..., tb.Run]) -> None:
    run = begin()
    run.rule("starved", "input_bound", level="error")
    run.summary["bottleneck"] = "input-bound"
    run.flush()
    watch(store).look()
    assert told(store, run) == [("starved", 0)]


def test_a_rule_that_makes_no_sense_warns_and_training_goes_on(
    store: Store, begin: Callable[..., tb.Run]
) -> None:
    run = begin()
    with pytest.warns(TrainboardWarning, match="needs a value"):
        run.rule("high", "above", "loss")
    log(run, [1.0])
    assert store.run(run.id).rules == {}


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"condition": "above", "tag": "loss"}, "needs a value"),
        ({"condition": "above", "tag": "(", "value": 1}, "no regular expression"),
        ({"condition": "above", "value": 1}, "needs a tag"),
        ({"condition": "silent", "tag": "loss"}, "takes no tag"),
        ({"condition": "never"}, "condition must be one of"),
        ({"condition": "above", "tag": "loss", "value": math.inf}, "finite"),
        ({"condition": "above", "tag": "loss", "value": "1"}, "finite number"),
        ({"condition": "no_progress", "tag": "loss"}, "needs steps or minutes"),
        ({"condition": "divergence", "tag": "loss", "value": 1}, "factor above 1"),
        ({"condition": "silent", "points": 0}, "points must be"),
        ({"condition": "silent", "colour": "red"}, "no 'colour'"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(told: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Rule.of({"name": "mine", **told})


def test_an_expression_that_never_ends_stops_its_own_rule_and_no_other(
    store: Store, begin: Callable[..., tb.Run]
) -> None:
    alerts.save_rule(store, "digits", Rule("endless", "above", "(a|aa)+b", value=1.0))
    alerts.save_rule(store, "digits", Rule("fine", "above", "a+", value=1.0))
    run = begin()
    log(run, [2.0], tag="a" * 200)
    rules = watch(store)
    rules.look()
    assert told(store, run) == [("fine", 0)]
    assert "takes too long" in rules.problems["digits", "endless"]
