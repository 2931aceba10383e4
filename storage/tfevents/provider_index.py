"""What a store has for TensorBoard: for each plugin its runs and tags, and the series behind each."""

from __future__ import annotations

from collections import defaultdict
from functools import lru_cache
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, NamedTuple

from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.data_compat import migrate_value
from tensorboard.plugins.hparams import metadata as hparams
from tensorboard.util.tensor_util import make_ndarray

from ..kinds.graph import Graph
from ..kinds.raw import Raw
from ..series import RunRecord, SeriesKey, SeriesRecord
from .experiments import Experiments
from .names import rank_folder, run_folders, shown_tag
from .samples import series_of_samples
from .session import session_end, session_start
from .shown import to_tensorboard
from .shown.graph import RUN_GRAPH, graph_definition
from .shown.value import strings, value

if TYPE_CHECKING:
    from ..store import Store

_SAID_BY_KIND = {"histogram": "histograms", "text": "text", "table": "text", "layer_stats": "text"}
"""Kinds whose plugin and tag are known without looking at a record."""


class Entry(NamedTuple):
    """A tag as a plugin sees it: its metadata, and the series that it is made of, unless it has no data.

    ``name`` is what TensorBoard is to call the series, which may be shown as several tags. ``others`` are
    the series of the other samples of its records.
    """

    tag: str
    name: str
    plugin: str
    content: bytes
    description: str
    series: SeriesRecord | None
    others: tuple[SeriesKey, ...] = ()


class ShownRun(NamedTuple):
    """A run, or one rank of it, by the name that TensorBoard has for it."""

    record: RunRecord
    entries: dict[str, dict[str, Entry]]
    """By plugin, then by tag."""


def index(store: Store, folders: dict[str, PurePosixPath]) -> dict[str, ShownRun]:
    """All runs of a store but deleted ones, by name. ``folders`` are the names given before; it grows."""
    records = store.runs()
    folders |= run_folders(records, folders)
    ranks: dict[str, dict[int, list[SeriesRecord]]] = defaultdict(lambda: defaultdict(list))
    for series in store.series([run.id for run in records]):
        ranks[series.run_id][series.rank].append(series)
    experiments = Experiments(store)
    experiments.look(records)
    shown: dict[str, ShownRun] = {}
    for run in records:
        for rank in sorted({0, *ranks[run.id]}):
            name = str(rank_folder(folders[run.id], rank))
            about = [] if rank else _about(run)
            told = [one for one in ranks[run.id][rank] if not experiments.hide(one.key)]
            entries = [_described(entry, run) for entry in _entries(store, told)]
            shown[name] = ShownRun(run, _by_plugin([*about, *entries]))
    return shown


def values_of(key: SeriesKey, tag: str, record: Any) -> list[Summary.Value]:
    """What TensorBoard shows of a record of a series that it calls ``tag``; nothing of a few raw ones."""
    if isinstance(record, Raw):
        if record.message == "summary_value":
            return [Summary.Value.FromString(record.data)]
        return [_graph(record.data)] if record.message == "graph_def" else []
    if isinstance(record, Graph):
        return [_graph(graph_definition(record))]
    return [migrate_value(one) for one in to_tensorboard(key.kind, tag, record).values]


def blobs_of(shown: Summary.Value) -> list[bytes]:
    """The blobs of a value: of an image its size and picture, of audio the clips without their labels."""
    tensor = make_ndarray(shown.tensor)
    return list(tensor[:, 0] if tensor.ndim == 2 else tensor.reshape(-1))


def _graph(definition: bytes) -> Summary.Value:
    return value(RUN_GRAPH, "graphs", strings([definition]))


def _about(run: RunRecord) -> list[Entry]:
    if not run.config:
        return []
    told = (session_start(run), session_end(run))
    return [
        Entry(one.tag, one.tag, hparams.PLUGIN_NAME, one.metadata.plugin_data.content, "", None)
        for one in told
    ]


def _described(entry: Entry, run: RunRecord) -> Entry:
    said = run.descriptions.get(entry.series.tag, "") if entry.series else ""
    return entry._replace(description=entry.description or said)


def _by_plugin(entries: list[Entry]) -> dict[str, dict[str, Entry]]:
    found: dict[str, dict[str, Entry]] = defaultdict(dict)
    for entry in entries:
        found[entry.plugin].setdefault(entry.tag, entry)
    return dict(found)


def _entries(store: Store, series: list[SeriesRecord]) -> list[Entry]:
    taken: set[tuple[int, str]] = set()
    found: list[Entry] = []
    others = series_of_samples(store, series)
    shown_with_first = {key for keys in others.values() for key in keys}
    for one in sorted(series, key=lambda one: one.kind != "scalar"):
        key = one.key
        if key in shown_with_first:
            continue
        tag = shown_tag(key, taken)
        taken.add((key.rank, key.tag))
        if one.kind == "scalar":
            found.append(Entry(tag, tag, "scalars", b"", "", one))
        elif one.kind in _SAID_BY_KIND:
            found.append(Entry(tag, tag, _SAID_BY_KIND[one.kind], b"", "", one))
        else:
            told = _first(store, one.run_id, key, tag)
            rest = one, others.get(key, ())
            found += [Entry(name, tag, plugin, content, text, *rest) for name, plugin, content, text in told]
    return found


@lru_cache(maxsize=100_000)
def _first(store: Store, run_id: str, key: SeriesKey, tag: str) -> list[tuple[str, str, bytes, str]]:
    """Tags, plugins, contents and descriptions that the first record of a series has."""
    record = store.record_at(run_id, key.tag, key.kind, 0, rank=key.rank).value
    return [
        (one.tag, told.plugin_data.plugin_name, told.plugin_data.content, told.summary_description)
        for one in values_of(key, tag, record)
        for told in (one.metadata,)
    ]
