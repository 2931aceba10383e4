"""Definitions of experiments, of which TensorBoard's HParams page takes the first that it meets for all runs.

Hyper-parameters and metrics that it does not name are hidden then, whichever run has them. Without any, all
are found by themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from google.protobuf.message import DecodeError
from sqlalchemy import select
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.plugins.hparams.error import HParamsError
from tensorboard.plugins.hparams.metadata import EXPERIMENT_TAG, parse_experiment_plugin_data

from ..engine import in_groups
from ..schema import series
from ..series import RunRecord, SeriesKey
from .session import hyper_parameters

if TYPE_CHECKING:
    from ..store import Store


class _Definition(NamedTuple):
    """The names of hyper-parameters, and the groups and tags of metrics."""

    hyper_parameters: frozenset[str]
    metrics: frozenset[tuple[str, str]]


class Experiments:
    """What the runs that are shown together define. Definitions are ``shown`` where they hide nothing."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._definitions: dict[str, set[_Definition]] = {}
        self.shown = True

    def look(self, runs: Iterable[RunRecord]) -> None:
        """See what these runs define, and whether that is one definition with all they have."""
        runs = list(runs)
        for run_id in self._defining([run.id for run in runs if run.id not in self._definitions]):
            self._definitions[run_id] = set(self._read(run_id))
        found = {one for run in runs for one in self._definitions.get(run.id, ())}
        known = frozenset[str]().union(*(one.hyper_parameters for one in found))
        self.shown = len(found) == 1 and all(known.issuperset(hyper_parameters(run)) for run in runs)

    def hide(self, key: SeriesKey) -> bool:
        """Whether a series is one of definitions that are not shown."""
        return not self.shown and key.kind == "raw" and key.tag == EXPERIMENT_TAG

    def _defining(self, ids: list[str]) -> list[str]:
        of_kind = (series.c.kind == "raw") & (series.c.tag == EXPERIMENT_TAG)
        with self._store.reading() as connection:
            return [
                run_id
                for group in in_groups(ids)
                for run_id in connection.scalars(
                    select(series.c.run_id).where(of_kind, series.c.run_id.in_(group))
                )
            ]

    def _read(self, run_id: str) -> Iterator[_Definition]:
        for record in self._store.records(run_id, EXPERIMENT_TAG, "raw"):
            try:
                value = Summary.Value.FromString(record.value.data)
                told = parse_experiment_plugin_data(value.metadata.plugin_data.content)
            except (DecodeError, HParamsError):  # and TensorBoard will not read it either
                continue
            yield _Definition(
                frozenset(one.name for one in told.hparam_infos),
                frozenset((one.name.group, one.name.tag) for one in told.metric_infos),
            )
