"""Filters of runs: what people type finds the runs they mean, on every engine, and an error says where."""

from __future__ import annotations

import math
import re
import time
from contextlib import closing
from typing import Any

import pytest
from conftest import Segment

import trainboard as tb
from trainboard.storage import Store, open_store
from trainboard.storage.errors import BadFilter
from trainboard.storage.frames import FrameType
from trainboard.storage.natural_order import in_order
from trainboard.storage.run_table import Metric, TableQuery

CONFIGS: dict[str, dict[str, Any]] = {
    "adam-1": {"lr": 0.001, "optimizer": {"name": "adam"}, "amp": True, "layers": [64, 64]},
    "adam-2": {"lr": 0.1, "optimizer": {"name": "adam"}, "amp": False, 'odd "key"': 1},
    "sgd-1": {"lr": "auto", "optimizer.name": "sgd", "note": ",NaN, \U0001f642 \ud83d \x00 \\u0000"},
    "sgd-2": {"lr": math.nan, "limit": math.inf, "big": 10**400},
}


@pytest.fixture(scope="module")
def filled(shared_store_url: str, segment: type[Segment]) -> Store:
    store = open_store(shared_store_url, create=True)
    for number, (name, config) in enumerate(CONFIGS.items()):
        about: dict[str, Any] = {"project": "p", "name": name, "created_at": time.time() - 1000 * number}
        said = segment(name, **about, config=config, tags=["a b"] if number == 0 else ["c"])
        said.scalars(0, {"train/loss": float(number)})
        said.scalars(1, {"train/loss": 10.0 - number})
        if name == "sgd-2":
            said.scalars(2, {"train/loss": math.nan})
        said.say(FrameType.FINISH, {"status": "crashed" if name == "sgd-1" else "finished"})
        store.ingest(name).feed(0, said.data, 0)
    return store


def found(store: Store, where: str) -> list[str]:
    return sorted(run.name for run in store.runs(where=where))


@pytest.mark.parametrize(
    ("where", "names"),
    [
        ("", "adam-1 adam-2 sgd-1 sgd-2"),
        ("config.lr > 1e-3", "adam-2"),
        ("config.lr >= 1e-3 and status = finished", "adam-1 adam-2"),
        ("config.lr < 1 or status = 'crashed'", "adam-1 adam-2 sgd-1"),
        ("not config.lr < 1", "sgd-1 sgd-2"),
        ("config.lr != 0.1", "adam-1 sgd-1 sgd-2"),
        ("config.lr = auto", "sgd-1"),
        ("config.optimizer.name = adam", "adam-1 adam-2"),
        ("config.optimizer.name in [sgd, 'adam']", "adam-1 adam-2 sgd-1"),
        ("config.optimizer.name not in [sgd]", "adam-1 adam-2 sgd-2"),
        ("config.amp = true", "adam-1"),
        ("config.amp = null", "sgd-1 sgd-2"),
        ("config.layers = '[64, 64]'", "adam-1"),
        ("config.layers ~ /6.,/", "adam-1"),
        (r"config.'odd \"key\"' = 1", "adam-2"),
        ("config.big > 1e300", "sgd-2"),
        ("config.note ~ NaN or config.note ~ 'null'", "sgd-1"),
        ("tag = 'a b'", "adam-1"),
        ("tag != c", "adam-1"),
        ("name ~ '^adam-[0-9]$'", "adam-1 adam-2"),
        ("/^sgd/", "sgd-1 sgd-2"),
        ("name !~ adam", "sgd-1 sgd-2"),
        ("ADAM", "adam-1 adam-2"),
        ("sgd crashed", "sgd-1"),
        ("adam or (crashed sgd)", "adam-1 adam-2 sgd-1"),
        ("last.train/loss > 8.5", "adam-1 adam-2"),
        ("min.train/loss >= 2", "sgd-1 sgd-2"),
        ("max_step.train/loss = 1", "adam-1 adam-2 sgd-1 sgd-2"),
        ("last.train/loss = null", "sgd-2"),
        ("summary.train/loss = 10", "adam-1"),
        ("age < 25m and age > 10m", "adam-2"),
        ("created > '2020-01-01' and created < 2100-01-01", "adam-1 adam-2 sgd-1 sgd-2"),
        ("archived = true", ""),
        ("config.nothing = 1; DROP TABLE runs", ""),
        ("'; DROP TABLE runs; --'", ""),
    ],
)
def test_a_filter_finds_the_runs_it_says(filled: Store, where: str, names: str) -> None:
    assert found(filled, where) == names.split()


@pytest.mark.parametrize(
    ("where", "position", "says"),
    [
        ("config.lr >", 11, "a value is expected"),
        ("lr > 1", 0, "there is no field 'lr'"),
        ("config = 1", 0, "no field 'config'"),
        ("name = 'abc", 7, "never closed"),
        ("(name = a", 9, "')' is expected"),
        ("name = a)", 8, "not expected"),
        ("and", 0, "a condition is expected"),
        ("name ~ '('", 9, "regular expression"),
        ("name = 3", 7, "needs quotes"),
        ("name ~ 3", 7, "needs quotes"),
        ("created > soon", 10, "no time"),
        ("min.loss = 'a'", 0, "is a number"),
        ("name < null", 7, "null"),
        ("(" * 50 + "a" + ")" * 50, 31, "too many parts"),
        ("a " * 150, 200, "too many parts"),
        ("a" * 5_000, 0, "at most"),
    ],
)
def test_an_error_names_the_place(filled: Store, where: str, position: int, says: str) -> None:
    with pytest.raises(BadFilter, match=re.escape(says)) as wrong:
        filled.runs(where=where)
    assert wrong.value.position == position


def test_a_pattern_that_takes_too_long_is_given_up(
    filled: Store, segment: type[Segment], monkeypatch: pytest.MonkeyPatch
) -> None:
    if filled.url.startswith("postgresql"):
        pytest.skip("PostgreSQL's own patterns take no such time")
    monkeypatch.setattr("trainboard.storage.run_filter.SECONDS", 0.3)
    filled.note_run("sgd-2", "a" * 10_000)
    with pytest.raises(BadFilter, match="takes longer"):
        filled.runs(where="notes ~ /(?:a|aa)+b/")
    filled.note_run("sgd-2", "")


def names_of(store: Store, **asked: Any) -> list[str]:
    return [row.name for row in store.run_table(TableQuery(**asked)).rows]


def test_texts_are_sorted_as_people_count(store_url: str, segment: type[Segment]) -> None:
    names = ["run-2", "Run-10", "lr0.9", "lr0.10", "run-3b", "run", f"run-{'9' * 25}", f"run-{'0' * 20}4"]
    with closing(open_store(store_url, create=True)) as store:
        for name in names:
            said = segment(name, name=name, config={"model": name})
            store.ingest(name).feed(0, said.data, 0)
        counted = ["lr0.9", "lr0.10", "run", "run-2", "run-3b", names[7], "Run-10", names[6]]
        for field in ("name", "config.model"):
            assert names_of(store, order=[(field, False)]) == counted
            assert names_of(store, order=[(field, True)]) == counted[::-1]
    assert in_order(names) == counted


def test_a_table_is_sorted_by_any_field_with_missing_values_last(filled: Store) -> None:
    assert names_of(filled) == ["adam-1", "adam-2", "sgd-1", "sgd-2"]
    assert names_of(filled, order=[("name", True)]) == ["sgd-2", "sgd-1", "adam-2", "adam-1"]
    assert names_of(filled, order=[("config.lr", False)])[:3] == ["adam-1", "adam-2", "sgd-1"]
    assert names_of(filled, order=[("config.lr", True)])[:2] == ["adam-2", "adam-1"]
    assert names_of(filled, order=[("last.train/loss", False)]) == ["sgd-1", "adam-2", "adam-1", "sgd-2"]
    assert names_of(filled, order=[("status", False), ("name", True)])[0] == "sgd-1"
    with pytest.raises(BadFilter):
        names_of(filled, order=[("shoe size", False)])


def test_a_part_of_a_table_has_its_total_and_its_metrics(filled: Store) -> None:
    low, high = Metric("train/loss", "minimum"), Metric("train/loss", "maximum")
    page = filled.run_table(TableQuery(where="sgd", limit=1, offset=1, metrics=[low, high, Metric("none")]))
    assert [row.name for row in page.rows] == ["sgd-2"] and page.total == 2
    assert page.rows[0].metrics == {low: 3.0, high: 7.0}
    assert page.rows[0].config["big"] == 10**400


def test_python_programs_take_filters(filled: Store) -> None:
    assert [run.name for run in tb.open_store(filled.url).runs("p", "config.lr > 0.01")] == ["adam-2"]


def test_rows_say_how_many_runs_are_older_whatever_the_order_and_the_page(
    filled: Store, segment: type[Segment]
) -> None:
    """Runs of one moment count by their ids, as they are listed; those of another project do not."""
    for number in range(6):
        said = segment(f"q{number}", project="q", name=f"q{number}", created_at=1e9 + number // 3)
        filled.ingest(f"q{number}").feed(0, said.data, 0)
    listed = filled.run_table(TableQuery("q", order=[("name", False)]))
    assert listed.older == [2, 1, 0, 5, 4, 3]
    assert filled.run_table(TableQuery("q", limit=2, offset=3)).older == [2, 1]
    together = filled.run_table(TableQuery(where="name in [q4, adam-1]"))
    assert dict(zip([row.name for row in together.rows], together.older, strict=True)) == {
        "adam-1": 3,
        "q4": 4,
    }
