"""A store as TensorBoard reads data: its own pages on our runs, without any log in between."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from tensorboard import errors
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.data import provider
from tensorboard.util.tensor_util import make_ndarray

from ..location import without_password
from ..records import Record, spread
from ..series import SeriesKey, SeriesRecord
from .assets import Projector
from .provider_index import Entry, ShownRun, blobs_of, index, values_of

if TYPE_CHECKING:
    from ..store import Store

T = TypeVar("T")
_FRESH_S = 2.0
_GRAPHS = ("graphs", "graph_run_metadata", "graph_run_metadata_graph", "graph_keras_model")
_BLOBS = {"images": 3, "audio": 1} | dict.fromkeys(_GRAPHS, 1)
"""Plugins whose data are blobs, and how many a record has."""
_Read = dict[str, dict[str, Any]]


class StoreProvider(provider.DataProvider):
    """TensorBoard's runs are the store's, and ranks but the first runs of their own, ``run/rank_1``.

    What is asked for is read from the store at that moment; lists are up to two seconds old. Of series with
    more points than asked for an even spread is told, the first and the last among them. Archived runs
    are left out. Safe to use from many threads.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._folders: dict[str, PurePosixPath] = {}
        self._index: dict[str, ShownRun] = {}
        self._version = -1
        self._looked_at = -_FRESH_S

    def experiment_metadata(self, ctx: Any = None, *, experiment_id: str) -> Any:
        return provider.ExperimentMetadata(data_location=without_password(self._store.url))

    def list_plugins(self, ctx: Any = None, *, experiment_id: str) -> list[str]:
        return sorted({plugin for run in self._runs().values() for plugin in run.entries})

    def list_runs(self, ctx: Any = None, *, experiment_id: str) -> list[Any]:
        runs = self._runs().items()
        return [
            provider.Run(run_id=name, run_name=name, start_time=run.record.created_at) for name, run in runs
        ]

    def list_scalars(
        self, ctx: Any = None, *, experiment_id: str, plugin_name: str, run_tag_filter: Any = None
    ) -> _Read:
        """Scalars are those of the plugin of that name."""
        return self._list(lambda entry: provider.ScalarTimeSeries, "scalars", plugin_name, run_tag_filter)

    def list_tensors(
        self, ctx: Any = None, *, experiment_id: str, plugin_name: str, run_tag_filter: Any = None
    ) -> _Read:
        if plugin_name in (*_BLOBS, "scalars"):
            return {}
        return self._list(lambda entry: provider.TensorTimeSeries, plugin_name, plugin_name, run_tag_filter)

    def list_blob_sequences(
        self, ctx: Any = None, *, experiment_id: str, plugin_name: str, run_tag_filter: Any = None
    ) -> _Read:
        def kind(entry: Entry) -> Any:
            length = _BLOBS[plugin_name] + len(entry.others)
            return partial(provider.BlobSequenceTimeSeries, max_length=length)

        return self._list(kind, plugin_name, plugin_name, run_tag_filter) if plugin_name in _BLOBS else {}

    def read_scalars(
        self,
        ctx: Any = None,
        *,
        experiment_id: str,
        plugin_name: str,
        downsample: int | None = None,
        run_tag_filter: Any = None,
    ) -> _Read:
        most = _at_most(downsample)
        return self._read(plugin_name, run_tag_filter, lambda entry: self._points(entry, most))

    def read_last_scalars(
        self, ctx: Any = None, *, experiment_id: str, plugin_name: str, run_tag_filter: Any = None
    ) -> _Read:
        return self._read(plugin_name, run_tag_filter, lambda entry: _last(entry.series))

    def read_tensors(
        self,
        ctx: Any = None,
        *,
        experiment_id: str,
        plugin_name: str,
        downsample: int | None = None,
        run_tag_filter: Any = None,
    ) -> _Read:
        def read(entry: Entry) -> list[Any]:
            return [
                provider.TensorDatum(record.step, record.wall_time, make_ndarray(shown.tensor))
                for record in self._records(entry, _at_most(downsample))
                for shown in _values(entry, record)
            ]

        return self._read(plugin_name, run_tag_filter, read)

    def read_blob_sequences(
        self,
        ctx: Any = None,
        *,
        experiment_id: str,
        plugin_name: str,
        downsample: int | None = None,
        run_tag_filter: Any = None,
    ) -> _Read:
        def read(entry: Entry) -> list[Any]:
            return [
                provider.BlobSequenceDatum(record.step, record.wall_time, tuple(_references(entry, record)))
                for record in self._records(entry, _at_most(downsample))
            ]

        return self._read(plugin_name, run_tag_filter, read)

    def read_blob(self, ctx: Any = None, *, blob_key: str) -> bytes:
        try:
            run_id, rank, kind, tag, name, shown_tag, step, number = json.loads(
                base64.urlsafe_b64decode(blob_key)
            )
            found = self._store.records(run_id, tag, kind, rank=rank, window=(step, step))[-1]
            values = values_of(SeriesKey(rank, kind, tag), name, found.value)
            return next(blobs_of(one)[number] for one in values if one.tag == shown_tag)
        except (ValueError, LookupError, StopIteration) as error:
            raise errors.NotFoundError(f"there is no blob {blob_key}") from error

    def write_embeddings(self, folder: Path) -> None:
        """Write the last record of each embedding below ``folder``, as the projector reads it."""
        for name, run in self._runs().items():
            projector = Projector(folder / name)
            series = (entry.series for entry in run.entries.get("text", {}).values())
            for one in series:
                if one is not None and one.kind == "embedding":
                    (last,) = self._store.records(one.run_id, one.tag, one.kind, rank=one.rank, limit=1)
                    projector.add(last.value, one.tag, last.step)

    def _runs(self) -> dict[str, ShownRun]:
        with self._lock:
            if time.monotonic() - self._looked_at >= _FRESH_S:
                version = self._store.version()
                if version != self._version:
                    self._index = index(self._store, self._folders)
                    self._version = version
                self._looked_at = time.monotonic()
            return self._index

    def _chosen(self, plugin: str, wanted: Any) -> Iterator[tuple[str, Entry]]:
        """The runs and tags of a plugin that a ``RunTagFilter`` lets through."""
        runs, tags = (wanted.runs, wanted.tags) if wanted else (None, None)
        for name, run in self._runs().items():
            if runs is None or name in runs:
                for tag, entry in run.entries.get(plugin, {}).items():
                    if tags is None or tag in tags:
                        yield name, entry

    def _list(self, kind: Callable[[Entry], Any], plugin: str, asked: str, wanted: Any) -> _Read:
        found: _Read = {}
        for run, entry in self._chosen(plugin, wanted) if plugin == asked else ():
            series = entry.series
            found.setdefault(run, {})[entry.tag] = kind(entry)(
                max_step=0 if series is None else series.last_step,
                max_wall_time=0.0 if series is None else series.last_wall,
                plugin_content=entry.content,
                description=entry.description,
                display_name="",
            )
        return found

    def _read(self, plugin: str, wanted: Any, read: Callable[[Entry], Any]) -> _Read:
        found: _Read = {}
        for run, entry in self._chosen(plugin, wanted):
            if entry.series is not None:
                found.setdefault(run, {})[entry.tag] = read(entry)
        return found

    def _points(self, entry: Entry, most: int) -> list[Any]:
        series = entry.series
        assert series is not None
        points = self._store.points(series.run_id, series.tag, rank=series.rank, width=max(most, 1))
        last_of_step = np.flatnonzero(np.append(points.step[1:] != points.step[:-1], True))
        told = last_of_step[spread(len(last_of_step), most)]
        columns = (points.step, points.wall_time, points.value)
        rows = zip(*(column[told].tolist() for column in columns), strict=True)
        return [provider.ScalarDatum(*row) for row in rows]

    def _records(self, entry: Entry, most: int) -> list[Record]:
        series = entry.series
        assert series is not None
        read = self._store.records(series.run_id, series.tag, series.kind, rank=series.rank, limit=most)
        return list({record.step: record for record in read}.values())


def _at_most(downsample: int | None) -> int:
    if downsample is None:
        raise TypeError("downsample is required")
    return downsample


def _last(series: SeriesRecord | None) -> Any:
    assert series is not None
    return provider.ScalarDatum(series.last_step, series.last_wall, series.last)


def _values(entry: Entry, record: Record) -> list[Summary.Value]:
    """Of what is shown of a record, the value of this tag."""
    assert entry.series is not None
    return [one for one in values_of(entry.series.key, entry.name, record.value) if one.tag == entry.tag]


def _references(entry: Entry, record: Record) -> Iterator[Any]:
    """Addresses of the blobs of a record and of its other samples, by which ``read_blob`` finds them."""
    assert entry.series is not None
    for shown in _values(entry, record):
        for number in range(len(blobs_of(shown))):
            yield _reference(entry, entry.series.key, record.step, number)
    if entry.others:
        for key in entry.others[: record.value.samples - 1]:
            yield _reference(entry, key, record.step, _BLOBS[entry.plugin] - 1)


def _reference(entry: Entry, key: SeriesKey, step: int, number: int) -> Any:
    assert entry.series is not None
    place = [entry.series.run_id, key.rank, key.kind, key.tag, entry.name, entry.tag, step, number]
    return provider.BlobReference(base64.urlsafe_b64encode(json.dumps(place).encode()).decode())
