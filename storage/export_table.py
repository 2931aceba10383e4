"""The scalars of a store as a table in a file, written in parts that fit into memory."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from .blocks import blocks
from .errors import BadChange, MissingExtra, TrainboardError
from .location import without_password
from .lookup import series_row
from .series import Points, RunRecord, SeriesKey, SeriesRecord
from .tag_filter import tag_filter

if TYPE_CHECKING:
    from .store import Store

Format = Literal["csv", "parquet", "jsonl"]
COLUMNS = ("run", "name", "project", "tag", "rank", "step", "wall_time", "value")


class Part(NamedTuple):
    """Some points of one series: what they have in common, and their columns."""

    labels: tuple[str, str, str, str, int]
    points: Points

    def rows(self) -> Iterator[tuple[Any, ...]]:
        columns = (self.points.step, self.points.wall_time, self.points.value)
        for numbers in zip(*(column.tolist() for column in columns), strict=True):
            yield *self.labels, *numbers


def write_table(
    store: Store,
    path: Path,
    format: Format,
    runs: Sequence[str] | None = None,
    tags: Iterable[str] | None = None,
) -> int:
    """Write a row for each point, sorted by step in each series; returns how many.

    Columns are run (its id), name, project, tag, rank, step, wall_time (seconds since the epoch) and value.
    ``runs`` and ``tags`` are as ``export_tensorboard`` takes them. The file appears when it is whole.
    Raises ``MissingExtra`` without pyarrow for Parquet, ``RunNotFound`` and ``TrainboardError``.
    """
    for run in runs or ():
        store.run(run)  # says which there are
    partial = path.with_name(f"{path.name}.partial")
    rows = 0
    try:
        with _WRITERS[format](partial) as write:
            for part in _parts(store, runs, tags):
                write(part)
                rows += len(part.points.step)
        os.replace(partial, path)
    except OSError as error:
        raise BadChange(f"'{path}' cannot be written: {error.strerror or error}.") from error
    finally:
        partial.unlink(missing_ok=True)
    return rows


def _parts(store: Store, runs: Sequence[str] | None, tags: Iterable[str] | None) -> Iterator[Part]:
    wanted = tag_filter(tags)
    for run in store.runs(archived=True, ids=runs):
        for found in store.series(run.id, "scalar"):
            if wanted(found.tag):
                yield from _of_series(store, run, found)


def _of_series(store: Store, run: RunRecord, found: SeriesRecord) -> Iterator[Part]:
    key = SeriesKey(found.rank, found.kind, found.tag)
    labels = (run.id, run.name, run.project, found.tag, found.rank)
    with store.reading() as connection:
        for points in blocks(connection, series_row(connection, run.id, key, without_password(store.url))):
            yield Part(labels, points)


@contextmanager
def _csv(path: Path) -> Iterator[Callable[[Part], object]]:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        yield lambda part: writer.writerows(part.rows())


@contextmanager
def _jsonl(path: Path) -> Iterator[Callable[[Part], object]]:
    """An object a line; NaN and infinities, for which JSON has no numbers, as text."""
    with path.open("w", encoding="utf-8") as file:

        def write(part: Part) -> None:
            for row in part.rows():
                told = dict(zip(COLUMNS, row, strict=True))
                told |= {name: _json_number(told[name]) for name in ("wall_time", "value")}
                file.write(json.dumps(told) + "\n")

        yield write


def _json_number(number: float) -> float | str:
    return number if abs(number) < float("inf") else str(number)


@contextmanager
def _parquet(path: Path) -> Iterator[Callable[[Part], object]]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise MissingExtra("Parquet needs pyarrow: pip install 'trainboard[parquet]'.") from error
    label = pyarrow.dictionary(pyarrow.int32(), pyarrow.string())
    types = [label] * 4 + [pyarrow.int32(), pyarrow.int64(), pyarrow.float64(), pyarrow.float64()]
    schema = pyarrow.schema(list(zip(COLUMNS, types, strict=True)))

    def columns(part: Part) -> list[Any]:
        count = len(part.points.step)
        constant = [pyarrow.repeat(value, count) for value in part.labels]
        return [*constant, part.points.step, part.points.wall_time, part.points.value]

    try:
        with pyarrow.parquet.ParquetWriter(path, schema) as writer:
            yield lambda part: writer.write_table(
                pyarrow.table(
                    [pyarrow.array(c).cast(t) for c, t in zip(columns(part), types, strict=True)], schema
                )
            )
    except pyarrow.ArrowException as error:
        raise TrainboardError(f"'{path}' cannot be written: {error}") from error


_WRITERS = {"csv": _csv, "jsonl": _jsonl, "parquet": _parquet}
