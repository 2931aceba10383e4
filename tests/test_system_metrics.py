"""Samples of the machine, logged beside what the program logs."""

from __future__ import annotations

import threading
from contextlib import closing
from pathlib import Path

import pytest
from dashboard_fixtures import eventually

import trainboard as tb
from trainboard.storage import Store


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.db"


def wait_for_samples(run: tb.Run, store: Store, count: int) -> set[str]:
    """The tags of the machine's state, once each has ``count`` samples."""
    counts: dict[str, int] = {}

    def are_there() -> bool:
        run.flush()
        counts.update({s.tag: s.count for s in store.series(run.id) if s.tag.startswith("system/")})
        return bool(counts) and min(counts.values()) >= count

    eventually(are_there)
    return set(counts)


def test_processor_and_memory_are_sampled_while_a_run_trains(path: Path) -> None:
    with tb.init(store=path, system_every=0.1) as run:
        run.flush()
        with closing(tb.open_store(path)) as store:
            tags = wait_for_samples(run, store, 2)
            assert {"system/cpu", "system/memory", "system/process_cpu"} <= tags
            memory = store.points(run.id, "system/process_memory_gb").value
            assert 0.01 < memory[-1] < 100


def test_samples_stand_at_the_step_the_program_is_at(path: Path) -> None:
    with tb.init(store=path, system_every=0.1) as run:
        run.log({"loss": 1.0}, step=500)
        run.flush()
        with closing(tb.open_store(path)) as store:
            wait_for_samples(run, store, 1)
            assert store.points(run.id, "system/cpu").step[-1] == 500
        run.log({"loss": 1.0})
    with closing(tb.open_store(path)) as store:
        assert store.points(run.id, "loss").step.tolist() == [500, 501]


def test_a_run_that_ends_is_no_longer_sampled(path: Path) -> None:
    run = tb.init(store=path, system_every=0.1)
    run.flush()
    with closing(tb.open_store(path)) as store:
        wait_for_samples(run, store, 1)
    run.finish()
    assert "trainboard-system" not in {thread.name for thread in threading.enumerate()}


def test_the_environment_can_switch_samples_off(path: Path) -> None:
    with tb.init(store=path) as run:
        assert run._system is None


@pytest.mark.parametrize(("given", "error"), [("often", TypeError), (-1, ValueError), (0.01, ValueError)])
def test_an_interval_that_makes_no_sense_is_refused(path: Path, given: object, error: type) -> None:
    with pytest.raises(error, match="system_every"):
        tb.init(store=path, system_every=given)  # type: ignore[arg-type]
