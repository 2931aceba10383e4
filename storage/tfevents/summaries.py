"""Summaries as records of ours. ``READERS`` is the one table: who reads what each plugin keeps."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from tensorboard.compat.proto.summary_pb2 import Summary

from ..kinds.raw import Raw
from ..series import SeriesRecord
from .mappings import audio, graph, histogram, hparams, image, layout, mesh, pr_curve, scalar, text
from .mappings.hparams import AboutRun
from .mappings.value import Read, Value, plugin_of

log = logging.getLogger(__name__)

READERS: dict[str, Callable[[Value], Read]] = {
    "scalars": scalar.read,
    "histograms": histogram.read,
    "images": image.read,
    "audio": audio.read,
    "text": text.read,
    "pr_curves": pr_curve.read,
    "custom_scalars": layout.read,
    "hparams": hparams.read,
    "graphs": graph.read,
    "graph_run_metadata": graph.read_traced,
    "graph_run_metadata_graph": graph.read_traced,
    "graph_keras_model": graph.read_keras,
}
_MESH = "mesh"
KNOWN = {*READERS, _MESH}
"""Plugins whose values are read; those of a mesh come in parts, and are whole when the last is there."""
_OF_KINDS = {
    "scalar": "scalars",
    "histogram": "histograms",
    "image": "images",
    "video": "images",
    "audio": "audio",
    "text": "text",
    "pr_curve": "pr_curves",
}
_KEPT_TOO = ("graphs", "graph_run_metadata", "graph_run_metadata_graph", "graph_keras_model", "hparams")
"""Plugins whose values say more than their records do; these are kept as they are, too."""


def plugins_of(series: Iterable[SeriesRecord]) -> dict[str, str]:
    """For which plugin the values of each tag are, told by the series that they have become."""
    return {each.tag: _OF_KINDS[each.kind] for each in series if each.kind in _OF_KINDS}


class Summaries:
    """Reads the summaries of one run. Only the first value of a tag need say for which plugin it is.

    ``has_graph`` if a session's graph was read: a ``MetaGraphDef`` beside it has the same one.
    """

    def __init__(self) -> None:
        self.has_graph = False
        self.plugins: dict[str, str] = {}
        self._contents: dict[str, bytes] = {}
        self._meshes = mesh.Meshes()
        self._unread: set[str] = set()
        self._described_tags: set[str] = set()

    def knows(self, tag: str) -> bool:
        """Whether a value of this tag has said for which plugin it is."""
        return tag in self.plugins

    def read(self, summary: Summary, step: int) -> Iterator[tuple[str, Any]]:
        """Tags and values of a step: floats, records of any kind, and ``AboutRun``.

        What no reader knows, or one cannot read, is ``Raw``.
        """
        values = [self._value(proto) for proto in summary.value]
        meshes = [value for value in values if value.plugin == _MESH]
        if meshes:
            yield from self._tried(meshes, lambda: self._read_meshes(step, meshes))
        for value in values:
            if value.plugin != _MESH:
                yield from self._read_one(value)

    def _read_meshes(self, step: int, values: Sequence[Value]) -> Read:
        whole, partial = self._meshes.read(step, values)
        yield from ((value.tag, _raw(value)) for value in partial)
        yield from whole

    def _read_one(self, value: Value) -> Iterator[tuple[str, Any]]:
        reader = READERS.get(value.plugin)
        if reader is None:
            yield value.tag, _raw(value)
            return
        yield from self._tried([value], lambda: self._described(value, reader(value)))

    def _described(self, value: Value, said: Read) -> Read:
        """What a reader says of a value and, once, how its tags are described; the value, if it says more."""
        description = value.proto.metadata.summary_description
        for tag, read in said:
            yield tag, read
            if description and tag not in self._described_tags:
                self._described_tags.add(tag)
                yield tag, AboutRun(descriptions={tag: description})
        if value.plugin in _KEPT_TOO:
            yield value.tag, _raw(value)

    def _tried(self, values: list[Value], reader: Callable[[], Read]) -> Iterator[tuple[str, Any]]:
        """What a reader says, all of it or, where it fails, the values as they are."""
        try:
            yield from list(reader())
        except Exception as error:  # protobuf's, numpy's, Pillow's: whatever a log can hold
            first = values[0]
            if first.tag not in self._unread:
                log.warning("%s of plugin %s is kept unread: %s", first.tag, first.plugin, error)
            self._unread.add(first.tag)
            yield from ((value.tag, _raw(value)) for value in values)

    def _value(self, proto: Summary.Value) -> Value:
        told = plugin_of(proto)
        plugin = self.plugins.setdefault(proto.tag, told) if told else self.plugins.get(proto.tag, "")
        content = proto.metadata.plugin_data.content
        if content or told:
            self._contents[proto.tag] = content
        return Value(proto, plugin, content or self._contents.get(proto.tag, b""))


def _raw(value: Value) -> Raw:
    return Raw(value.plugin, value.proto.SerializeToString())
