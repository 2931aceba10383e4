"""Scalars of CSV files into a store: as ``export_table`` writes them, or with a column for each metric."""

from __future__ import annotations

import csv
import hashlib
import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TextIO

import numpy as np
from sqlalchemy import Connection

from .append import append_points
from .chunks import Columns
from .errors import BadChange
from .frames import FrameType
from .run_rows import apply_message, load_run, save_run, to_run_id
from .schema import clean_text
from .series import SeriesKey
from .transactions import write

if TYPE_CHECKING:
    from .store import Store

_ROWS_AT_ONCE = 20_000
_LONG = {"run", "tag", "step", "value"}
_STEPS = ("step", "_step", "global_step", "Step", "epoch")
_WALLS = ("wall_time", "_timestamp", "timestamp", "Wall time")


@dataclass
class Imported:
    """How many runs and points a file had, and its columns that hold no numbers."""

    runs: int
    points: int
    left_out: list[str]


class _Run(NamedTuple):
    id: str
    name: str
    project: str


class _Point(NamedTuple):
    run: _Run
    key: SeriesKey
    step: int
    wall: float
    value: float


def import_csv(store: Store, path: Path, project: str | None = None) -> Imported:
    """Take in all scalars of a file, in one transaction: all of them or, after an error, none.

    With columns run, tag, step and value each row is a point, with name, project, rank and wall_time as
    there are. Else the file is a run of its name, each column a tag, and the step is in one named step,
    _step, global_step or epoch, else counted. Raises ``BadChange`` for a file that is no such table, and
    where the store has one of its runs already.
    """
    try:
        return write(store, lambda connection: _take_in(connection, path, project))
    except (OSError, UnicodeDecodeError, OverflowError, csv.Error) as error:
        raise BadChange(f"'{path}' cannot be read: {error}.") from error


def _take_in(connection: Connection, path: Path, project: str | None) -> Imported:
    done = Imported(0, 0, [])
    seen: set[str] = set()
    with path.open(newline="", encoding="utf-8-sig") as file:
        points = _points(file, path, project, done)
        while some := list(islice(points, _ROWS_AT_ONCE)):
            _append(connection, some, seen, path)
            done.points += len(some)
    done.runs = len(seen)
    return done


def _points(file: TextIO, path: Path, project: str | None, done: Imported) -> Iterator[_Point]:
    reader = csv.DictReader(file)
    columns = reader.fieldnames or []
    if not columns:
        raise BadChange(f"'{path}' is empty: its first line must name its columns.")
    if set(columns) >= _LONG:
        return _long_points(reader, path, project)
    return _wide_points(reader, path, project, done.left_out)


def _long_points(reader: csv.DictReader[str], path: Path, project: str | None) -> Iterator[_Point]:
    wall = path.stat().st_mtime
    for row in reader:
        try:
            run = _Run(
                to_run_id(row["run"]), row.get("name") or row["run"], project or row.get("project") or ""
            )
            key = SeriesKey(int(row.get("rank") or 0), "scalar", clean_text(row["tag"]))
            told = row.get("wall_time")
            yield _Point(run, key, int(row["step"]), float(told) if told else wall, float(row["value"]))
        except (TypeError, ValueError, OverflowError) as error:
            raise BadChange(f"'{path}', line {reader.line_num}, is no point: {error}.") from error


def _wide_points(
    reader: csv.DictReader[str], path: Path, project: str | None, left_out: list[str]
) -> Iterator[_Point]:
    columns = reader.fieldnames or []
    run = _run_of(path, path.resolve().parent.name if project is None else project)
    step_column = next((name for name in _STEPS if name in columns), "")
    wall_column = next((name for name in _WALLS if name in columns), "")
    tags = {name: SeriesKey(0, "scalar", clean_text(name)) for name in columns}
    tags = {name: key for name, key in tags.items() if name not in (step_column, wall_column)}
    modified = path.stat().st_mtime
    for line, row in enumerate(reader):
        step, wall = _number(row.get(step_column)), _number(row.get(wall_column))
        step = line if step is None or not math.isfinite(step) else int(step)
        for name, key in list(tags.items()):
            if (value := _number(row.get(name))) is not None:
                yield _Point(run, key, step, modified if wall is None else wall, value)
            elif row.get(name):
                left_out.append(name)
                del tags[name]


def _run_of(path: Path, project: str) -> _Run:
    """The run that a file is, the same each time it is read."""
    text = f"{project}\0{path.resolve()}".encode("utf-8", "surrogateescape")
    return _Run(hashlib.blake2b(text, digest_size=16).hexdigest(), path.stem, project)


def _number(cell: str | None) -> float | None:
    try:
        return float(cell or "")
    except ValueError:
        return None


def _append(connection: Connection, points: list[_Point], seen: set[str], path: Path) -> None:
    by_run: dict[_Run, dict[SeriesKey, list[_Point]]] = defaultdict(lambda: defaultdict(list))
    for point in points:
        by_run[point.run][point.key].append(point)
    for run, of_run in by_run.items():
        row = load_run(connection, run.id)
        if run.id not in seen:
            if row["revision"]:
                raise BadChange(f"Run '{run.id}' of '{path}' is in the store already: nothing was imported.")
            seen.add(run.id)
            apply_message(row, FrameType.RUN, {"project": run.project, "name": run.name}, 0, [])
        columns = {key: _columns(some) for key, some in of_run.items()}
        walls = [wall for each in columns.values() for wall in each.walls.tolist() if math.isfinite(wall)]
        row["created_at"] = min([row["created_at"], *walls])
        row["ended_at"] = max([row["ended_at"] or -math.inf, *walls, 0.0])
        row["status"] = "finished"
        save_run(connection, row)
        append_points(connection, run.id, columns)


def _columns(points: list[_Point]) -> Columns:
    steps, walls, values = zip(*(point[2:] for point in points), strict=True)
    return Columns(np.array(steps, np.int64), np.array(walls, float), np.array(values, float))
