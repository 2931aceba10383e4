"""A store asked in SQL gives what it holds, and nothing that is said in SQL can change it or stall it."""

from __future__ import annotations

import csv
import io
import json
import math
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trainboard.cli import main
from trainboard.storage import Store, open_store
from trainboard.storage.append import append_points
from trainboard.storage.chunks import Columns
from trainboard.storage.run_rows import load_run
from trainboard.storage.series import SeriesKey
from trainboard.storage.sql import QueryFailed


def add_run(store: Store, make: Any, run: str, scale: float) -> None:
    made = make(run=run, project="digits", name=f"name of {run}", config={"lr": scale, "bad": math.nan})
    for step, value in enumerate((1.0, math.nan, math.inf, -math.inf, 1 / 3)):
        made.scalars(step, {"loss": value * scale, "it's": float(step)}, wall=1e9 + step / 7)
    store.ingest(run).feed(0, made.data, 0)


@pytest.fixture
def store(tmp_path: Path, segment: Any) -> Iterator[Store]:
    opened = open_store(tmp_path / "store.db", create=True)
    add_run(opened, segment, "one", 1.0)
    add_run(opened, segment, "two", 2.0)
    yield opened
    opened.close()


def test_scalars_are_what_points_gives_bit_for_bit(store: Store) -> None:
    asked = "SELECT step, wall_time, value FROM scalars WHERE run = 'one' AND tag = 'loss' ORDER BY step"
    rows = store.query(asked).rows
    points = store.points("one", "loss")
    assert [row[0] for row in rows] == points.step.tolist()
    assert [row[1] for row in rows] == points.wall_time.tolist()
    assert [row[2] for row in rows] == [1.0, None, math.inf, -math.inf, 1 / 3]


def test_relations_join_by_run_and_group_by_name(store: Store) -> None:
    answer = store.query(
        "SELECT s.name, r.config ->> '$.lr' AS lr, max(s.step) AS last, count(*) AS n "
        "FROM scalars s JOIN runs r USING (run) WHERE s.tag = 'loss' GROUP BY s.name ORDER BY s.name;"
    )
    assert answer.columns == ["name", "lr", "last", "n"]
    assert answer.rows == [("name of one", 1.0, 4, 5), ("name of two", 2.0, 4, 5)]
    assert store.query("SELECT count FROM series WHERE tag = 'it''s'").rows == [(5,), (5,)]
    assert store.query("SELECT config ->> '$.bad' FROM runs").rows[0] == ("nan",)


def test_deleted_runs_are_in_no_relation(store: Store) -> None:
    store.delete_runs(["one"], force=True)
    for relation in ("runs", "series", "scalars"):
        assert store.query(f"SELECT DISTINCT run FROM {relation}").rows == [("two",)]


def test_scalars_of_chosen_runs_and_tags(store: Store) -> None:
    found = store.query("SELECT DISTINCT run, tag FROM scalars", runs=["two"], tags=["it's"]).rows
    assert found == [("two", "it's")]


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM runs",
        "UPDATE runs SET name = 'x'",
        "INSERT INTO main.runs SELECT * FROM main.runs",
        "DROP TABLE chunks",
        "CREATE TABLE mine (x)",
        "CREATE TEMP TABLE mine (x)",
        "ATTACH 'other.db' AS other",
        "PRAGMA journal_mode = DELETE",
        "PRAGMA table_info(runs)",
        "SELECT load_extension('x')",
        "SELECT points_of(x'00', 1)",
        "SELECT name FROM main.runs",
        "SELECT name FROM pragma_table_info('runs')",
        "SELECT sql FROM sqlite_master",
        "WITH scalars AS (SELECT name FROM main.runs) SELECT * FROM scalars",
        "SELECT 1; DELETE FROM runs",
        "BEGIN",
        "VACUUM INTO 'copy.db'",
        "no SQL",
        "",
        "SELECT \0",
    ],
)
def test_only_a_select_of_the_relations_is_allowed(statement: str, store: Store) -> None:
    before = list(store.revisions())
    with pytest.raises(QueryFailed):
        store.query(statement)
    assert list(store.revisions()) == before
    assert not Path("copy.db").exists()


def test_a_query_without_end_is_ended(store: Store) -> None:
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
    with pytest.raises(QueryFailed, match=r"took longer than 0\.3 s"):
        store.query(endless, seconds=0.3)
    with pytest.raises(QueryFailed):
        store.query("SELECT zeroblob(1000000000)")


def test_more_rows_than_the_limit_are_cut_and_told(store: Store) -> None:
    answer = store.query("SELECT step FROM scalars", limit=3)
    assert (len(answer.rows), answer.truncated) == (3, True)
    assert not store.query("SELECT run FROM runs", limit=2).truncated


def test_a_long_series_is_read_in_bounded_memory(store: Store) -> None:
    count = 300_000
    with store.writing() as connection:
        load_run(connection, "long")
        points = Columns(np.arange(count), np.arange(count) / 7, np.random.default_rng(0).normal(size=count))
        append_points(connection, "long", {SeriesKey(0, "scalar", "loss"): points})
    tracemalloc.start()
    answer = store.query("SELECT count(*), max(step) FROM scalars WHERE run = 'long'")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert answer.rows == [(count, count - 1)]
    assert peak < 8 << 20


def test_the_command_prints_tables_json_csv_and_parquet(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="pip install 'trainboard[parquet]'")
    asked = "SELECT name, step, value FROM scalars WHERE tag = 'loss' ORDER BY name, step"
    words = ["query", asked, "--store", store.url]

    def printed(*more: str) -> str:
        assert main([*words, *more]) == 0
        return capsys.readouterr().out

    assert "name of one" in printed()
    answer = json.loads(printed("--json"), parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert answer["columns"] == ["name", "step", "value"]
    assert answer["rows"][2] == ["name of one", 2, "inf"]
    rows = list(csv.DictReader(io.StringIO(printed("--csv"))))
    assert (len(rows), rows[0]) == (10, {"name": "name of one", "step": "0", "value": "1.0"})
    printed("--parquet", str(tmp_path / "out.parquet"))
    assert parquet.read_table(tmp_path / "out.parquet").column("value").to_pylist()[4] == 1 / 3
    assert main([*words, "--run", "name of two", "--limit", "2", "--csv"]) == 0
    out, err = capsys.readouterr()
    assert out.count("name of two") == 2 and "more than these 2 rows" in err
    assert main(["query", "DROP TABLE runs", "--store", store.url]) == 2


def test_many_rows_are_printed_a_line_each_however_narrow_the_terminal(
    store: Store, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
    asked = f"{numbers} SELECT i, i || ' of many rows that are wide' AS words FROM n"
    assert main(["query", asked, "--limit", "2000", "--store", store.url]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["i", "words"]
    assert lines[1:] == [f"{i:<4}  {i} of many rows that are wide" for i in range(1, 2001)]
