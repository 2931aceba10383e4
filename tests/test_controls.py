"""Knobs and buttons: asked for in the store or on the dashboard, applied by the program between steps."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from dashboard_fixtures import eventually

import trainboard as tb
from trainboard.loggers.warn import TrainboardWarning
from trainboard.storage import Store
from trainboard.storage.errors import BadChange, RunNotFound


@pytest.fixture
def store(tmp_path: Path) -> Any:
    opened = tb.open_store(tmp_path / "a.db", create=True)
    yield opened
    opened.close()


@pytest.fixture
def run(store: Store) -> Any:
    with tb.init(store=store.url) as begun:
        yield begun


def log_until(run: tb.Run, is_true: Callable[[], Any]) -> None:
    """Train on until something is so."""

    def train() -> bool:
        run.log({"loss": 1.0})
        run.flush()
        return bool(is_true())

    eventually(train)


def test_a_knob_turned_in_the_store_turns_in_the_program(run: tb.Run, store: Store) -> None:
    lr = run.knob("lr", 1e-3, min=1e-5, max=1e-1)
    run.flush()
    store.request(run.id, "lr", 1e-4)
    log_until(run, lambda: lr.value == 1e-4)
    assert float(lr) == 1e-4
    log_until(run, lambda: store.run(run.id).controls["lr"]["applied"] == 1)
    assert store.run(run.id).controls["lr"]["value"] == 1e-4


def test_a_knob_only_turns_between_steps(run: tb.Run, store: Store) -> None:
    lr = run.knob("lr", 1.0)
    run.flush()
    store.request(run.id, "lr", 2.0)
    controls = run._controls
    assert controls is not None
    eventually(lambda: controls.last_request >= 1)
    assert lr.value == 1.0
    run.log({"loss": 1.0}, commit=False)
    assert lr.value == 1.0
    run.log({"loss": 1.0})
    assert lr.value == 2.0


def test_every_turn_is_drawn_and_journalled_at_its_step(run: tb.Run, store: Store) -> None:
    lr = run.knob("lr", 1.0)
    run.log({"loss": 1.0}, step=41)
    run.flush()
    store.request(run.id, "lr", 0.5)
    log_until(run, lambda: lr.value == 0.5)
    run.flush()
    points = store.points(run.id, "knobs/lr")
    assert points.value.tolist() == [1.0, 0.5]
    (event,) = store.records(run.id, "controls", "event")
    assert event.value.title == "lr turned from 1 to 0.5" and event.step == points.step[1] > 41
    assert [request.value for request in store.requests(run.id)] == [0.5]


def test_a_button_is_pressed_once_for_each_request(run: tb.Run, store: Store) -> None:
    pressed: list[int] = []
    run.button("checkpoint", lambda: pressed.append(1))
    run.flush()
    store.request(run.id, "checkpoint")
    store.request(run.id, "checkpoint")
    log_until(run, lambda: store.run(run.id).controls["checkpoint"]["applied"] == 2)
    assert len(pressed) == 2


def test_a_button_that_fails_warns_and_training_goes_on(run: tb.Run, store: Store) -> None:
    run.button("evaluate", lambda: 1 / 0)
    run.flush()
    store.request(run.id, "evaluate")
    with pytest.warns(TrainboardWarning, match="evaluate.*division by zero"):
        log_until(run, lambda: store.run(run.id).controls["evaluate"]["applied"] == 1)


def test_a_button_can_stop_training_between_two_steps(run: tb.Run, store: Store) -> None:
    def stop() -> None:
        raise tb.StopTraining

    run.button("stop", stop)
    run.flush()
    store.request(run.id, "stop")
    with pytest.raises(tb.StopTraining):
        log_until(run, lambda: False)
    run.flush()
    assert store.run(run.id).controls["stop"]["applied"] == 1


@pytest.mark.parametrize(
    ("control", "value", "message"),
    [
        ("lr", 1.0, "from 0.001 to 0.1"),
        ("lr", None, "takes a finite number"),
        ("lr", float("nan"), "takes a finite number"),
        ("stop", 1.0, "takes no value"),
        ("speed", 1.0, "no control 'speed'; it has 'lr', 'stop'"),
    ],
)
def test_a_request_that_makes_no_sense_is_refused(
    run: tb.Run, store: Store, control: str, value: float | None, message: str
) -> None:
    run.knob("lr", 0.01, min=0.001, max=0.1)
    run.button("stop", lambda: None)
    run.flush()
    with pytest.raises(BadChange, match=message):
        store.request(run.id, control, value)
    assert store.requests(run.id) == []


def test_a_run_that_is_over_or_unknown_takes_no_requests(store: Store) -> None:
    with tb.init(store=store.url) as run:
        run.knob("lr", 1.0)
    with pytest.raises(BadChange, match="not running"):
        store.request(run.id, "lr", 2.0)
    with pytest.raises(RunNotFound):
        store.request("nobody", "lr", 2.0)


def test_a_resumed_run_does_not_repeat_what_was_asked_of_it_before(store: Store) -> None:
    pressed: list[str] = []
    with tb.init(store=store.url, id="one") as run:
        run.button("stop", lambda: pressed.append("first"))
        run.flush()
        store.request("one", "stop")
        log_until(run, lambda: pressed)
    with tb.init(store=store.url, id="one", resume="must") as run:
        run.button("stop", lambda: pressed.append("second"))
        run.flush()
        store.request("one", "stop")
        log_until(run, lambda: store.run("one").controls["stop"]["applied"] == 2)
    assert pressed == ["first", "second"]


def test_the_same_knob_asked_for_again_is_the_same_knob(run: tb.Run) -> None:
    assert run.knob("lr", 1.0) is run.knob("lr", 2.0)


@pytest.mark.parametrize(
    ("bounds", "error"),
    [
        ({"value": 5, "max": 1}, ValueError),
        ({"value": float("nan")}, ValueError),
        ({"value": "x"}, TypeError),
    ],
)
def test_a_knob_that_makes_no_sense_is_refused(run: tb.Run, bounds: dict[str, Any], error: type) -> None:
    with pytest.raises(error):
        run.knob("lr", **bounds)


def test_a_program_without_controls_asks_the_store_for_none(run: tb.Run) -> None:
    assert run._drain is not None and run._drain._hears is None
