"""Kinds that TensorBoard has nothing but words for: texts, tables, and notes of what it cannot show."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tensorboard.compat.proto.summary_pb2 import Summary

from ...kinds.confusion_matrix import ConfusionMatrix
from ...kinds.embedding import Embedding
from ...kinds.event import Event
from ...kinds.figure import Figure
from ...kinds.layer_stats import STATISTICS, LayerStats
from ...kinds.table import Table
from ...kinds.text import Text
from ...kinds.trace import Trace
from .value import strings, value


def text(record: Text, tag: str) -> list[Summary.Value]:
    """Markdown as it is; a plain text is indented, so that no character of it means anything."""
    return [note(tag, record.text if record.format == "markdown" else _verbatim(record.text))]


def table(record: Table, tag: str) -> list[Summary.Value]:
    return [_grid(tag, record.columns, record.rows)]


def confusion_matrix(record: ConfusionMatrix, tag: str) -> list[Summary.Value]:
    rows = [[name, *counts] for name, counts in zip(record.classes, record.matrix.tolist(), strict=True)]
    return [_grid(tag, ["true / predicted", *record.classes], rows)]


def layer_stats(record: LayerStats, tag: str) -> list[Summary.Value]:
    rows = [[name, *numbers] for name, numbers in zip(record.names, record.values.tolist(), strict=True)]
    return [_grid(tag, ["layer", *STATISTICS], rows)]


def figure(record: Figure, tag: str) -> list[Summary.Value]:
    kinds = ", ".join(str(trace.get("type", "scatter")) for trace in record.data)
    return [note(tag, f"A figure of Plotly ({kinds}), which TensorBoard cannot show.")]


def trace(record: Trace, tag: str) -> list[Summary.Value]:
    return [note(tag, f"A trace, kept in `plugins/profile`: {record.name}")]


def embedding(record: Embedding, tag: str) -> list[Summary.Value]:
    count, dimensions = record.vectors.shape
    return [note(tag, f"{count:,} vectors of {dimensions:,} dimensions, shown by the projector.")]


def event(record: Event, tag: str) -> list[Summary.Value]:
    return [note(tag, f"**{record.level}**\n\n{_verbatim(record.title)}\n\n{_verbatim(record.text)}")]


def note(tag: str, markdown: str) -> Summary.Value:
    return value(tag, "text", strings(markdown))


def _grid(tag: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> Summary.Value:
    """A table, which TensorBoard makes of a tensor of two dimensions."""
    if not columns:
        return note(tag, "An empty table.")
    cells = [[f"**{name}**" for name in columns], *([_cell(cell) for cell in row] for row in rows)]
    return value(tag, "text", strings(cells))


def _cell(cell: Any) -> str:
    return "" if cell is None else f"{cell:g}" if isinstance(cell, float) else str(cell)


def _verbatim(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())
