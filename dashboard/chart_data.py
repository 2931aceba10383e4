"""What a chart shows, to be taken away: every point as CSV, JSON or Parquet."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..storage.errors import MissingExtra, TooLarge
from .cards.scalar import MERGES
from .derived import derive
from .formula import parse

if TYPE_CHECKING:
    from ..storage import Store

MAX_POINTS = 5_000_000
COLUMNS = ("run", "name", "source", "rank", "step", "wall_time", "value")

Column = NDArray[Any]


@dataclass(frozen=True)
class Drawn:
    """One line of a chart: a tag of a run, or a formula over its tags, and how it looks.

    ``name`` is the run's and ``label`` what the chart calls the line. ``rank`` is a number, or one of
    ``MERGES`` for the tag over all ranks; ``dash`` numbers the pattern and ``right`` says that the line
    belongs to the right axis.
    """

    run: str
    name: str
    source: str
    label: str = ""
    rank: int | str = 0
    formula: bool = False
    color: str = "#226dc9"
    dash: int = 0
    right: bool = False


class Told(NamedTuple):
    """A line and its points, sorted by step."""

    line: Drawn
    step: NDArray[np.int64]
    wall_time: NDArray[np.float64]
    value: NDArray[np.float64]


def read(store: Store, lines: Sequence[Drawn]) -> list[Told]:
    """All points of these lines. Raises ``RunNotFound``, ``SeriesNotFound`` and ``TooLarge``."""
    told: list[Told] = []
    count = 0
    for line in lines:
        points = _points(store, line)
        count += len(points.step)
        if count > MAX_POINTS:
            raise TooLarge(f"This chart has more than {MAX_POINTS:,} points: show fewer runs.")
        told.append(points)
    return told


def _points(store: Store, line: Drawn) -> Told:
    if line.formula:
        found = derive(store, line.run, parse(line.source), width=MAX_POINTS).columns
        return Told(line, found[0].astype(np.int64), found[1], found[2])
    if isinstance(line.rank, str):
        ranks = store.rank_points(line.run, line.source, width=None)
        merged = (ranks.mean, ranks.minimum, ranks.maximum, ranks.sum)
        values: dict[str, Any] = dict(zip(MERGES, merged, strict=True))
        return Told(line, ranks.step, ranks.wall_time, values[line.rank])
    points = store.points(line.run, line.source, rank=line.rank)
    return Told(line, points.step, points.wall_time, points.value)


def to_csv(told: Sequence[Told]) -> bytes:
    """One row a point, with a header; numbers can be read back exactly."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(_rows(told))
    return text.getvalue().encode()


def _rows(told: Sequence[Told]) -> Iterator[tuple[Any, ...]]:
    for line, *columns in told:
        for point in zip(*(column.tolist() for column in columns), strict=True):
            yield line.run, line.name, line.source, line.rank, *point


def to_json(told: Sequence[Told]) -> bytes:
    """A list of lines, each with its points as columns; NaN and infinities are text."""
    said = [
        {"run": line.run, "name": line.name, "source": line.source, "rank": line.rank}
        | {"step": step.tolist(), "wall_time": _plain(wall_time), "value": _plain(value)}
        for line, step, wall_time, value in told
    ]
    return json.dumps(said, allow_nan=False, separators=(",", ":")).encode()


def _plain(column: Column) -> list[float | str]:
    finite = np.isfinite(column)
    values: list[float | str] = column.tolist()
    for at in np.flatnonzero(~finite).tolist():
        values[at] = str(values[at])
    return values


def to_parquet(told: Sequence[Told]) -> bytes:
    """One row a point, the texts as dictionaries. Raises ``MissingExtra`` without pyarrow."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise MissingExtra("Parquet needs pyarrow: pip install 'trainboard[parquet]'.") from error
    lengths = [len(points.step) for points in told]
    at = pyarrow.array(np.repeat(np.arange(len(told), dtype=np.int32), lengths))
    columns: dict[str, Any] = {}
    for name in ("run", "name", "source", "rank"):
        texts = pyarrow.array([str(getattr(points.line, name)) for points in told], pyarrow.string())
        columns[name] = pyarrow.DictionaryArray.from_arrays(at, texts)
    for name, kind in (("step", np.int64), ("wall_time", np.float64), ("value", np.float64)):
        parts = [getattr(points, name) for points in told]
        columns[name] = np.concatenate(parts) if parts else np.empty(0, kind)
    written = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table(columns), written)
    return written.getvalue()


FORMS: dict[str, tuple[Callable[[Sequence[Told]], bytes], str]] = {
    "CSV": (to_csv, "text/csv; charset=utf-8"),
    "JSON": (to_json, "application/json"),
    "Parquet": (to_parquet, "application/vnd.apache.parquet"),
}
"""How each form is made, and its media type."""
