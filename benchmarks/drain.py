"""How many points a second go from a spool into a store, beside other ways to keep as many points.

``python -m benchmarks.drain`` prints the table. The PostgreSQL server is one of its own, with its settings
as they come; where none is installed its rows are left out. Peers write what a point is and no more:
SummaryWriter its event file, and a table with a row a point and an index, the layout of MLflow's and of
most others, by the quickest way its database has.
"""

from __future__ import annotations

import json
import os
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from .measure import Row, median_of, table

SERIES, STEPS, FEWER_STEPS = 20, 100_000, 5_000
BATCH = 10_000
TAGS = [f"metrics/value_{number}" for number in range(SERIES)]
CASES = [
    ("trainboard, spool to SQLite", "to_sqlite"),
    ("trainboard, spool to PostgreSQL", "to_postgresql"),
    ("SQLite, a row a point, executemany", "rows_in_sqlite"),
    ("PostgreSQL, a row a point, COPY", "rows_in_postgresql"),
    ("SummaryWriter, event file", "event_file"),
]
_ROWS = (
    "CREATE TABLE metrics (run text, tag text, step bigint, wall double precision, value double precision)"
)
_INDEX = "CREATE INDEX by_tag ON metrics (run, tag, step)"


def to_sqlite(folder: Path) -> float:
    return _drain(f"sqlite:///{folder / 'store.db'}")


def to_postgresql(folder: Path) -> float:
    os.environ["TRAINBOARD_DIR"] = str(folder)
    with tests_postgresql(fsync="on") as server:
        return _drain(server.new_database())


def _drain(url: str) -> float:
    """Log to a spool first, then drain it as the next program would a dead one's."""
    import trainboard
    from trainboard.storage import open_store
    from trainboard.storage.spools import adopt_orphans

    with trainboard.init(store=url, mode="offline") as run:
        for step in range(STEPS):
            run.log({tag: step + number / 7 for number, tag in enumerate(TAGS)}, step)
    store = open_store(url, create=True)
    begin = time.perf_counter()
    adopt_orphans(store)
    took = time.perf_counter() - begin
    kept = sum(series.count for series in store.series(run.id))
    assert kept == STEPS * SERIES, f"{kept} of {STEPS * SERIES} points were kept"
    return kept / took


def rows_in_sqlite(folder: Path) -> float:
    with sqlite3.connect(folder / "rows.db") as database:
        for statement in ("PRAGMA journal_mode = WAL", "PRAGMA synchronous = NORMAL", _ROWS, _INDEX):
            database.execute(statement)

        def insert(rows: list[tuple[Any, ...]]) -> None:
            database.executemany("INSERT INTO metrics VALUES (?, ?, ?, ?, ?)", rows)
            database.commit()

        return _rate(insert)


def rows_in_postgresql(folder: Path) -> float:
    import psycopg

    with tests_postgresql(fsync="on") as server, psycopg.connect(server.new_database()) as connection:
        for statement in (_ROWS, _INDEX):
            connection.execute(statement.encode())

        def copy(rows: list[tuple[Any, ...]]) -> None:
            with connection.cursor().copy("COPY metrics FROM STDIN") as into:
                for row in rows:
                    into.write_row(row)
            connection.commit()

        return _rate(copy)


def _rate(store: Callable[[list[tuple[Any, ...]]], None]) -> float:
    """Points a second, the making of the rows not counted."""
    took = 0.0
    for rows in _batches():
        begin = time.perf_counter()
        store(rows)
        took += time.perf_counter() - begin
    return STEPS * SERIES / took


def _batches() -> Iterator[list[tuple[Any, ...]]]:
    for start in range(0, STEPS, BATCH // SERIES):
        steps = range(start, min(start + BATCH // SERIES, STEPS))
        yield [("run", tag, step, 1.8e9 + step, step + n / 7) for step in steps for n, tag in enumerate(TAGS)]


def event_file(folder: Path) -> float:
    from torch.utils.tensorboard import SummaryWriter

    writer = SummaryWriter(str(folder))
    begin = time.perf_counter()
    for step in range(FEWER_STEPS):
        for number, tag in enumerate(TAGS):
            writer.add_scalar(tag, step + number / 7, step)
    writer.close()
    return FEWER_STEPS * SERIES / (time.perf_counter() - begin)


def tests_postgresql(**settings: object) -> Any:
    """The tests' own server; with ``fsync="on"`` it syncs its files as any other does."""
    sys.path.append(str(Path(__file__).resolve().parents[1] / "tests"))
    from postgresql_server import PostgreSQLServer

    return PostgreSQLServer(**settings)


def report(repeats: int) -> str:
    own = Path("/usr/lib/postgresql").is_dir()
    cases = [case for case in CASES if own or "PostgreSQL" not in case[0]]
    rates = {name: median_of(repeats, "benchmarks.drain", case)["points/s"] for name, case in cases}
    peer = rates["SummaryWriter, event file"]
    rows: list[Row] = [(name, f"{rate:,.0f}", f"{rate / peer:,.1f}") for name, rate in rates.items()]
    title = f"Keeping {STEPS * SERIES:,} points of {SERIES} series"
    return table(title, ("", "points a second", "SummaryWriter = 1"), rows)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        folder, name = sys.argv[1:]
        print(json.dumps({"points/s": globals()[name](Path(folder))}))
    else:
        print(report(repeats=3))
