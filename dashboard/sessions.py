"""Metrics of a trial that are in runs below it.

TensorBoard's sessions are folders: the hyper-parameters are said in ``7``, and Keras's callback logs the
metrics to ``7/train`` and ``7/validation``. Such a run without a config is a part of the one above it, and
``epoch_loss`` of ``7/validation`` is that trial's metric ``validation/epoch_loss``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from ..storage.run_table import RunRow, TableQuery
from .run_columns import metrics_of, number_of

if TYPE_CHECKING:
    from ..storage import Store

MOST_RUNS = 2_000
_LOOKED_AT_FOR_TAGS = 100
_MOST_TAGS = 500


class Part(NamedTuple):
    """A run that is a part of a trial: the trial's name, and what the run's has more than that."""

    run: RunRow
    trial: str
    group: str


def parts(rows: Sequence[RunRow]) -> list[Part]:
    """Those of these runs that are parts of others among them."""
    trials = {row.name for row in rows if row.config}
    return [part for row in rows if not row.config and (part := _part(row, trials))]


def tags_below(store: Store, project: str | None) -> list[str]:
    """The metrics that the newest trials have in their parts, a loss of validation first."""
    newest = parts(store.run_table(TableQuery(project, limit=MOST_RUNS)).rows)[:_LOOKED_AT_FOR_TAGS]
    groups = {part.run.id: part.group for part in newest}
    listed = store.series_list(list(groups), "scalar", limit=_MOST_TAGS)
    tags = {f"{groups[run]}/{listed.series[at][0]}" for run, places in listed.of_run.items() for at in places}
    return sorted(tags, key=lambda tag: ("loss" not in tag, "val" not in tag, tag))


def values_below(store: Store, project: str | None, metric: str) -> dict[str, float]:
    """The finite values that trials have of a metric in their parts, by the trials' names."""
    space, _, path = metric.partition(".")
    steps = path.split("/")
    columns = ["/".join(steps[at:]) for at in range(1, len(steps))]
    asked = metrics_of([f"{space}.{tag}" for tag in columns])
    rows = store.run_table(TableQuery(project, limit=MOST_RUNS, metrics=asked)).rows if asked else []
    told = [part for part in parts(rows) if path.startswith(f"{part.group}/")]
    values = {
        part.trial: number_of(part.run, f"{space}.{path.removeprefix(f'{part.group}/')}") for part in told
    }
    return {trial: value for trial, value in values.items() if value is not None}


def _part(row: RunRow, trials: set[str]) -> Part | None:
    at = row.name.rfind("/")
    while at > 0:
        if row.name[:at] in trials:
            return Part(row, row.name[:at], row.name[at + 1 :])
        at = row.name.rfind("/", 0, at)
    return None
